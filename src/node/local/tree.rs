//! Removing whole trees, mounts and all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, umount2};

use super::LocalHost;
use super::file::present;
use crate::error::Context as _;
use crate::{Answer, HostError};

impl LocalHost {
    pub(super) fn remove(&self, path: &str) -> Result<Answer, HostError> {
        let place = self.root.checked(&self.name, path)?;
        let what = || format!("removing {path}");
        let Some(meta) = present(fs::symlink_metadata(&place)).on(&self.name, what)? else {
            return Ok(Answer::Done);
        };
        if !meta.is_dir() {
            present(fs::remove_file(&place)).on(&self.name, what)?;
            return Ok(Answer::Done);
        }
        // As the kernel names it: a link on the way (/var/run) would hide mounts from the comparison.
        let place = fs::canonicalize(&place).on(&self.name, what)?;
        let mountinfo = fs::read_to_string("/proc/self/mountinfo").on(&self.name, what)?;
        let (own, below): (Vec<_>, Vec<_>) =
            mounts_below(&mountinfo, &place).into_iter().partition(|mount| *mount == place);
        unmount(below).on(&self.name, what)?;
        if own.is_empty() {
            present(fs::remove_dir_all(&place)).on(&self.name, what)?;
        } else {
            empty(&place).on(&self.name, what)?;
        }
        Ok(Answer::Done)
    }
}

/// A file system of its own for this very path is the site's doing: its content goes, and it stays where it is. Otherwise
/// what is written next would lie on another disk, below what the next boot mounts.
fn empty(place: &Path) -> io::Result<()> {
    for entry in fs::read_dir(place)? {
        let entry = entry?;
        if entry.file_name() == LOST_AND_FOUND {
            continue;
        }
        let path = entry.path();
        present(if entry.file_type()?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) })?;
    }
    Ok(())
}

/// What every ext file system has, and fsck(8) needs.
const LOST_AND_FOUND: &str = "lost+found";

/// Unmounts, the deepest first. What is busy is detached: its users keep it, the tree does not.
fn unmount(mut mounts: Vec<PathBuf>) -> io::Result<()> {
    mounts.sort_by_key(|path| std::cmp::Reverse(path.as_os_str().len()));
    for mount in mounts {
        if umount2(&mount, MntFlags::empty()).is_err() {
            umount2(&mount, MntFlags::MNT_DETACH)?;
        }
    }
    Ok(())
}

/// Mount points at or below `place`, from the text of proc(5)'s mountinfo (field 5, octal escapes).
fn mounts_below(mountinfo: &str, place: &Path) -> Vec<PathBuf> {
    let points = mountinfo.lines().filter_map(|line| line.split(' ').nth(4));
    points.map(|point| PathBuf::from(unescape(point))).filter(|point| point.starts_with(place)).collect()
}

/// Undoes the `\040` that proc(5) writes for a space, a tab, a line feed and a backslash.
fn unescape(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use nix::mount::{MntFlags, MsFlags, mount, umount2};

    use super::mounts_below;
    use crate::{LocalHost, Mutate};

    /// A server whose etcd has a disk of its own. Needs root.
    #[tokio::test]
    async fn a_file_system_of_its_own_is_emptied_and_stays_mounted() {
        let dir = tempfile::tempdir().unwrap();
        let etcd = dir.path().join("var/lib/etcd");
        fs::create_dir_all(&etcd).unwrap();
        let tmpfs = |place: &Path| {
            mount(Some("tmpfs"), place, Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
        };
        tmpfs(&etcd);
        for folder in ["lost+found", "member/wal", "below"] {
            fs::create_dir_all(etcd.join(folder)).unwrap();
        }
        tmpfs(&etcd.join("below"));
        fs::write(etcd.join("below/x"), "x").unwrap();
        let host = LocalHost::rooted("cp1", dir.path());
        let mutate = Mutate::new(&host);
        mutate.remove("/var/lib/etcd").await.unwrap();
        let mounted = |place: &Path| {
            let mountinfo = fs::read_to_string("/proc/self/mountinfo").unwrap();
            !mounts_below(&mountinfo, &fs::canonicalize(place).unwrap()).is_empty()
        };
        let left: Vec<_> = fs::read_dir(&etcd).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(mounted(&etcd) && left == ["lost+found"], "{left:?}");
        umount2(&etcd, MntFlags::empty()).unwrap();
        mutate.remove("/var/lib/etcd").await.unwrap();
        assert!(!etcd.exists());
    }

    #[test]
    fn finds_mounts_below_and_no_namesakes() {
        let text = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n\
                    2 1 0:5 / /var/lib/kubelet/pods/a\\040b/volumes rw - tmpfs tmpfs rw\n\
                    3 1 0:6 / /var/lib/kubelet-old rw - tmpfs tmpfs rw\n";
        let found = mounts_below(text, Path::new("/var/lib/kubelet"));
        assert_eq!(found, [PathBuf::from("/var/lib/kubelet/pods/a b/volumes")]);
    }
}
