//! What the files of a bundle are called, and reading the small ones.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::{BundleError, Refusal};

pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const SIGNATURE: &str = "manifest.json.minisig";
pub(crate) const SIGNATURES: &str = "signatures";
pub(crate) const CHUNKS: &str = "chunks.bin";

/// A manifest of 100,000 blobs has 25 MiB.
pub(crate) const MANIFEST_LIMIT: u64 = 64 << 20;
/// Four short lines.
pub(crate) const SIGNATURE_LIMIT: u64 = 4 << 10;

/// Reads a file that may be as large as a hostile stick makes it.
pub(crate) fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>, BundleError> {
    let mut bytes = Vec::new();
    regular(path)?;
    let file = File::open(path).map_err(BundleError::reading(path))?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(BundleError::reading(path))?;
    if bytes.len() as u64 > limit {
        let reason = format!("it has more than {limit} bytes");
        return Err(Refusal::Manifest { path: path.to_owned(), reason }.into());
    }
    Ok(bytes)
}

/// Refuses what is no file: opening a named pipe waits for ever for somebody to write to it.
pub(crate) fn regular(path: &Path) -> Result<(), BundleError> {
    if path.metadata().map_err(BundleError::reading(path))?.is_file() {
        return Ok(());
    }
    let kind = io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file");
    Err(BundleError::reading(path)(kind))
}
