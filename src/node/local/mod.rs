//! This machine: everything by system calls, or, rooted in a directory, in that directory alone.

mod archive;
mod behind;
mod blob;
mod facts;
pub(crate) mod file;
mod job;
mod look;
mod measure;
pub(crate) mod network;
mod os_release;
mod program;
mod puts;
mod relay;
mod room;
mod root;
mod status;
mod tree;
mod unit;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::net::TcpStream;

use crate::error::Context as _;
use crate::host::{BlobReader, BoxDuplex, Host};
use crate::relay::{Came, Giver, RelayKey};
use crate::{Action, Answer, BlobTarget, HostError, Measure, Query, arp, containerd};

#[cfg(test)]
mod tests;

use self::puts::Puts;
use self::root::Root;

/// How long a TCP address is tried before it counts as not reachable.
const DIAL: Duration = Duration::from_secs(5);

/// This machine as a [`Host`]. Clones share their state.
#[derive(Debug, Clone)]
pub struct LocalHost {
    name: Arc<str>,
    root: Root,
    puts: Arc<Puts>,
    giving: Arc<relay::Giving>,
}

impl LocalHost {
    /// The whole machine, under its name in the cluster file.
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), root: Root::machine(), puts: Arc::default(), giving: Arc::default() }
    }

    /// A directory that stands for a machine: every path is below it, programs are looked up in its own
    /// `usr/local/sbin`, `usr/local/bin`, `usr/sbin`, `usr/bin` and run with `SEALIFT_ROOT` set to it. A job
    /// is run as a plain child there. For tests and for offline image preparation; it is not a jail.
    pub fn rooted(name: &str, dir: impl Into<PathBuf>) -> Self {
        Self { name: name.into(), root: Root::at(dir.into()), puts: Arc::default(), giving: Arc::default() }
    }

    fn holders(&self, interface: &str, addresses: &[Ipv4Addr]) -> Result<Answer, HostError> {
        let holders = arp::holders(interface, addresses);
        Ok(Answer::Holders(holders.on(&self.name, || format!("asking on {interface} who has an address"))?))
    }

    /// Runs blocking work off the async threads.
    async fn blocking<T: Send + 'static>(
        &self,
        what: String,
        work: impl FnOnce(&Self) -> Result<T, HostError> + Send + 'static,
    ) -> Result<T, HostError> {
        let host = self.clone();
        let name = Arc::clone(&self.name);
        tokio::task::spawn_blocking(move || work(&host)).await.on(&name, || what)?
    }

    async fn answer(&self, query: Query) -> Result<Answer, HostError> {
        let what = query.what();
        match query {
            Query::Unit { name } => Ok(Answer::Unit(self.unit(&name).await?)),
            Query::Job { name } => self.job_state(&name).await,
            Query::JobEnd { name } => self.job_end(&name).await,
            Query::Images => containerd::images(&self.name, &self.root.path(crate::paths::CONTAINERD)).await,
            Query::Reachable { address } => {
                let dialled = tokio::time::timeout(DIAL, TcpStream::connect(&address)).await;
                Ok(Answer::Bool(matches!(dialled, Ok(Ok(_)))))
            }
            Query::Holders { interface, addresses } => {
                self.blocking(what, move |host| host.holders(&interface, &addresses)).await
            }
            Query::Trial => {
                let record = self.trial_record().on(&self.name, || what)?;
                Ok(record.map_or(Answer::Missing, |record| Answer::Trial(Box::new(record))))
            }
            Query::Facts => self.blocking(what, Self::facts).await,
            Query::ReadFile { path, limit } => {
                self.blocking(what, move |host| host.read_file(&path, limit)).await
            }
            Query::Stat { path } => self.blocking(what, move |host| host.stat(&path)).await,
            Query::ListDir { path } => self.blocking(what, move |host| host.list_dir(&path)).await,
            Query::HashFile { path } => self.blocking(what, move |host| host.hash_file(&path)).await,
            Query::ReadLink { path } => self.blocking(what, move |host| host.read_link(&path)).await,
            Query::Look { paths, limit } => self.blocking(what, move |host| host.look(&paths, limit)).await,
            Query::Lines { path, words } => self.blocking(what, move |host| host.lines(&path, &words)).await,
            Query::Rooms { paths } => self.blocking(what, move |host| host.rooms(&paths)).await,
            Query::PacketFilter => self.packet_filter().await,
            Query::Clock => Ok(Answer::Clock(now_ms())),
        }
    }

    async fn perform(&self, action: Action) -> Result<Answer, HostError> {
        let what = action.what();
        match action {
            Action::Run(command) => Ok(Answer::Output(self.run(command).await?)),
            Action::Job { name, command } => Ok(Answer::Output(self.job(&name, command).await?)),
            Action::ImportImage { name, target, media_type, size, platform } => {
                let image = containerd::Import { name, target, media_type, size, platform };
                containerd::import(&self.name, &self.root.path(crate::paths::CONTAINERD), image).await?;
                Ok(Answer::Done)
            }
            Action::RemoveImages { names } => {
                containerd::remove(&self.name, &self.root.path(crate::paths::CONTAINERD), names).await?;
                Ok(Answer::Done)
            }
            Action::TryNetwork(trial) => self.try_network(trial).await,
            Action::UndoNetwork => {
                self.undo_network().await?;
                self.disarm().await?;
                Ok(Answer::Done)
            }
            Action::KeepNetwork { id } => self.keep_network(&id).await,
            Action::WriteFile { path, content, mode } => {
                self.blocking(what, move |host| host.write_file(&path, &content.0, mode)).await
            }
            Action::SetMode { path, mode } => {
                self.blocking(what, move |host| host.set_mode(&path, mode)).await
            }
            Action::SetAside { path } => self.blocking(what, move |host| host.set_aside(&path)).await,
            Action::MakeDir { path, mode } => {
                self.blocking(what, move |host| host.make_dir(&path, mode)).await
            }
            Action::Remove { path } => self.blocking(what, move |host| host.remove(&path)).await,
            Action::Symlink { path, target } => {
                self.blocking(what, move |host| host.symlink(&path, &target)).await
            }
            Action::InstallBlob { digest, path, mode } => {
                self.blocking(what, move |host| host.install_blob(digest, &path, mode)).await
            }
            Action::ExtractBlob { digest, dir, entries } => {
                self.blocking(what, move |host| host.extract_blob(digest, &dir, &entries)).await
            }
            Action::DropBlobs { digests } => self.blocking(what, move |host| host.drop_blobs(&digests)).await,
        }
    }

    async fn offset(&self, target: BlobTarget) -> Result<u64, HostError> {
        // An old transfer of the same blob, its link dead, must not go on writing behind this answer.
        let _turn = self.puts.take_over(target.digest()).await;
        match target {
            BlobTarget::File { digest, size } => self.kept_bytes(digest, size),
            BlobTarget::Content { digest, size } => {
                containerd::content_offset(
                    &self.name,
                    &self.root.path(crate::paths::CONTAINERD),
                    digest,
                    size,
                )
                .await
            }
        }
    }

    async fn put(&self, target: BlobTarget, offset: u64, content: BlobReader) -> Result<(), HostError> {
        let what = target.what();
        let turn = self.puts.take_over(target.digest()).await;
        let work = async {
            match target {
                BlobTarget::File { digest, size } => self.keep_blob(digest, size, offset, content).await,
                BlobTarget::Content { digest, size } => {
                    let socket = self.root.path(crate::paths::CONTAINERD);
                    containerd::put_content(&self.name, &socket, digest, size, offset, content).await
                }
            }
        };
        tokio::select! {
            done = work => done,
            () = turn.taken() => {
                let why = "a newer transfer of the same blob took over".to_owned();
                Err(HostError::LinkLost { host: self.name.to_string(), doing: what, why })
            }
        }
    }
}

