//! What is seen at a path, and how much room is there.

use serde::{Deserialize, Serialize};

use crate::Secretless;

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sight {
    /// A file, and its bytes.
    File(Secretless),
    /// A folder, and the names in it, sorted.
    Names(Vec<String>),
    /// Something else: a socket, a device.
    Other,
    /// Nothing.
    Missing,
    /// It could not be looked at, and why: that is not the same as nothing.
    Refused(String),
}

/// Room on the file system that a path is on, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// The path that was asked about.
    pub path: String,
    /// The nearest folder above it that is there.
    pub at: String,
    /// Number of the device: paths with the same one share their room.
    pub device: u64,
    /// Bytes in all.
    pub size: u64,
    /// Bytes that root may still write.
    pub free: u64,
    /// Files that there can be; 0 where the file system does not count them.
    pub inodes: u64,
    /// Files that can still be made.
    pub inodes_free: u64,
    /// Whether a folder's list tells what each name is, which overlayfs needs (XFS made with `ftype=0` does not).
    pub types: bool,
}
