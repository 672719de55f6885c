//! Content made up from an address: `test://SEED/SIZE/FORM`, the same bytes every time, at any offset.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use sealift_bundle::{BlobSource, BoxBlobStream, LockedBlob, Source};
use sealift_stream::{Digest, Hasher};
use tokio::io::{AsyncRead, ReadBuf};

/// What the bytes look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) seed: u64,
    pub(crate) size: u64,
    /// Only every 32nd 4 MiB is noise, the rest is zeros: large, and cheap to make.
    pub(crate) sparse: bool,
}

impl Content {
    pub(crate) fn url(self) -> String {
        format!("test://{}/{}/{}", self.seed, self.size, if self.sparse { "sparse" } else { "noise" })
    }

    pub(crate) fn from_url(url: &str) -> Option<Self> {
        let mut parts = url.strip_prefix("test://")?.split('/');
        let seed = parts.next()?.parse().ok()?;
        let size = parts.next()?.parse().ok()?;
        Some(Self { seed, size, sparse: parts.next()? == "sparse" })
    }

    /// Fills `out` with the bytes from `offset` on.
    pub(crate) fn read_at(self, offset: u64, out: &mut [u8]) {
        let mut at = offset;
        let mut rest = out;
        while !rest.is_empty() {
            let step = (8 - at % 8).min(rest.len() as u64) as usize;
            let (now, behind) = rest.split_at_mut(step);
            let word = self.word(at / 8).to_le_bytes();
            let from = (at % 8) as usize;
            now.copy_from_slice(&word[from..from + step]);
            at += step as u64;
            rest = behind;
        }
    }

    /// splitmix64 (Vigna, public domain), in counter mode.
    fn word(self, index: u64) -> u64 {
        if self.sparse && !(index >> 19).is_multiple_of(32) {
            return 0;
        }
        let mut z = (self.seed << 40).wrapping_add(index).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        let mut bytes = vec![0; self.size as usize];
        self.read_at(0, &mut bytes);
        bytes
    }

    pub(crate) fn digest(self) -> Digest {
        let mut hasher = Hasher::new();
        let mut buffer = vec![0; 4 << 20];
        let mut at = 0;
        while at < self.size {
            let step = (self.size - at).min(4 << 20) as usize;
            if self.sparse && !(at >> 22).is_multiple_of(32) {
                buffer[..step].fill(0);
            } else {
                self.read_at(at, &mut buffer[..step]);
            }
            hasher.update(&buffer[..step]);
            at += step as u64;
        }
        hasher.finish()
    }
}

/// Serves blobs whose source is a `test://` address.
pub(crate) struct Generated;

impl BlobSource for Generated {
    fn open<'a>(&'a self, blob: &'a LockedBlob, offset: u64) -> BoxFuture<'a, io::Result<BoxBlobStream>> {
        Box::pin(async move {
            let Source::Url { url } = &blob.source else { return Err(io::ErrorKind::NotFound.into()) };
            let content = Content::from_url(url).ok_or(io::ErrorKind::NotFound)?;
            Ok(Box::pin(Stream { content, at: offset }) as BoxBlobStream)
        })
    }
}

struct Stream {
    content: Content,
    at: u64,
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.content.size - self.at;
        let step = left.min(out.remaining() as u64).min(256 << 10) as usize;
        let at = self.at;
        if self.content.sparse && !(at >> 22).is_multiple_of(32) {
            // Stays zeros up to the next 4 MiB.
            let step = step.min(((4 << 20) - at % (4 << 20)) as usize);
            out.initialize_unfilled_to(step).fill(0);
            out.advance(step);
            self.at += step as u64;
        } else {
            self.content.read_at(at, out.initialize_unfilled_to(step));
            out.advance(step);
            self.at += step as u64;
        }
        Poll::Ready(Ok(()))
    }
}
