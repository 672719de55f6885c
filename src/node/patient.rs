//! A reader that gives up when nothing comes, and counts what does.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use crate::relay::Came;

/// Fails when no byte comes for so long.
pub(crate) struct Patient<R> {
    inner: R,
    limit: Duration,
    patience: Pin<Box<Sleep>>,
    came: Came,
}

impl<R> Patient<R> {
    pub(crate) fn new(inner: R, limit: Duration) -> Self {
        Self { inner, limit, patience: Box::pin(sleep(limit)), came: Came::default() }
    }

    /// Counts into `came`, too.
    pub(crate) fn counting(mut self, came: Came) -> Self {
        self.came = came;
        self
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Patient<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.inner).poll_read(cx, buffer) {
            Poll::Ready(done) => {
                let limit = self.limit;
                self.patience.as_mut().reset(Instant::now() + limit);
                self.came.fetch_add((buffer.filled().len() - before) as u64, Ordering::Relaxed);
                Poll::Ready(done)
            }
            Poll::Pending => match self.patience.as_mut().poll(cx) {
                Poll::Ready(()) => {
                    let why = format!("no byte for {} s", self.limit.as_secs());
                    Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, why)))
                }
                Poll::Pending => Poll::Pending,
            },
        }
    }
}
