//! Reading one blob out of a bundle.

use std::io::{self, Read};
use std::sync::Arc;

use sealift_stream::{Digest, Hasher};

use crate::chunk::CHUNK_SIZE;
use crate::content::Content;
use crate::{BlobEntry, BundleError, Refusal};

/// A blob's bytes. Each chunk is checked in memory before a byte of it is given out; errors carry a
/// [`BundleError`] (see [`BundleError::refusal_in`]). Holds one chunk of memory.
#[derive(Debug)]
pub struct BlobReader {
    content: Arc<Content>,
    digest: Digest,
    /// Place in the stream of the next byte, and of the byte behind the last.
    next: u64,
    end: u64,
    /// The chunk that `buffer` holds.
    held: Option<u64>,
    buffer: Vec<u8>,
    /// Only of a reader that began at the first byte, until its end has been checked.
    hasher: Option<Hasher>,
}

impl BlobReader {
    pub(crate) fn new(content: Arc<Content>, entry: &BlobEntry, offset: u64) -> Self {
        let end = entry.offset + entry.size;
        Self {
            content,
            digest: entry.digest,
            next: entry.offset.saturating_add(offset).min(end),
            end,
            held: None,
            buffer: Vec::new(),
            hasher: (offset == 0).then(Hasher::new),
        }
    }

    /// Bytes still to come.
    pub fn remaining(&self) -> u64 {
        self.end - self.next
    }

    /// The next bytes, as many as lie in one chunk; empty at the end.
    pub(crate) fn next_piece(&mut self) -> Result<&[u8], BundleError> {
        if self.next == self.end {
            return match self.hasher.take().map(Hasher::finish) {
                Some(seen) if seen != self.digest => {
                    Err(Refusal::BlobDigest { expected: self.digest, seen }.into())
                }
                _ => Ok(&[]),
            };
        }
        let index = self.next / CHUNK_SIZE;
        if self.held != Some(index) {
            self.held = None;
            self.content.chunk(index, &mut self.buffer)?;
            self.held = Some(index);
        }
        let from = usize::try_from(self.next % CHUNK_SIZE).unwrap_or(usize::MAX);
        let left = usize::try_from(self.end - self.next).unwrap_or(usize::MAX);
        let to = self.buffer.len().min(from.saturating_add(left));
        Ok(self.buffer.get(from..to).unwrap_or_default())
    }

    /// Takes bytes of the last piece as given out.
    pub(crate) fn consume(&mut self, count: usize) {
        if let Some(hasher) = &mut self.hasher {
            let from = usize::try_from(self.next % CHUNK_SIZE).unwrap_or(usize::MAX);
            hasher.update(self.buffer.get(from..from.saturating_add(count)).unwrap_or_default());
        }
        self.next += count as u64;
    }
}

impl Read for BlobReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        let piece = self.next_piece()?;
        let count = piece.len().min(out.len());
        out[..count].copy_from_slice(&piece[..count]);
        if count > 0 {
            self.consume(count);
        }
        Ok(count)
    }
}
