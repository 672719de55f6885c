//! A blob on its own connection: raw bytes, the socket's backpressure, one reply at the end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;

use super::Reply;
use super::connection::{Helper, while_working};
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
        if let Some(refusal) = self.planning(target.what()) {
            return frame::send(&mut stream, &Reply::Failed(refusal)).await;
        }
        let act = match self.journal.begin(target.what()).await {
            Ok(act) => act,
            Err(refusal) => return frame::send(&mut stream, &Reply::Failed(refusal)).await,
        };
        frame::send(&mut stream, &Reply::Ready).await?;
        let (from, mut to) = stream.into_split();
        let rest = Patient::new(from, STALL).take(target.size().saturating_sub(offset));
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
