//! `/proc/PID/mountinfo` (proc(5)).

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) point: String,
    /// Options of the mount and of the file system.
    pub(crate) options: Vec<String>,
    pub(crate) kind: String,
}

impl Mount {
    pub(crate) fn has(&self, option: &str) -> bool {
        self.options.iter().any(|one| one == option)
    }
}

/// All mounts, in the order in which they lie over each other.
pub(crate) fn mounts(text: &str) -> Vec<Mount> {
    text.lines()
        .filter_map(|line| {
            let (before, behind) = line.split_once(" - ")?;
            let fields: Vec<&str> = before.split(' ').collect();
            let behind: Vec<&str> = behind.split(' ').collect();
            let options =
                fields.get(5)?.split(',').chain(behind.get(2).into_iter().flat_map(|all| all.split(',')));
            Some(Mount {
                point: fields.get(4)?.replace("\\040", " "),
                options: options.map(str::to_owned).collect(),
                kind: (*behind.first()?).to_owned(),
            })
        })
        .collect()
}

/// The mount that a path is on: the last one over the longest part of it.
pub(crate) fn of<'a>(mounts: &'a [Mount], path: &str) -> Option<&'a Mount> {
    let below = |mount: &&Mount| {
        let point = mount.point.trim_end_matches('/');
        path == point || path.strip_prefix(point).is_some_and(|rest| rest.starts_with('/'))
    };
    mounts.iter().filter(below).max_by_key(|mount| mount.point.trim_end_matches('/').len())
}

#[cfg(test)]
mod tests {
    use super::{mounts, of};

    #[test]
    fn the_longest_and_last_mount_counts() {
        let text = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n\
                    23 22 0:5 / /var/lib rw,noexec - xfs /dev/sdb1 rw\n\
                    24 23 0:6 / /var/lib ro - tmpfs tmpfs rw\n";
        let all = mounts(text);
        assert_eq!(of(&all, "/var/lib/etcd").map(|one| one.kind.as_str()), Some("tmpfs"));
        assert_eq!(of(&all, "/var/library").map(|one| one.kind.as_str()), Some("ext4"));
        assert!(of(&all, "/etc").is_some_and(|one| one.has("errors=remount-ro") && !one.has("ro")));
        assert!(mounts("garbage\n").is_empty());
    }
}
