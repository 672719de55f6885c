//! One connection: who is it, what does it want.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWrite};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::journal::{Journal, told};
use super::life::{End, Life};
use super::{Config, Hello, Mode, Reply, Request, Wish};
use crate::{Action, Host as _, HostError, LocalHost, frame};

/// How often [`Reply::Working`] is sent.
pub(super) const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// A connection that does not say what it wants is closed.
const HELLO: Duration = Duration::from_secs(10);

pub(super) struct Helper {
    pub(super) config: Config,
    pub(super) host: LocalHost,
    pub(super) life: Arc<Life>,
    pub(super) journal: Arc<Journal>,
}

impl Helper {
    /// Serves one connection to its end. Whatever goes wrong with it is the other side's to see.
    pub(super) async fn connection(self: Arc<Self>, stream: UnixStream) {
        let _counted = self.life.connection();
        if let Err(error) = self.talk(stream).await {
            tracing::debug!(%error, "a connection ended");
        }
    }

    async fn talk(self: &Arc<Self>, mut stream: UnixStream) -> io::Result<()> {
        let peer = stream.peer_cred()?.uid();
        if peer != self.config.peer_uid && peer != 0 {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("uid {peer}")));
        }
        let hello: Hello = timeout(HELLO, frame::receive(&mut stream)).await??;
        // Only another helper, which is root, may ask this one to yield; and only that without the token.
        let newcomer = peer == 0 && matches!(hello.wish, Wish::Yield);
        if !newcomer && !same(&hello.token, &self.config.token) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "wrong token"));
        }
        match hello.wish {
            Wish::Ask => self.ask(stream).await,
            Wish::Put { target, offset } => self.put(stream, target, offset).await,
            Wish::Fetch { target, giver } => self.fetch(stream, target, giver).await,
            Wish::Dial { address } => self.dial(stream, address).await,
            Wish::Beat => self.beat(stream).await,
            Wish::Yield => match self.life.heard() {
                Some(heard) => {
                    let heard_ms = u64::try_from(heard.as_millis()).unwrap_or(u64::MAX);
                    frame::send(&mut stream, &Reply::Busy { heard_ms }).await
                }
                None => self.end(stream, End::Orphaned).await,
            },
            Wish::End => self.end(stream, End::Dismissed).await,
        }
    }

    /// The refusal of a change, when this helper only looks (law 4).
    pub(super) fn planning(&self, what: String) -> Option<HostError> {
        let why = match self.config.mode {
            Mode::Plan => "this helper was started for a plan and changes nothing",
            Mode::Preflight => "this helper was started for a preflight and changes nothing",
            Mode::Run => return None,
        };
        Some(HostError::refused(&self.config.node, what, why))
    }

    async fn end(&self, mut stream: UnixStream, end: End) -> io::Result<()> {
        frame::send(&mut stream, &Reply::Ready).await?;
        self.life.end(end);
        Ok(())
    }

    async fn ask(self: &Arc<Self>, mut stream: UnixStream) -> io::Result<()> {
        frame::send(&mut stream, &Reply::Ready).await?;
        loop {
            let request: Request = frame::receive(&mut stream).await?;
            let helper = Arc::clone(self);
            // Its own task: an act that has begun is finished when the link dies.
            let work = tokio::spawn(async move { helper.reply(request).await });
            let reply = while_working(&mut stream, work).await?;
            let reply = reply.unwrap_or_else(|error| {
                Reply::Failed(HostError::refused(&self.config.node, "working", error))
            });
            frame::send(&mut stream, &reply).await?;
        }
    }

    async fn reply(self: Arc<Self>, request: Request) -> Reply {
        let answered = match request {
            Request::Query(query) => self.host.query(query).await.map(Reply::Answer),
            Request::Measure(measure) if self.config.mode == Mode::Plan => {
                let why = "this helper was started for a plan and measures nothing";
                Err(HostError::refused(&self.config.node, measure.what(), why))
            }
            Request::Measure(measure) => self.host.measure(measure).await.map(Reply::Answer),
            Request::Offset(target) => match self.planning(target.what()) {
                Some(refusal) => Err(refusal),
                None => self.host.blob_offset(target).await.map(Reply::Offset),
            },
            Request::Give { address, key } => match self.planning("giving blobs".to_owned()) {
                Some(refusal) => Err(refusal),
                None => self.host.give_blobs(address, key).await.map(Reply::Giving),
            },
            Request::Act(action) => {
                if let Some(refusal) = self.planning(action.what()) {
                    return Reply::Failed(refusal);
                }
                let _counted = (!matches!(action, Action::Job { .. })).then(|| self.life.act());
                let act = match self.journal.begin(told(&action)).await {
                    Ok(act) => act,
                    Err(refusal) => return Reply::Failed(refusal),
                };
                let answered = self.host.act(action).await;
                act.end(answered.is_ok()).await;
                answered.map(Reply::Answer)
            }
        };
        answered.unwrap_or_else(Reply::Failed)
    }

    async fn dial(&self, mut stream: UnixStream, address: String) -> io::Result<()> {
        match self.host.dial(address).await {
            Err(error) => frame::send(&mut stream, &Reply::Failed(error)).await,
            Ok(mut far) => {
                frame::send(&mut stream, &Reply::Ready).await?;
                tokio::io::copy_bidirectional(&mut stream, &mut far).await.map(|_| ())
            }
        }
    }

    async fn beat(&self, mut stream: UnixStream) -> io::Result<()> {
        let _beating = self.life.beating();
        frame::send(&mut stream, &Reply::Ready).await?;
        let mut byte = [0];
        while let Ok(1..) = stream.read(&mut byte).await {
            self.life.beat();
        }
        Ok(())
    }
}

/// Waits for `work`, telling the other side now and then that it goes on.
pub(super) async fn while_working<T>(
    to: &mut (impl AsyncWrite + Unpin),
    work: impl Future<Output = T>,
) -> io::Result<T> {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Ok(done),
            () = tokio::time::sleep(SIGN_OF_LIFE) => frame::send(to, &Reply::Working).await?,
        }
    }
}

/// Compares without telling by its time how much was right.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |diff, (a, b)| diff | (a ^ b)) == 0
}
