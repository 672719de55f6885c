//! The blocking work on one piece of a blob: hashing it twice and writing it.

use std::io;
use std::sync::Arc;

use sealift_stream::{Digest, Hasher};
use tokio::task::{JoinError, spawn_blocking};

use super::PackError;
use super::ahead::Ahead;
use super::workspace::Workspace;
use crate::chunk::{CHUNK_LEN, CHUNK_SIZE};

/// A piece on its way to the volume. A piece never lies across two chunks.
pub(crate) struct Job {
    hashing: tokio::task::JoinHandle<Hasher>,
    writing: tokio::task::JoinHandle<io::Result<()>>,
    piece: Arc<Vec<u8>>,
}

impl Job {
    /// Hashes for the blob in one thread; hashes for the chunk list, writes, and notes that in another.
    /// `end` is where the piece ends within content of region `number`.
    pub(crate) fn start(
        workspace: &Arc<Workspace>,
        (number, end): (usize, u64),
        place: u64,
        piece: Vec<u8>,
        mut hasher: Hasher,
    ) -> Self {
        let piece = Arc::new(piece);
        let (for_hash, for_write) = (Arc::clone(&piece), Arc::clone(&piece));
        let workspace = Arc::clone(workspace);
        let hashing = spawn_blocking(move || {
            hasher.update(&for_hash);
            hasher
        });
        let writing = spawn_blocking(move || {
            note_chunk(&workspace, place, &for_write);
            write(&workspace, place, &for_write)?;
            Ahead::wrote(&workspace, for_write.len() as u64);
            workspace.journal.note(number, end)
        });
        Self { hashing, writing, piece }
    }

    /// Waits for both; gives the hash state and the buffer back.
    pub(crate) async fn finish(self, workspace: &Workspace) -> Result<(Hasher, Vec<u8>), PackError> {
        let (hasher, written): (Result<Hasher, JoinError>, _) = tokio::join!(self.hashing, self.writing);
        written?.map_err(workspace.io("writing"))?;
        Ok((hasher?, Arc::try_unwrap(self.piece).unwrap_or_default()))
    }
}

/// Remembers the digest of a piece that is a whole chunk.
pub(crate) fn note_chunk(workspace: &Workspace, place: u64, piece: &[u8]) {
    if piece.len() == CHUNK_LEN {
        let digest = Digest::of(piece);
        let index = usize::try_from(place / CHUNK_SIZE).unwrap_or(usize::MAX);
        if let Some(slot) = workspace.chunks().get_mut(index) {
            *slot = Some(digest);
        }
    }
}

/// Writes bytes at a place of the stream. Zeros where zeros are stay a hole of the file: sparse content
/// (disk images, padded models) costs no disk while packing.
pub(crate) fn write(workspace: &Workspace, place: u64, bytes: &[u8]) -> io::Result<()> {
    let (mut place, mut rest) = (place, bytes);
    while !rest.is_empty() {
        let room = usize::try_from(CHUNK_SIZE - place % CHUNK_SIZE).unwrap_or(CHUNK_LEN);
        let (piece, behind) = rest.split_at(rest.len().min(room));
        if !(is_zero(piece) && workspace.volumes.is_zero_at(place, piece.len())?) {
            workspace.volumes.write_at(place, piece)?;
        }
        place += piece.len() as u64;
        rest = behind;
    }
    Ok(())
}

/// Whether all bytes are zero; the first byte that is not ends it.
fn is_zero(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<64>();
    words.iter().all(|word| *word == [0; 64]) && rest.iter().all(|byte| *byte == 0)
}