/// Milliseconds since the epoch.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl Host for LocalHost {
    fn name(&self) -> &str {
        &self.name
    }

    fn query(&self, query: Query) -> BoxFuture<'_, Result<Answer, HostError>> {
        self.answer(query).boxed()
    }

    fn act(&self, action: Action) -> BoxFuture<'_, Result<Answer, HostError>> {
        self.perform(action).boxed()
    }

    fn measure(&self, measure: Measure) -> BoxFuture<'_, Result<Answer, HostError>> {
        async move { Ok(Answer::Measured(self.measured(measure).await?)) }.boxed()
    }

    fn blob_offset(&self, target: BlobTarget) -> BoxFuture<'_, Result<u64, HostError>> {
        self.offset(target).boxed()
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
        self.give(address, key).boxed()
    }

    fn fetch_blob(
        &self,
        target: BlobTarget,
        giver: Giver,
        came: Came,
    ) -> BoxFuture<'_, Result<bool, HostError>> {
        async move { self.fetch(target, &giver, came).await }.boxed()
    }

    fn dial(&self, address: String) -> BoxFuture<'_, Result<BoxDuplex, HostError>> {
        async move {
            let what = || format!("connecting to {address}");
            let stream =
                tokio::time::timeout(DIAL, TcpStream::connect(&address)).await.on(&self.name, what)?;
            let stream = stream.on(&self.name, what)?;
            stream.set_nodelay(true).on(&self.name, what)?;
            Ok(Box::pin(stream) as BoxDuplex)
        }
        .boxed()
    }
}
