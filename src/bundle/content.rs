//! The stream of all volumes, readable only in chunks that are as signed.

use std::io;
use std::path::PathBuf;

use sealift_stream::Digest;

use crate::chunk::ChunkList;
use crate::volume::Volumes;
use crate::{BundleError, DamagedRange, Refusal};

/// Open volumes with the signed digest of each chunk.
#[derive(Debug)]
pub(crate) struct Content {
    dir: PathBuf,
    volumes: Volumes,
    chunks: ChunkList,
}

impl Content {
    pub(crate) fn new(dir: PathBuf, volumes: Volumes, chunks: ChunkList) -> Self {
        Self { dir, volumes, chunks }
    }

    pub(crate) fn chunk_count(&self) -> u64 {
        self.chunks.len()
    }

    /// Reads chunk `index` into `buffer` and checks it; on error nothing is left in the buffer.
    pub(crate) fn chunk(&self, index: u64, buffer: &mut Vec<u8>) -> Result<(), BundleError> {
        let result = self.try_chunk(index, buffer);
        if result.is_err() {
            buffer.clear();
        }
        result
    }

    fn try_chunk(&self, index: u64, buffer: &mut Vec<u8>) -> Result<(), BundleError> {
        match self.volumes.read_chunk(index, buffer) {
            Ok(()) if self.chunks.get(index) == Some(Digest::of(buffer)) => Ok(()),
            // A file that has become shorter since it was opened is damage like any other.
            Ok(()) => Err(self.damaged(index, false)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(self.damaged(index, false)),
            Err(source) => Err(BundleError::Io {
                doing: "reading",
                path: self.dir.join(self.volumes.place(index).0),
                source,
            }),
        }
    }

    /// Where chunk `index` lies, for people.
    pub(crate) fn range(&self, index: u64, unreadable: bool) -> DamagedRange {
        let (volume, from, to) = self.volumes.place(index);
        DamagedRange { volume, from, to, unreadable }
    }

    fn damaged(&self, index: u64, unreadable: bool) -> BundleError {
        Refusal::Damaged { dir: self.dir.clone(), ranges: vec![self.range(index, unreadable)] }.into()
    }
}
