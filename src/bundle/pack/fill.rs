//! Filling one region: what a killed run left is hashed and kept, the rest is fetched, and nothing counts
//! before the whole has its digest.

use std::io;
use std::sync::Arc;

use sealift_stream::{Digest, Hasher, Meter};
use tokio::io::AsyncReadExt;
use tokio::task::spawn_blocking;

use super::PackError;
use super::piece::{self, Job};
use super::workspace::Workspace;
use crate::chunk::{CHUNK_LEN, CHUNK_SIZE};
use crate::layout::{Fill, Region};
use crate::{BlobSource, BoxBlobStream, LockedBlob, Source};

/// Fills region `number`; returns how many bytes of its content were there already.
pub(crate) async fn fill(
    workspace: &Arc<Workspace>,
    number: usize,
    region: &Region,
    source: &dyn BlobSource,
    meter: &dyn Meter,
) -> Result<u64, PackError> {
    let head = region.head().map_err(workspace.io("making a header in"))?;
    write(workspace, region.start, head).await?;
    let blob = match &region.fill {
        Fill::Bytes(bytes) => {
            write(workspace, region.offset, bytes.clone()).await?;
            meter.add(region.size);
            return Ok(0);
        }
        Fill::Blob(blob) => blob,
    };
    let fetch = Fetch { workspace, number, region, blob, source, meter };
    let left = workspace.notes.written(number).min(region.size);
    let (hasher, reused) = fetch.hash_left(left).await?;
    let digest = fetch.stream(hasher, reused).await?;
    if digest == blob.digest {
        return Ok(reused);
    }
    if reused > 0 {
        // What was left may have rotted in a power cut: once more, from the first byte.
        let digest = fetch.stream(Hasher::new(), 0).await?;
        if digest == blob.digest {
            return Ok(0);
        }
    }
    fetch.forget()?;
    Err(fetch.content(format!("its content has {digest}")))
}

struct Fetch<'a> {
    workspace: &'a Arc<Workspace>,
    number: usize,
    region: &'a Region,
    blob: &'a LockedBlob,
    source: &'a dyn BlobSource,
    meter: &'a dyn Meter,
}

impl Fetch<'_> {
    /// Hashes the first `left` bytes that a killed run wrote; the number that a fetch can go on from
    /// ends at a chunk or at the blob's end.
    async fn hash_left(&self, left: u64) -> Result<(Hasher, u64), PackError> {
        let (workspace, offset, size) = (Arc::clone(self.workspace), self.region.offset, self.region.size);
        let hash = move || -> io::Result<(Hasher, u64)> {
            let (mut hasher, mut at, mut buffer) = (Hasher::new(), 0, Vec::new());
            loop {
                let length = piece_length(offset, size, at);
                if length == 0 || at + length as u64 > left {
                    return Ok((hasher, at));
                }
                buffer.resize(length, 0);
                workspace.volumes.read_at(offset + at, &mut buffer)?;
                hasher.update(&buffer);
                piece::note_chunk(&workspace, offset + at, &buffer);
                at += length as u64;
            }
        };
        let (hasher, reused) = spawn_blocking(hash).await?.map_err(self.workspace.io("reading"))?;
        self.meter.add(reused);
        Ok((hasher, reused))
    }

    /// Fetches from byte `at` to the end; returns the digest of the whole.
    async fn stream(&self, hasher: Hasher, mut at: u64) -> Result<Digest, PackError> {
        let size = self.region.size;
        if at == size {
            return Ok(hasher.finish());
        }
        let mut stream = Stream { fetch: self, open: None, since: 0, weak: 0 };
        let (mut hasher, mut spare) = (Some(hasher), Vec::new());
        let mut running: Option<Job> = None;
        loop {
            let length = piece_length(self.region.offset, size, at);
            let mut buffer = std::mem::take(&mut spare);
            buffer.clear();
            if length > 0 {
                stream.read(&mut buffer, at, length).await?;
            }
            if let Some(job) = running.take() {
                let (state, piece) = job.finish(self.workspace).await?;
                (hasher, spare) = (Some(state), piece);
            }
            let state = hasher.take().unwrap_or_default();
            if length == 0 {
                stream.expect_end(at).await?;
                return Ok(state.finish());
            }
            let place = self.region.offset + at;
            at += length as u64;
            running = Some(Job::start(self.workspace, (self.number, at), place, buffer, state));
            self.meter.add(length as u64);
        }
    }

    /// The journal must not lead the next run to content that was wrong.
    fn forget(&self) -> Result<(), PackError> {
        self.workspace.journal.note(self.number, 0).map_err(self.workspace.io("noting in"))
    }

    fn content(&self, reason: String) -> PackError {
        PackError::Content { digest: self.blob.digest, origin: origin(self.blob), reason }
    }

    fn failed(&self, at: u64, source: io::Error) -> PackError {
        let (digest, size) = (self.blob.digest, self.blob.size);
        PackError::Source { digest, origin: origin(self.blob), at, size, source }
    }
}

