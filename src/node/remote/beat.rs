//! Telling a helper that its operator is alive.

use std::sync::{Arc, Weak};

use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinHandle;

use super::{Inner, RemoteHost};
use crate::helper::{BEAT, Wish};
use crate::link::Channel;

/// Beats until dropped.
pub(super) struct Beat(JoinHandle<()>);

impl Beat {
    pub(super) fn start(inner: &Arc<Inner>, channel: Channel, attach: &str, token: &str) -> Self {
        let (inner, attach, token) = (Arc::downgrade(inner), attach.to_owned(), token.to_owned());
        Self(tokio::spawn(beat(inner, channel, attach, token)))
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A link that heals must beat again: otherwise the node would hold a run that works for one whose operator is gone,
/// and give its lock to the next one who asks. That the link is lost shows in the work itself; there, it is told.
async fn beat(inner: Weak<Inner>, channel: Channel, attach: String, token: String) {
    let mut channel = Some(channel);
    loop {
        tokio::time::sleep(BEAT).await;
        channel = if let Some(mut channel) = channel {
            let sent = async { channel.write_all(&[1]).await.and(channel.flush().await) };
            sent.await.is_ok().then_some(channel)
        } else {
            let Some(inner) = inner.upgrade() else { return };
            RemoteHost { inner }.greet(&attach, &token, Wish::Beat).await.ok()
        };
    }
}
