//! As many SSH connections to one node as its channels need.

use std::sync::Arc;

use russh::client::Handle;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use super::channel::Channel;
use super::session::Check;
use super::{Target, auth, session};
use crate::HostError;

/// Below sshd's default `MaxSessions` of 10.
const CHANNELS: usize = 8;

/// A pool of connections. A dead one is replaced when the next channel is wanted.
pub(crate) struct Links {
    pub(crate) target: Target,
    links: Mutex<Vec<Link>>,
}

#[derive(Clone)]
struct Link {
    session: Arc<Handle<Check>>,
    free: Arc<Semaphore>,
}

impl Link {
    async fn open(target: &Target) -> Result<Self, HostError> {
        let mut handle = session::open(target).await?;
        auth::login(target, &mut handle).await?;
        Ok(Self { session: Arc::new(handle), free: Arc::new(Semaphore::new(CHANNELS)) })
    }
}

impl Links {
    /// Connects once, so that what is wrong with the way there is known now.
    pub(crate) async fn connect(target: Target) -> Result<Self, HostError> {
        let links = Self { target, links: Mutex::new(vec![]) };
        drop(links.session().await?);
        Ok(links)
    }

    /// A connection with a free channel, and the right to that channel.
    async fn session(&self) -> Result<(Arc<Handle<Check>>, OwnedSemaphorePermit), HostError> {
        let mut links = self.links.lock().await;
        links.retain(|link| !link.session.is_closed());
        let free = |link: &Link| {
            let permit = Arc::clone(&link.free).try_acquire_owned().ok()?;
            Some((Arc::clone(&link.session), permit))
        };
        if let Some(found) = links.iter().find_map(free) {
            return Ok(found);
        }
        let link = match (Link::open(&self.target).await, self.target.at_its_old_place()) {
            // what is said of its own address is what a person can do something about
            (Err(error @ HostError::Unreachable { .. }), Some(old)) => {
                Link::open(&old).await.or(Err(error))?
            }
            (opened, _) => opened?,
        };
        let found = free(&link).ok_or_else(|| self.lost("opening a channel", "it is full at once"))?;
        links.push(link);
        Ok(found)
    }

    /// Connects to the node's own address; whether that works or not, no older connection is used again.
    pub(crate) async fn anew(&self) -> Result<(), HostError> {
        let mut links = self.links.lock().await;
        links.clear();
        links.push(Link::open(&self.target).await?);
        Ok(())
    }

    /// Runs a program in a channel of its own.
    pub(crate) async fn channel(&self, command: &str) -> Result<Channel, HostError> {
        let doing = "opening a channel";
        let (session, permit) = self.session().await?;
        let channel = session.channel_open_session().await.map_err(|error| self.lost(doing, error))?;
        channel.exec(false, command).await.map_err(|error| self.lost(doing, error))?;
        Ok(Channel { stream: channel.into_stream(), _permit: permit, _session: session })
    }

    /// A bare channel, for one whose exit status matters.
    pub(super) async fn bare(
        &self,
    ) -> Result<(russh::Channel<russh::client::Msg>, OwnedSemaphorePermit, Arc<Handle<Check>>), HostError>
    {
        let (session, permit) = self.session().await?;
        let channel = session.channel_open_session().await;
        let channel = channel.map_err(|error| self.lost("opening a channel", error))?;
        Ok((channel, permit, session))
    }

    pub(crate) fn lost(&self, doing: &str, why: impl std::fmt::Display) -> HostError {
        HostError::LinkLost { host: self.target.name.clone(), doing: doing.to_owned(), why: why.to_string() }
    }
}