/// A blob's stream that is opened again when it breaks after some progress.
struct Stream<'a> {
    fetch: &'a Fetch<'a>,
    open: Option<BoxBlobStream>,
    /// Bytes since it was opened, and how many times it broke with little progress.
    since: u64,
    weak: u32,
}

impl Stream<'_> {
    const PROGRESS: u64 = 1 << 20;
    const PATIENCE: u32 = 3;

    /// Reads exactly `length` bytes behind byte `at` into an empty buffer.
    async fn read(&mut self, buffer: &mut Vec<u8>, at: u64, length: usize) -> Result<(), PackError> {
        while buffer.len() < length {
            let here = at + buffer.len() as u64;
            let result = self.read_some(buffer, here, length).await;
            let error = match result {
                Ok(0) => io::ErrorKind::UnexpectedEof.into(),
                Ok(count) => {
                    self.since += count as u64;
                    continue;
                }
                Err(error) => error,
            };
            self.weak = if self.since >= Self::PROGRESS { 0 } else { self.weak + 1 };
            if self.weak >= Self::PATIENCE {
                return Err(self.fetch.failed(here, error));
            }
            tracing::debug!(blob = %self.fetch.blob.digest, at = here, %error, "opening a broken stream again");
            (self.open, self.since) = (None, 0);
        }
        Ok(())
    }

    async fn read_some(&mut self, buffer: &mut Vec<u8>, at: u64, length: usize) -> io::Result<usize> {
        if self.open.is_none() {
            self.open = Some(self.fetch.source.open(self.fetch.blob, at).await?);
        }
        let Some(stream) = &mut self.open else { return Ok(0) };
        let missing = length - buffer.len();
        buffer.reserve(missing);
        stream.take(missing as u64).read_buf(buffer).await
    }

    /// A source that has more than the lock says is lying about something.
    async fn expect_end(&mut self, at: u64) -> Result<(), PackError> {
        if self.open.is_none() {
            return Ok(());
        }
        let mut one = Vec::with_capacity(1);
        match self.read_some(&mut one, at, 1).await {
            Ok(1..) => Err(self.fetch.content(format!("it has more than {at} bytes"))),
            _ => Ok(()),
        }
    }
}

/// From byte `at` of a content that lies at `offset`: to the end of the chunk, or of the content.
fn piece_length(offset: u64, size: u64, at: u64) -> usize {
    let to_chunk = CHUNK_SIZE - (offset + at) % CHUNK_SIZE;
    usize::try_from(to_chunk.min(size - at)).unwrap_or(CHUNK_LEN)
}

async fn write(workspace: &Arc<Workspace>, place: u64, bytes: Vec<u8>) -> Result<(), PackError> {
    let shared = Arc::clone(workspace);
    spawn_blocking(move || piece::write(&shared, place, &bytes)).await?.map_err(workspace.io("writing"))
}

fn origin(blob: &LockedBlob) -> String {
    match &blob.source {
        Source::Registry { repository } => repository.clone(),
        Source::Url { url } => url.clone(),
        Source::Local => "this machine".into(),
        Source::Inline { .. } => "the lock".into(),
    }
}
