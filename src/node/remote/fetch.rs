//! Blobs that the node takes from another node.

use std::sync::atomic::Ordering;

use tokio::time::timeout;

use super::{RemoteHost, SILENCE};
use crate::helper::{Reply, Wish};
use crate::relay::{Came, Giver};
use crate::{BlobTarget, HostError, frame};

impl RemoteHost {
    pub(super) async fn fetch(
        &self,
        target: BlobTarget,
        giver: Giver,
        came: Came,
    ) -> Result<bool, HostError> {
        let (what, links) = (target.what(), &self.inner.links);
        let mut channel = self.wish(Wish::Fetch { target, giver }).await?;
        loop {
            match timeout(SILENCE, frame::receive(&mut channel)).await {
                Err(_) => return Err(links.lost(&what, "silence for 30 s")),
                Ok(Err(error)) => return Err(links.lost(&what, error)),
                Ok(Ok(Reply::Came(bytes))) => came.store(bytes, Ordering::Relaxed),
                Ok(Ok(Reply::Done)) => return Ok(true),
                Ok(Ok(Reply::Gone)) => return Ok(false),
                Ok(Ok(Reply::Failed(error))) => return Err(error),
                Ok(Ok(other)) => return Err(self.surprise(&other)),
            }
        }
    }
}
