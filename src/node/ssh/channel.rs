//! A channel as a byte stream.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use russh::ChannelStream;
use russh::client::{Handle, Msg};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;

use super::session::Check;

/// A channel with what must last as long as it. Writes go through russh's `ChannelTx`, which cuts them to one packet: a
/// longer data call across a rekey makes OpenSSH disconnect.
pub(crate) struct Held<H> {
    pub(super) stream: ChannelStream<Msg>,
    pub(super) _held: H,
}

/// A channel to a helper: one of the few that its connection may have, which ends with its last handle.
pub(crate) type Channel = Held<(OwnedSemaphorePermit, Arc<Handle<Check>>)>;

impl<H: Unpin> AsyncRead for Held<H> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<H: Unpin> AsyncWrite for Held<H> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
