//! The program that is uploaded: this very sealift, or that of the bundle for the node's platform.

use std::io;
use std::path::{Path, PathBuf};

use sealift_stream::{Digest, Hasher};
use tokio::io::AsyncReadExt as _;

/// A file, and what it must be.
#[derive(Debug, Clone)]
pub struct HelperBinary {
    /// Where it is here.
    pub path: PathBuf,
    /// What it is.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

impl HelperBinary {
    /// Reads a file once to learn its digest, e.g. `/proc/self/exe`.
    pub async fn of(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref().to_owned();
        let mut file = tokio::fs::File::open(&path).await?;
        let (mut hasher, mut size) = (Hasher::new(), 0);
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match file.read(&mut buffer).await? {
                0 => return Ok(Self { path, digest: hasher.finish(), size }),
                count => {
                    hasher.update(&buffer[..count]);
                    size += count as u64;
                }
            }
        }
    }
}
