//! A blob on its own connection: raw bytes, the socket's backpressure, one reply at the end.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};
use tokio::net::UnixStream;
use tokio::time::{Sleep, sleep};

use super::Reply;
use super::connection::{Helper, while_working};
use crate::{BlobTarget, Host as _, frame};

/// A transfer that brings nothing for this long is given up; what has arrived is kept.
const STALL: Duration = Duration::from_mins(1);

impl Helper {
    pub(super) async fn put(
        self: &Arc<Self>,
        mut stream: UnixStream,
        target: BlobTarget,
        offset: u64,
    ) -> io::Result<()> {
        if let Some(refusal) = self.planning(target.what()) {
            return frame::send(&mut stream, &Reply::Failed(refusal)).await;
        }
        let act = match self.journal.begin(target.what()).await {
            Ok(act) => act,
            Err(refusal) => return frame::send(&mut stream, &Reply::Failed(refusal)).await,
        };
        frame::send(&mut stream, &Reply::Ready).await?;
        let (from, mut to) = stream.into_split();
        let rest = Progress::new(from).take(target.size().saturating_sub(offset));
        let put = self.host.put_blob(target, offset, Box::pin(rest));
        let put = while_working(&mut to, put).await?;
        act.end(put.is_ok()).await;
        let reply = match put {
            Ok(()) => Reply::Done,
            Err(error) => Reply::Failed(error),
        };
        frame::send(&mut to, &reply).await
    }
}

/// A reader that fails when nothing comes for [`STALL`].
struct Progress<R> {
    inner: R,
    patience: Pin<Box<Sleep>>,
}

impl<R> Progress<R> {
    fn new(inner: R) -> Self {
        Self { inner, patience: Box::pin(sleep(STALL)) }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Progress<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.inner).poll_read(cx, buffer) {
            Poll::Ready(done) => {
                self.patience.as_mut().reset(tokio::time::Instant::now() + STALL);
                Poll::Ready(done)
            }
            Poll::Pending => match self.patience.as_mut().poll(cx) {
                Poll::Ready(()) => {
                    Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "no byte for 60 s")))
                }
                Poll::Pending => Poll::Pending,
            },
        }
    }
}
