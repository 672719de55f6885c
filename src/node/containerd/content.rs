//! Blobs into the content store, and small ones out of it.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use containerd_client::services::v1::{
    AbortRequest, CreateRequest, InfoRequest, ReadContentRequest, StatusRequest, WriteAction,
    WriteContentRequest, WriteContentResponse,
};
use futures::StreamExt as _;
use sealift_stream::Digest;
use tokio::io::AsyncReadExt as _;
use tokio::sync::mpsc;
use tokio_util::io::StreamReader;
use tonic::{Code, Status, Streaming};

use super::client::{Containerd, LEASE, created, found, leased, plain};
use crate::HostError;
use crate::host::BlobReader;

/// Bytes of one write; containerd takes messages up to 16 MiB.
const PIECE: usize = 1 << 20;

/// Descriptors and configurations are small; anything larger is not one.
const SMALL: i64 = 8 << 20;

/// Whether the content store has this blob whole.
pub(super) async fn has(containerd: &Containerd, digest: Digest) -> Result<bool, Status> {
    Ok(found(containerd.content().info(plain(InfoRequest { digest: digest.to_string() })).await)?.is_some())
}

/// Reads a small blob; `None` when it is not there.
pub(super) async fn read(containerd: &Containerd, digest: Digest) -> Result<Option<Vec<u8>>, Status> {
    let request = ReadContentRequest { digest: digest.to_string(), offset: 0, size: 0 };
    let Some(info) =
        found(containerd.content().info(plain(InfoRequest { digest: digest.to_string() })).await)?
    else {
        return Ok(None);
    };
    if info.info.is_none_or(|info| info.size > SMALL) {
        return Err(Status::out_of_range(format!("{digest} is too large for a descriptor")));
    }
    let mut stream = containerd.content().read(plain(request)).await?.into_inner();
    let mut bytes = vec![];
    while let Some(part) = stream.message().await? {
        bytes.extend_from_slice(&part.data);
    }
    Ok(Some(bytes))
}

/// A blob from `offset` on; `None` when it is not there whole.
pub(crate) async fn open_content(
    host: &str,
    socket: &Path,
    digest: Digest,
    offset: u64,
) -> Result<Option<BlobReader>, HostError> {
    let doing = format!("reading blob {}", digest.short());
    let containerd = Containerd::required(host, socket, &doing).await?;
    let refused = |status: Status| containerd.refused(&doing, &status);
    if !has(&containerd, digest).await.map_err(refused)? {
        return Ok(None);
    }
    let offset = i64::try_from(offset).unwrap_or(i64::MAX);
    let request = ReadContentRequest { digest: digest.to_string(), offset, size: 0 };
    let parts = containerd.content().read(plain(request)).await.map_err(refused)?.into_inner();
    let pieces = parts.map(|part| match part {
        Ok(part) => Ok(Bytes::from(part.data)),
        Err(status) => Err(std::io::Error::other(status.message().to_owned())),
    });
    Ok(Some(Box::pin(StreamReader::new(pieces))))
}

