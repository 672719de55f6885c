//! Sources that misbehave.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use sealift_bundle::{BlobSource, BoxBlobStream, LockedBlob};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::Notify;

use super::generated::Generated;

/// Gives so many bytes in all, then hangs for ever and says so: a run is aborted there.
pub(crate) struct HangsAfter {
    left: Arc<AtomicU64>,
    pub(crate) hanging: Arc<Notify>,
    /// Bytes given out in all.
    pub(crate) given: Arc<AtomicU64>,
}

impl HangsAfter {
    pub(crate) fn new(bytes: u64) -> Self {
        Self { left: Arc::new(AtomicU64::new(bytes)), hanging: Arc::default(), given: Arc::default() }
    }
}

impl BlobSource for HangsAfter {
    fn open<'a>(&'a self, blob: &'a LockedBlob, offset: u64) -> BoxFuture<'a, io::Result<BoxBlobStream>> {
        Box::pin(async move {
            let inner = Generated.open(blob, offset).await?;
            let (left, stuck, given) = (self.left.clone(), self.hanging.clone(), self.given.clone());
            Ok(Box::pin(Hanging { inner, left, stuck, given }) as BoxBlobStream)
        })
    }
}

struct Hanging {
    inner: BoxBlobStream,
    left: Arc<AtomicU64>,
    stuck: Arc<Notify>,
    given: Arc<AtomicU64>,
}

impl AsyncRead for Hanging {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = out.filled().len();
        if self.left.load(Ordering::Relaxed) == 0 {
            self.stuck.notify_one();
            return Poll::Pending;
        }
        let result = self.inner.as_mut().poll_read(cx, out);
        let count = (out.filled().len() - before) as u64;
        self.given.fetch_add(count, Ordering::Relaxed);
        let _ = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(count)));
        result
    }
}

/// How a [`Lying`] source lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    /// One bit of the content differs.
    Flipped,
    /// The content goes on behind its end.
    Longer,
    /// The content stops before its end, every time.
    Shorter,
    /// The connection breaks after every 3 MiB, and never lies.
    Breaks,
}

/// Serves made-up content, wrongly.
pub(crate) struct Lying(pub Lie);

impl BlobSource for Lying {
    fn open<'a>(&'a self, blob: &'a LockedBlob, offset: u64) -> BoxFuture<'a, io::Result<BoxBlobStream>> {
        Box::pin(async move {
            use tokio::io::AsyncReadExt;
            let mut bytes = Vec::new();
            Generated.open(blob, offset).await?.read_to_end(&mut bytes).await?;
            match self.0 {
                Lie::Flipped => bytes[0] ^= 1,
                Lie::Longer => bytes.push(0),
                Lie::Shorter => drop(bytes.pop()),
                Lie::Breaks => {
                    bytes.truncate(3 << 20);
                }
            }
            Ok(Box::pin(io::Cursor::new(bytes)) as BoxBlobStream)
        })
    }
}
