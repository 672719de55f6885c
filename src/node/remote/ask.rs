//! Requests and replies.

use tokio::time::timeout;

use super::{RemoteHost, SILENCE};
use crate::helper::{Reply, Request, Wish};
use crate::{Answer, HostError, frame};

/// Channels kept open between requests.
const KEEP: usize = 4;

impl RemoteHost {
    /// Sends one request over a channel of its own for so long, and waits for the reply as long as the
    /// helper says that it is at work.
    pub(super) async fn ask(&self, request: Request, what: &str) -> Result<Reply, HostError> {
        let links = &self.inner.links;
        let idle = self.inner.idle.lock().await.pop();
        let mut channel = match idle {
            Some(channel) => channel,
            None => self.wish(Wish::Ask).await?,
        };
        let sent = timeout(SILENCE, frame::send(&mut channel, &request)).await;
        sent.map_err(|_| links.lost(what, "nothing can be sent for 30 s"))?
            .map_err(|error| links.lost(what, error))?;
        let reply = loop {
            match timeout(SILENCE, frame::receive(&mut channel)).await {
                Err(_) => return Err(links.lost(what, "silence for 30 s")),
                Ok(Err(error)) => return Err(links.lost(what, error)),
                Ok(Ok(Reply::Working)) => {}
                Ok(Ok(reply)) => break reply,
            }
        };
        let mut idle = self.inner.idle.lock().await;
        if idle.len() < KEEP {
            idle.push(channel);
        }
        match reply {
            Reply::Failed(error) => Err(error),
            reply => Ok(reply),
        }
    }

    pub(super) async fn answered(&self, request: Request, what: &str) -> Result<Answer, HostError> {
        let reply = self.ask(request, what).await?;
        self.answer(reply)
    }

    pub(super) fn answer(&self, reply: Reply) -> Result<Answer, HostError> {
        match reply {
            Reply::Answer(answer) => Ok(answer),
            other => Err(self.surprise(&other)),
        }
    }
}
