//! A node through its helper: over SSH, or here.

mod ask;
mod beat;
mod binary;
mod fetch;
mod install;
mod put;
mod sudo;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::timeout;

use beat::Beat;
pub use binary::HelperBinary;
use install::Listening;

use crate::helper::{Hello, Mode, Reply, Request, Starter, Wish};
use crate::host::{BlobReader, BoxDuplex, Host};
use crate::link::{Channel, Link};
use crate::relay::{Came, Giver, RelayKey};
use crate::ssh::Links;
use crate::{Action, Answer, BlobTarget, HostError, LocalHost, Measure, Owner, Query, Target, frame};

/// The helper says [`Reply::Working`] every 5 s; silence for this long is a dead link.
const SILENCE: Duration = Duration::from_secs(30);

/// What tests, and machines without systemd, need otherwise.
#[derive(Debug, Clone, Default)]
pub struct RemoteOptions {
    /// How the helper becomes a process of its own.
    pub starter: Starter,
    /// A directory on the node that stands for the machine.
    pub root: Option<String>,
    /// Seconds without a connection after which the helper ends itself; 60 by default.
    pub idle_s: Option<u64>,
}

/// A node through a helper that it starts and, on [`close`](Host::close), ends. Most nodes are reached over SSH;
/// the machine that sealift itself runs on may be one too, and is asked by the same helper in the same way.
#[derive(Clone)]
pub struct RemoteHost {
    inner: Arc<Inner>,
}

struct Inner {
    links: Link,
    binary: HelperBinary,
    mode: Mode,
    run: String,
    owner: Owner,
    options: RemoteOptions,
    helper: Mutex<Option<Helper>>,
    idle: Mutex<Vec<Channel>>,
}

/// A helper that listens.
#[derive(Clone)]
struct Helper {
    attach: String,
    token: String,
    unit: String,
    previous: Option<Owner>,
    /// Ends when the last clone of the host is dropped, or the helper is replaced.
    _beat: Arc<Beat>,
}

impl std::fmt::Debug for RemoteHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RemoteHost({}, {:?})", self.inner.links.name(), self.inner.mode)
    }
}

impl RemoteHost {
    /// Connects, uploads the helper where it is not there yet, and starts it for this run.
    pub async fn connect(
        target: Target,
        binary: HelperBinary,
        mode: Mode,
        run: &str,
        owner: &Owner,
    ) -> Result<Self, HostError> {
        Self::connect_with(target, binary, mode, run, owner, RemoteOptions::default()).await
    }

    /// As [`connect`](Self::connect), in unusual surroundings.
    pub async fn connect_with(
        target: Target,
        binary: HelperBinary,
        mode: Mode,
        run: &str,
        owner: &Owner,
        options: RemoteOptions,
    ) -> Result<Self, HostError> {
        Self::over(Link::Ssh(Box::new(Links::connect(target).await?)), binary, mode, run, owner, options)
            .await
    }

    /// The machine that this program runs on, under its name in the cluster file.
    pub async fn here(
        name: &str,
        binary: HelperBinary,
        mode: Mode,
        run: &str,
        owner: &Owner,
        options: RemoteOptions,
    ) -> Result<Self, HostError> {
        Self::over(Link::Here(LocalHost::new(name)), binary, mode, run, owner, options).await
    }

    async fn over(
        links: Link,
        binary: HelperBinary,
        mode: Mode,
        run: &str,
        owner: &Owner,
        options: RemoteOptions,
    ) -> Result<Self, HostError> {
        let (run, owner) = (run.to_owned(), owner.clone());
        let (helper, idle) = (Mutex::new(None), Mutex::new(vec![]));
        let host = Self { inner: Arc::new(Inner { links, binary, mode, run, owner, options, helper, idle }) };
        host.helper().await?;
        Ok(host)
    }

    /// Whose run held this node's lock before ours and did not end by itself.
    pub async fn previous(&self) -> Option<Owner> {
        self.inner.helper.lock().await.as_ref()?.previous.clone()
    }

    /// The helper, started when there is none.
    async fn helper(&self) -> Result<Helper, HostError> {
        let mut helper = self.inner.helper.lock().await;
        if let Some(helper) = &*helper {
            return Ok(helper.clone());
        }
        let Listening { attach, token, unit, previous } = install::start(&self.inner).await?;
        let beat = self.greet(&attach, &token, Wish::Beat).await?;
        let beat = Arc::new(Beat::start(&self.inner, beat, &attach, &token));
        let new = Helper { attach, token, unit, previous, _beat: beat };
        *helper = Some(new.clone());
        Ok(new)
    }

    /// A connection to the helper whose wish has been granted. A helper that has gone (the node was
    /// rebooted, the link was away for longer than it waits) is started again, once.
    async fn wish(&self, wish: Wish) -> Result<Channel, HostError> {
        let helper = self.helper().await?;
        match self.greet(&helper.attach, &helper.token, wish.clone()).await {
            Err(HostError::LinkLost { .. }) => {
                let same = |other: &Helper| other.token == helper.token;
                let mut current = self.inner.helper.lock().await;
                if current.as_ref().is_some_and(same) {
                    // Perhaps only the link is gone: the same helper over a new one first.
                    match self.greet(&helper.attach, &helper.token, wish.clone()).await {
                        Err(HostError::LinkLost { .. }) => *current = None,
                        other => return other,
                    }
                }
                drop(current);
                let helper = self.helper().await?;
                self.greet(&helper.attach, &helper.token, wish).await
            }
            other => other,
        }
    }

