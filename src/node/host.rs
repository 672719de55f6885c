//! What can be asked of a node and done on it: one trait, two implementations (on the spot, and through a helper).

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;

use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::relay::{Came, Giver, RelayKey};
use crate::{Action, Answer, BlobTarget, HostError, Measure, Query};

/// Both directions of a byte stream on the node, boxed so that `Host` stays object-safe.
pub trait Duplex: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

/// A stream opened by [`Host::dial`].
pub type BoxDuplex = Pin<Box<dyn Duplex>>;

/// The content of one blob on its way to a node.
pub type BlobReader = Pin<Box<dyn AsyncRead + Send>>;

/// A machine: `LocalHost` does it with system calls here, `RemoteHost` asks a helper, whose `LocalHost` does it there.
///
/// Steps never see this trait. They get a [`Probe`](crate::Probe), which can only ask, or, in `apply`
/// alone, a [`Mutate`](crate::Mutate).
pub trait Host: Send + Sync {
    /// The node's name in the cluster file.
    fn name(&self) -> &str;

    /// Asks; changes nothing.
    fn query(&self, query: Query) -> BoxFuture<'_, Result<Answer, HostError>>;

    /// Does one thing. Every action is idempotent or says in its documentation why it is not.
    fn act(&self, action: Action) -> BoxFuture<'_, Result<Answer, HostError>>;

    /// How many bytes of this blob the node holds already: all of them (nothing to send), or a
    /// verified prefix of an interrupted transfer.
    fn blob_offset(&self, target: BlobTarget) -> BoxFuture<'_, Result<u64, HostError>>;

    /// Sends a blob from `offset` on; the node hashes on arrival and keeps it only when the digest of
    /// the whole matches. `content` starts at `offset`. After a cut, `blob_offset` tells where to go on.
    fn put_blob(
        &self,
        target: BlobTarget,
        offset: u64,
        content: BlobReader,
    ) -> BoxFuture<'_, Result<(), HostError>>;

    /// From now on gives whole blobs to other nodes that know the key, on this address of its own, for as long as what
    /// was started for this host lives. Says where; a second time that is the same place.
    fn give_blobs(&self, _address: IpAddr, _key: RelayKey) -> BoxFuture<'_, Result<SocketAddr, HostError>> {
        Box::pin(std::future::ready(Err(HostError::refused(self.name(), "giving blobs", "it gives none"))))
    }

    /// Takes what is missing of a blob from another node, hashed and kept as by [`put_blob`](Self::put_blob); `came`
    /// counts the bytes while they come. False when the giver does not have it any more. Whatever goes wrong, the blob
    /// can still be sent from here.
    fn fetch_blob(
        &self,
        target: BlobTarget,
        _giver: Giver,
        _came: Came,
    ) -> BoxFuture<'_, Result<bool, HostError>> {
        let refusal = HostError::refused(self.name(), target.what(), "it takes none from other nodes");
        Box::pin(std::future::ready(Err(refusal)))
    }

    /// Opens a stream to a TCP address as the node sees it, e.g. `127.0.0.1:6443` (law 9).
    fn dial(&self, address: String) -> BoxFuture<'_, Result<BoxDuplex, HostError>>;

    /// Makes a new connection to the node's own address, and none of the old ones is used again: that it works
    /// proves that the node can be reached now. On the machine itself there is nothing to prove.
    fn reach_anew(&self) -> BoxFuture<'_, Result<(), HostError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Measures something; leaves nothing behind. A host that cannot says so.
    fn measure(&self, measure: Measure) -> BoxFuture<'_, Result<Answer, HostError>> {
        let refusal = HostError::refused(self.name(), measure.what(), "nothing is measured there");
        Box::pin(std::future::ready(Err(refusal)))
    }

    /// Ends what was started for this host (a helper); nothing else on the node changes. A host that is
    /// dropped without it, or dies, leaves a helper that ends itself when it has been idle for a minute.
    fn close(&self) -> BoxFuture<'_, Result<(), HostError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
