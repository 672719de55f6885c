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
        unmount_below(&place).on(&self.name, what)?;
        present(fs::remove_dir_all(&place)).on(&self.name, what)?;
        Ok(Answer::Done)
    }
}

/// Unmounts what is mounted at or below `place`, the deepest first. What is busy is detached: its users
/// keep it, the tree does not.
fn unmount_below(place: &Path) -> io::Result<()> {
    // As the kernel names it: a link on the way (/var/run) would hide mounts from the comparison.
    let place = fs::canonicalize(place)?;
    let mut mounts = mounts_below(&fs::read_to_string("/proc/self/mountinfo")?, &place);
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
    use std::path::{Path, PathBuf};

    use super::mounts_below;

    #[test]
    fn finds_mounts_below_and_no_namesakes() {
        let text = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n\
                    2 1 0:5 / /var/lib/kubelet/pods/a\\040b/volumes rw - tmpfs tmpfs rw\n\
                    3 1 0:6 / /var/lib/kubelet-old rw - tmpfs tmpfs rw\n";
        let found = mounts_below(text, Path::new("/var/lib/kubelet"));
        assert_eq!(found, [PathBuf::from("/var/lib/kubelet/pods/a b/volumes")]);
    }
}
