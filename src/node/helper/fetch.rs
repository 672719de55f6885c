//! A blob that this node takes from another: how far it is, every second, and one reply at the end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::UnixStream;

use super::Reply;
use super::connection::Helper;
use crate::relay::{Came, Giver};
use crate::{BlobTarget, Host as _, frame};

const TELL: Duration = Duration::from_secs(1);

impl Helper {
    pub(super) async fn fetch(
        self: &Arc<Self>,
        mut stream: UnixStream,
        target: BlobTarget,
        giver: Giver,
    ) -> io::Result<()> {
        let Some(act) = self.begin_blob(&mut stream, &target).await? else { return Ok(()) };
        let came = Came::default();
        let fetch = self.host.fetch_blob(target, giver, Arc::clone(&came));
        tokio::pin!(fetch);
        let fetched = loop {
            tokio::select! {
                done = &mut fetch => break done,
                () = tokio::time::sleep(TELL) => {
                    frame::send(&mut stream, &Reply::Came(came.load(Ordering::Relaxed))).await?;
                }
            }
        };
        act.end(fetched.is_ok()).await;
        let reply = match fetched {
            Ok(true) => Reply::Done,
            Ok(false) => Reply::Gone,
            Err(error) => Reply::Failed(error),
        };
        frame::send(&mut stream, &reply).await
    }
}
