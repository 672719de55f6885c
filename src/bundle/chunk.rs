//! `chunks.bin`: the raw SHA-256 of every 4 MiB of the stream.

use sealift_stream::Digest;

/// Bytes of a chunk. Part of the format (schema 1).
pub const CHUNK_SIZE: u64 = 4 << 20;

/// The same as a length of a buffer.
pub(crate) const CHUNK_LEN: usize = 4 << 20;

/// The digests of all chunks, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChunkList(Vec<Digest>);

impl ChunkList {
    pub(crate) fn new(digests: Vec<Digest>) -> Self {
        Self(digests)
    }

    /// None when the bytes are no whole number of digests.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (digests, rest) = bytes.as_chunks::<32>();
        rest.is_empty().then(|| Self(digests.iter().map(|raw| Digest::from_raw(*raw)).collect()))
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|digest| *digest.raw()).collect()
    }

    pub(crate) fn get(&self, index: u64) -> Option<Digest> {
        self.0.get(usize::try_from(index).ok()?).copied()
    }

    pub(crate) fn len(&self) -> u64 {
        self.0.len() as u64
    }
}

/// How many chunks a stream of this many bytes has.
pub(crate) fn count(stream_size: u64) -> u64 {
    stream_size.div_ceil(CHUNK_SIZE)
}

/// The length of chunk `index` of a stream of this many bytes; the last may be shorter.
pub(crate) fn length(index: u64, stream_size: u64) -> usize {
    let left = stream_size.saturating_sub(index.saturating_mul(CHUNK_SIZE));
    usize::try_from(left.min(CHUNK_SIZE)).unwrap_or(CHUNK_LEN)
}
