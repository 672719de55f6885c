//! A bundle that is there already and is about to be signed: nobody has vouched for it since it was packed, so every
//! byte of it is held against the layout of its lock.

use std::path::Path;

use sealift_stream::{Digest, Hasher};

use super::PackError;
use crate::content::Content;
use crate::layout::Layout;
use crate::{Bundle, BundleError, Manifest};

/// Reads the whole bundle in `dir`, whose manifest is that of the lock.
pub(crate) fn recheck(layout: &Layout, dir: &Path, manifest: Manifest) -> Result<(), PackError> {
    let spoilt = |reason: String| PackError::Spoilt { dir: dir.to_owned(), reason };
    let refused = |error: BundleError| match error {
        error if error.is_integrity() => spoilt(error.to_string()),
        error => PackError::Check(error),
    };
    let bundle = Bundle::of_ours(dir.to_owned(), manifest).map_err(refused)?;
    let mut stream = Stream { content: &bundle.state.content, chunk: Vec::new(), used: 0, next: 0 };
    let ends = layout.regions.iter().skip(1).map(|region| region.start).chain([layout.stream_size]);
    for (region, end) in layout.regions.iter().zip(ends) {
        let head = region.head().map_err(PackError::io("making a header in", dir))?;
        let padding = end - region.offset - region.size;
        let zeros = vec![0; usize::try_from(padding).unwrap_or_default()];
        for (length, want) in [
            (region.offset - region.start, Digest::of(&head)),
            (region.size, region.digest()),
            (padding, Digest::of(&zeros)),
        ] {
            if stream.digest(length).map_err(refused)? != want {
                return Err(spoilt(format!("{} in it is not what the lock says", region.path)));
            }
        }
    }
    Ok(())
}

/// The volumes' bytes in their order, every chunk checked.
struct Stream<'a> {
    content: &'a Content,
    chunk: Vec<u8>,
    /// Of `chunk`, bytes that were taken.
    used: usize,
    /// The number of the chunk behind it.
    next: u64,
}

impl Stream<'_> {
    /// The digest of the next so many bytes.
    fn digest(&mut self, mut length: u64) -> Result<Digest, BundleError> {
        let mut hasher = Hasher::new();
        while length > 0 {
            if self.used == self.chunk.len() {
                self.content.chunk(self.next, &mut self.chunk)?;
                (self.used, self.next) = (0, self.next + 1);
            }
            let rest = &self.chunk[self.used..];
            let take = rest.len().min(usize::try_from(length).unwrap_or(usize::MAX));
            hasher.update(&rest[..take]);
            self.used += take;
            length -= take as u64;
        }
        Ok(hasher.finish())
    }
}
