//! A blob on its own connection: raw bytes, the socket's backpressure, one reply at the end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;

use super::Reply;
use super::connection::{Helper, while_working};
use super::journal::Act;
use crate::patient::Patient;
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
        let Some(act) = self.begin_blob(&mut stream, &target).await? else { return Ok(()) };
        let (from, mut to) = stream.into_split();
        let rest = Patient::new(from, STALL).take(target.size().saturating_sub(offset));
        let put = self.host.put_blob(target, offset, Box::pin(rest));
        let put = while_working(&mut to, put).await?;
        act.end(put.is_ok()).await;
        frame::send(&mut to, &put.map_or_else(Reply::Failed, |()| Reply::Done)).await
    }

    /// Grants the wish for a blob, noted in the journal; none when it was refused, which the other side knows by then.
    pub(super) async fn begin_blob(
        &self,
        stream: &mut UnixStream,
        target: &BlobTarget,
    ) -> io::Result<Option<Act>> {
        let begun = match self.planning(target.what()) {
            Some(refusal) => Err(refusal),
            None => self.journal.begin(target.what()).await,
        };
        match begun {
            Ok(act) => frame::send(stream, &Reply::Ready).await.map(|()| Some(act)),
            Err(refusal) => frame::send(stream, &Reply::Failed(refusal)).await.map(|()| None),
        }
    }
}
