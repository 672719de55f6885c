//! Where pack reads blobs from: the network, or a test.

use std::io;
use std::pin::Pin;

use futures::future::BoxFuture;
use tokio::io::AsyncRead;

use crate::LockedBlob;

/// The content of one blob on its way into a bundle.
pub type BoxBlobStream = Pin<Box<dyn AsyncRead + Send>>;

/// Opens blobs by what the lock says of them.
///
/// Nothing it gives is believed: pack checks size and digest. Time-outs and retries of `open` are the
/// source's own. A stream that fails midway after some progress is opened again by pack at the byte reached.
pub trait BlobSource: Send + Sync {
    /// A stream of the blob's bytes from `offset` to its end.
    fn open<'a>(&'a self, blob: &'a LockedBlob, offset: u64) -> BoxFuture<'a, io::Result<BoxBlobStream>>;
}
