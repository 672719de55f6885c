//! What lies on a node's disk: taken before an installation and after a reset, and compared.
//!
//! Read from outside, through the host, so that nothing the product does in the node can colour it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::Node;

/// Paths whose content changes on an idle machine; each is left out with all below it.
pub const VOLATILE: [&str; 10] = [
    // in memory on a real machine, so gone at the next boot
    "/run",
    "/tmp",
    "/dev",
    "/proc",
    "/sys",
    // written by systemd and others by themselves
    "/var/log",
    "/var/tmp",
    "/var/lib/systemd",
    "/var/cache",
    // dpkg-db-backup.timer, at midnight
    "/var/backups",
];

/// One thing on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `file`, `folder`, `link`, `socket`, `fifo`, `device`.
    pub kind: &'static str,
    /// Permission bits, set-uid and sticky included.
    pub mode: u32,
    /// Owner and group.
    pub owner: (u32, u32),
    /// Bytes, of a file; a folder's is the file system's business.
    pub size: u64,
    /// sha256 of a file's content, target of a link, numbers of a device.
    pub content: String,
}

/// Everything on a disk by its path in the node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing(pub BTreeMap<PathBuf, Entry>);

/// How a path differs between two listings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Only in the later one.
    Added(PathBuf),
    /// Only in the earlier one.
    Removed(PathBuf),
    /// In both, but not the same.
    Changed(PathBuf, Box<(Entry, Entry)>),
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added(path) => write!(out, "+ {}", path.display()),
            Self::Removed(path) => write!(out, "- {}", path.display()),
            Self::Changed(path, entries) => {
                write!(out, "~ {}: {:?} -> {:?}", path.display(), entries.0, entries.1)
            }
        }
    }
}

impl Listing {
    /// What is different in `later`.
    pub fn differences(&self, later: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        for (path, before) in &self.0 {
            match later.0.get(path) {
                None => found.push(Difference::Removed(path.clone())),
                Some(after) if after != before => {
                    found.push(Difference::Changed(path.clone(), Box::new((before.clone(), after.clone()))));
                }
                Some(_) => {}
            }
        }
        found.extend(
            later.0.keys().filter(|path| !self.0.contains_key(*path)).cloned().map(Difference::Added),
        );
        found
    }
}

impl Node {
    /// Lists the node's disk without [`VOLATILE`]; works while the node is off too.
    pub fn listing(&self) -> Result<Listing> {
        if self.leader().is_some() {
            // What the node wrote and the page cache holds is seen here anyhow; this orders it for the eye.
            self.exec(&["sync"])?;
        }
        list(&self.disk(), &VOLATILE)
    }
}

/// Lists a tree, leaving out some paths (absolute, as the node sees them).
pub fn list(disk: &Path, leave_out: &[&str]) -> Result<Listing> {
    let device = fs::symlink_metadata(disk).with_context(|| format!("looking at {}", disk.display()))?.dev();
    let mut found = Listing::default();
    let mut open = vec![PathBuf::from("/")];
    while let Some(folder) = open.pop() {
        let here = inside(disk, &folder);
        // A running node may remove something under our eyes: then it is not there.
        let items = fs::read_dir(&here);
        let Some(items) = there(items).with_context(|| format!("listing {}", here.display()))? else {
            found.0.remove(&folder);
            continue;
        };
        for item in items {
            let path = folder.join(item?.file_name());
            if leave_out.iter().any(|out| Path::new(out) == path) {
                continue;
            }
            let Some((entry, dev)) = look(&inside(disk, &path))? else { continue };
            if entry.kind == "folder" && dev == device {
                open.push(path.clone());
            }
            found.0.insert(path, entry);
        }
    }
    Ok(found)
}

fn inside(disk: &Path, path: &Path) -> PathBuf {
    disk.join(path.strip_prefix("/").unwrap_or(path))
}

/// None of what is not there.
fn there<T>(asked: std::io::Result<T>) -> std::io::Result<Option<T>> {
    match asked {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

fn look(path: &Path) -> Result<Option<(Entry, u64)>> {
    let looking = || format!("looking at {}", path.display());
    let Some(meta) = there(fs::symlink_metadata(path)).with_context(looking)? else { return Ok(None) };
    let kind = meta.file_type();
    let (kind, size, content) = if kind.is_dir() {
        ("folder", 0, String::new())
    } else if kind.is_symlink() {
        let Some(target) = there(fs::read_link(path)).with_context(looking)? else { return Ok(None) };
        ("link", 0, target.to_string_lossy().into_owned())
    } else if kind.is_file() {
        let Some(digest) = there(digest(path)).with_context(looking)? else { return Ok(None) };
        ("file", meta.len(), digest)
    } else if kind.is_socket() {
        ("socket", 0, String::new())
    } else if kind.is_fifo() {
        ("fifo", 0, String::new())
    } else {
        ("device", 0, meta.rdev().to_string())
    };
    let entry = Entry { kind, mode: meta.mode() & 0o7777, owner: (meta.uid(), meta.gid()), size, content };
    Ok(Some((entry, meta.dev())))
}

fn digest(path: &Path) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    let mut file = fs::File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let length = std::io::Read::read(&mut file, &mut buffer)?;
        if length == 0 {
            return Ok(crate::cache::hex(&hash.finalize()));
        }
        hash.update(&buffer[..length]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn content_mode_target_and_presence_are_all_seen_and_what_is_left_out_is_not() {
        let disk = tempfile::tempdir().unwrap();
        let at = |path: &str| disk.path().join(path);
        for folder in ["etc", "var/log", "gone"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::write(at("etc/same"), "1").unwrap();
        fs::write(at("etc/content"), "1").unwrap();
        fs::write(at("etc/mode"), "1").unwrap();
        symlink("/a", at("etc/link")).unwrap();
        let before = list(disk.path(), &["/var/log"]).unwrap();
        assert!(before.differences(&before).is_empty());

        fs::write(at("etc/content"), "2").unwrap();
        fs::set_permissions(at("etc/mode"), fs::Permissions::from_mode(0o4755)).unwrap();
        fs::remove_file(at("etc/link")).unwrap();
        symlink("/b", at("etc/link")).unwrap();
        fs::remove_dir(at("gone")).unwrap();
        fs::write(at("var/log/noise"), "x").unwrap();
        fs::write(at("new\nline"), "x").unwrap();
        let shown: Vec<String> = before
            .differences(&list(disk.path(), &["/var/log"]).unwrap())
            .iter()
            .map(|difference| difference.to_string().split(':').next().unwrap().to_owned())
            .collect();
        assert_eq!(shown, ["~ /etc/content", "~ /etc/link", "~ /etc/mode", "- /gone", "+ /new\nline"]);
    }
}