/// How much of a blob the content store has: all of it, or what an interrupted write left.
pub(crate) async fn content_offset(
    host: &str,
    socket: &Path,
    digest: Digest,
    size: u64,
) -> Result<u64, HostError> {
    let doing = format!("looking for blob {}", digest.short());
    let containerd = Containerd::required(host, socket, &doing).await?;
    let offset = async {
        if has(&containerd, digest).await? {
            hold(&containerd, digest).await?;
            return Ok(size);
        }
        let status = containerd.content().status(plain(StatusRequest { r#ref: reference(digest) })).await;
        let held = found(status)?.and_then(|answer| answer.status).map_or(0, |status| status.offset);
        // One byte less than all: a write that is whole but was not committed still has to be.
        Ok(u64::try_from(held).unwrap_or(0).min(size.saturating_sub(1)))
    };
    offset.await.map_err(|status: Status| containerd.refused(&doing, &status))
}

/// Writes the rest of a blob; containerd hashes it and keeps it only when the digest is right.
pub(crate) async fn put_content(
    host: &str,
    socket: &Path,
    digest: Digest,
    size: u64,
    offset: u64,
    content: BlobReader,
) -> Result<(), HostError> {
    let doing = format!("sending blob {}", digest.short());
    let containerd = Containerd::required(host, socket, &doing).await?;
    let refused = |status: Status| containerd.refused(&doing, &status);
    lease(&containerd).await.map_err(refused)?;
    if has(&containerd, digest).await.map_err(refused)? {
        return hold(&containerd, digest).await.map_err(refused);
    }
    let lost = |why: String| HostError::LinkLost { host: host.to_owned(), doing: doing.clone(), why };
    let mut writer = Writer::open(&containerd, digest, size).await.map_err(refused)?;
    if writer.offset > offset && writer.offset == size {
        return writer.commit(digest, size).await.map_err(|status| damaged(&containerd, &doing, &status));
    }
    if writer.offset != offset {
        return Err(lost(format!("containerd holds {} bytes, not {offset}", writer.offset)));
    }
    let mut content = content.take(size - offset);
    loop {
        let mut piece = vec![0; PIECE];
        let count = fill(&mut content, &mut piece).await.map_err(|error| lost(error.to_string()))?;
        piece.truncate(count);
        if count > 0 {
            writer.write(piece).await.map_err(refused)?;
        }
        if count < PIECE {
            break;
        }
    }
    if writer.offset != size {
        return Err(lost(format!("it ended early, {} bytes missing", size - writer.offset)));
    }
    let done = writer.commit(digest, size).await;
    if let Err(status) = &done
        && status.code() == Code::FailedPrecondition
    {
        let abort = AbortRequest { r#ref: reference(digest) };
        containerd.content().abort(plain(abort)).await.map_err(refused)?;
    }
    done.map_err(|status| damaged(&containerd, &doing, &status))
}

fn damaged(containerd: &Containerd, doing: &str, status: &Status) -> HostError {
    if status.code() == Code::FailedPrecondition {
        let (host, seen) = (containerd.host.clone(), status.message().to_owned());
        return HostError::Damaged { host, doing: doing.to_owned(), seen };
    }
    containerd.refused(doing, status)
}

/// The name of a write that is under way; a write goes on under its name.
fn reference(digest: Digest) -> String {
    format!("sealift-{}", digest.hex())
}

/// Makes the lease, once.
pub(super) async fn lease(containerd: &Containerd) -> Result<(), Status> {
    let request = CreateRequest { id: LEASE.to_owned(), labels: std::collections::HashMap::default() };
    created(containerd.leases().create(plain(request)).await).map(|_| ())
}

/// Puts a blob that is there already under the lease: nothing may refer to it yet.
async fn hold(containerd: &Containerd, digest: Digest) -> Result<(), Status> {
    use containerd_client::services::v1::{AddResourceRequest, Resource};
    lease(containerd).await?;
    let resource = Some(Resource { id: digest.to_string(), r#type: "content".to_owned() });
    let request = AddResourceRequest { id: LEASE.to_owned(), resource };
    created(containerd.leases().add_resource(plain(request)).await).map(|_| ())
}

/// Reads until the buffer is full or the stream ends.
async fn fill(
    content: &mut (impl tokio::io::AsyncRead + Unpin),
    buffer: &mut [u8],
) -> std::io::Result<usize> {
    let mut count = 0;
    while count < buffer.len() {
        match content.read(&mut buffer[count..]).await? {
            0 => break,
            more => count += more,
        }
    }
    Ok(count)
}

/// One write under way: each piece is answered before the next is sent, so memory stays at one piece.
struct Writer {
    requests: mpsc::Sender<WriteContentRequest>,
    answers: Streaming<WriteContentResponse>,
    reference: String,
    offset: u64,
}

impl Writer {
    async fn open(containerd: &Containerd, digest: Digest, size: u64) -> Result<Self, Status> {
        let mut tries = 0;
        loop {
            match Self::try_open(containerd, digest, size).await {
                // The write of a connection that has just ended is still being put away.
                Err(status) if status.code() == Code::Unavailable && tries < 50 => {
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                other => return other,
            }
        }
    }

    async fn try_open(containerd: &Containerd, digest: Digest, size: u64) -> Result<Self, Status> {
        let (requests, queue) = mpsc::channel(1);
        let first = WriteContentRequest {
            action: WriteAction::Stat.into(),
            r#ref: reference(digest),
            total: i64::try_from(size).unwrap_or(i64::MAX),
            expected: digest.to_string(),
            ..WriteContentRequest::default()
        };
        let closed = |_| Status::aborted("the write ended");
        requests.send(first).await.map_err(closed)?;
        let queue =
            futures::stream::unfold(queue, |mut queue| async move { Some((queue.recv().await?, queue)) });
        let mut answers = containerd.content().write(leased(queue)).await?.into_inner();
        let answer = answers.message().await?.ok_or_else(|| Status::aborted("the write ended"))?;
        let offset = u64::try_from(answer.offset).unwrap_or(0);
        Ok(Self { requests, answers, reference: reference(digest), offset })
    }

    async fn write(&mut self, data: Vec<u8>) -> Result<(), Status> {
        let count = data.len() as u64;
        self.ask(WriteAction::Write, data, 0, String::new()).await?;
        self.offset += count;
        Ok(())
    }

    async fn commit(&mut self, digest: Digest, size: u64) -> Result<(), Status> {
        match self.ask(WriteAction::Commit, vec![], size, digest.to_string()).await {
            Err(status) if status.code() == Code::AlreadyExists => Ok(()),
            other => other,
        }
    }

    async fn ask(
        &mut self,
        action: WriteAction,
        data: Vec<u8>,
        total: u64,
        expected: String,
    ) -> Result<(), Status> {
        let request = WriteContentRequest {
            action: action.into(),
            r#ref: self.reference.clone(),
            offset: i64::try_from(self.offset).unwrap_or(i64::MAX),
            total: i64::try_from(total).unwrap_or(i64::MAX),
            data,
            expected,
            ..WriteContentRequest::default()
        };
        self.requests.send(request).await.map_err(|_| Status::aborted("the write ended"))?;
        self.answers.message().await?.ok_or_else(|| Status::aborted("the write ended"))?;
        Ok(())
    }
}