    async fn greet(&self, attach: &str, token: &str, wish: Wish) -> Result<Channel, HostError> {
        let links = &self.inner.links;
        let mut channel = links.channel(attach).await?;
        let lost = |error: std::io::Error| links.lost("connecting to the helper", error);
        let hello = Hello { token: token.to_owned(), wish };
        let granted = async {
            frame::send(&mut channel, &hello).await?;
            frame::receive::<Reply>(&mut channel).await
        };
        match timeout(SILENCE, granted).await {
            Err(_) => Err(links.lost("connecting to the helper", "silence for 30 s")),
            Ok(Err(error)) => Err(lost(error)),
            Ok(Ok(Reply::Ready)) => Ok(channel),
            Ok(Ok(Reply::Failed(error))) => Err(error),
            Ok(Ok(other)) => Err(self.surprise(&other)),
        }
    }

    fn surprise(&self, reply: &Reply) -> HostError {
        // Only the kind: an answer may hold content.
        let text = match reply {
            Reply::Ready => "ready",
            Reply::Working => "working",
            Reply::Answer(answer) => answer.kind(),
            Reply::Offset(_) => "offset",
            Reply::Giving(_) => "giving",
            Reply::Came(_) => "came",
            Reply::Gone => "gone",
            Reply::Done => "done",
            Reply::Failed(_) => "failed",
            Reply::Busy { .. } => "busy",
        };
        HostError::Protocol {
            host: self.inner.links.name().to_owned(),
            why: format!("unexpected reply: {text}"),
        }
    }

    async fn end(&self) -> Result<(), HostError> {
        self.inner.idle.lock().await.clear();
        let helper = self.inner.helper.lock().await.take();
        let Some(helper) = helper else { return Ok(()) };
        match self.greet(&helper.attach, &helper.token, Wish::End).await {
            // Gone already is what was wanted.
            Err(HostError::LinkLost { .. }) => Ok(()),
            other => {
                other?;
                install::ended(&self.inner, &helper.unit).await
            }
        }
    }
}

impl Host for RemoteHost {
    fn name(&self) -> &str {
        self.inner.links.name()
    }

    fn query(&self, query: Query) -> BoxFuture<'_, Result<Answer, HostError>> {
        async move {
            let what = query.what();
            // Asking twice is harmless: a link lost in between is not worth a message.
            match self.ask(Request::Query(query.clone()), &what).await {
                Err(error) if error.is_transient() => {
                    // the other channels of that connection are as dead as this one
                    self.inner.idle.lock().await.clear();
                    self.answered(Request::Query(query), &what).await
                }
                Ok(reply) => self.answer(reply),
                Err(error) => Err(error),
            }
        }
        .boxed()
    }

    fn act(&self, action: Action) -> BoxFuture<'_, Result<Answer, HostError>> {
        async move {
            let what = action.what();
            self.answered(Request::Act(action), &what).await
        }
        .boxed()
    }

    fn measure(&self, measure: Measure) -> BoxFuture<'_, Result<Answer, HostError>> {
        async move {
            let what = measure.what();
            self.answered(Request::Measure(measure), &what).await
        }
        .boxed()
    }

    fn blob_offset(&self, target: BlobTarget) -> BoxFuture<'_, Result<u64, HostError>> {
        async move {
            let what = target.what();
            match self.ask(Request::Offset(target), &what).await? {
                Reply::Offset(offset) => Ok(offset),
                other => Err(self.surprise(&other)),
            }
        }
        .boxed()
    }

    fn put_blob(
        &self,
        target: BlobTarget,
        offset: u64,
        content: BlobReader,
    ) -> BoxFuture<'_, Result<(), HostError>> {
        self.put(target, offset, content).boxed()
    }

    fn give_blobs(&self, address: IpAddr, key: RelayKey) -> BoxFuture<'_, Result<SocketAddr, HostError>> {
        async move {
            match self.ask(Request::Give { address, key }, "asking it to give blobs").await? {
                Reply::Giving(address) => Ok(address),
                other => Err(self.surprise(&other)),
            }
        }
        .boxed()
    }

    fn fetch_blob(
        &self,
        target: BlobTarget,
        giver: Giver,
        came: Came,
    ) -> BoxFuture<'_, Result<bool, HostError>> {
        self.fetch(target, giver, came).boxed()
    }

    fn dial(&self, address: String) -> BoxFuture<'_, Result<BoxDuplex, HostError>> {
        async move { Ok(Box::pin(self.wish(Wish::Dial { address }).await?) as BoxDuplex) }.boxed()
    }

    fn reach_anew(&self) -> BoxFuture<'_, Result<(), HostError>> {
        async move {
            self.inner.idle.lock().await.clear();
            match &self.inner.links {
                Link::Ssh(links) => links.anew().await,
                Link::Here(_) => Ok(()),
            }
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), HostError>> {
        self.end().boxed()
    }
}
