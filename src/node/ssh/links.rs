//! As many SSH connections to one node as its channels need.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use russh::client::Handle;
use tokio::io::AsyncReadExt as _;
use tokio::sync::{Mutex, OnceCell, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::channel::Channel;
use super::session::Check;
use super::{Target, auth, session};
use crate::HostError;
use crate::helper::ATTACHED;

/// Below sshd's default `MaxSessions` of 10.
const CHANNELS: usize = 8;

/// For `attach` to begin.
const ATTACHING: Duration = Duration::from_secs(30);

/// What a login shell's start files may print before `attach` begins.
const NOISE: usize = 64 * 1024;

/// A pool of connections. A dead one is replaced when the next channel is wanted.
pub(crate) struct Links {
    pub(crate) target: Target,
    open: Mutex<Vec<Link>>,
    /// Why a login was refused: no other channel tries the same again.
    refused: OnceCell<HostError>,
}

#[derive(Clone)]
struct Link {
    session: Arc<Handle<Check>>,
    free: Arc<Semaphore>,
}

impl Links {
    /// Connects once, so that what is wrong with the way there is known now.
    pub(crate) async fn connect(target: Target) -> Result<Self, HostError> {
        let links = Self { target, open: Mutex::new(vec![]), refused: OnceCell::new() };
        drop(links.session().await?);
        Ok(links)
    }

    /// A connection with a free channel, and the right to that channel.
    async fn session(&self) -> Result<(Arc<Handle<Check>>, OwnedSemaphorePermit), HostError> {
        let mut links = self.open.lock().await;
        links.retain(|link| !link.session.is_closed());
        let free = |link: &Link| {
            let permit = Arc::clone(&link.free).try_acquire_owned().ok()?;
            Some((Arc::clone(&link.session), permit))
        };
        if let Some(found) = links.iter().find_map(free) {
            return Ok(found);
        }
        if let Some(refused) = self.refused.get() {
            return Err(refused.clone());
        }
        let link = match (self.link(&self.target).await, self.target.at_its_old_place()) {
            // what is said of its own address is what a person can do something about
            (Err(error @ HostError::Unreachable { .. }), Some(old)) => {
                self.link(&old).await.or(Err(error))?
            }
            (opened, _) => opened?,
        };
        let found = free(&link).ok_or_else(|| self.lost("opening a channel", "it is full at once"))?;
        links.push(link);
        Ok(found)
    }

    /// Connects and logs in.
    async fn link(&self, target: &Target) -> Result<Link, HostError> {
        let handle = auth::logged_in(target, session::open(target).await?).await;
        let handle = handle.inspect_err(|error| {
            if !error.is_transient() {
                drop(self.refused.set(error.clone()));
            }
        })?;
        Ok(Link { session: Arc::new(handle), free: Arc::new(Semaphore::new(CHANNELS)) })
    }

    /// Connects to the node's own address; whether that works or not, no older connection is used again.
    pub(crate) async fn anew(&self) -> Result<(), HostError> {
        let mut links = self.open.lock().await;
        links.clear();
        links.push(self.link(&self.target).await?);
        Ok(())
    }

    /// Runs `attach` in a channel of its own.
    pub(crate) async fn channel(&self, command: &str) -> Result<Channel, HostError> {
        let doing = "opening a channel";
        let (session, permit) = self.session().await?;
        let channel = session.channel_open_session().await.map_err(|error| self.lost(doing, error))?;
        channel.exec(false, command).await.map_err(|error| self.lost(doing, error))?;
        let mut channel = Channel { stream: channel.into_stream(), _held: (permit, session) };
        match timeout(ATTACHING, attached(&mut channel)).await {
            Err(_) => Err(self.lost(doing, "the helper's bridge says nothing for 30 s")),
            Ok(Err(error)) => Err(self.lost(doing, error)),
            Ok(Ok(())) => Ok(channel),
        }
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

/// Reads away what start files print, up to the line by which `attach` says that it is there.
async fn attached(channel: &mut Channel) -> io::Result<()> {
    let mut tail = Vec::with_capacity(ATTACHED.len());
    for _ in 0..NOISE {
        if tail.len() == ATTACHED.len() {
            tail.remove(0);
        }
        tail.push(channel.read_u8().await?);
        if tail == ATTACHED {
            return Ok(());
        }
    }
    Err(io::Error::other("something else than the helper's bridge answers"))
}
