//! The connection, and what every request carries.

use std::path::Path;
use std::time::Duration;

use containerd_client::services::v1::content_client::ContentClient;
use containerd_client::services::v1::diff_client::DiffClient;
use containerd_client::services::v1::images_client::ImagesClient;
use containerd_client::services::v1::leases_client::LeasesClient;
use containerd_client::services::v1::snapshots::snapshots_client::SnapshotsClient;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use crate::HostError;

/// The namespace of containerd's CRI plugin.
const NAMESPACE: &str = "k8s.io";

/// Holds staged content and half-unpacked snapshots until an image refers to them.
pub(super) const LEASE: &str = "sealift-stage";

/// A connection to one node's containerd.
pub(super) struct Containerd {
    pub(super) host: String,
    channel: Channel,
}

impl Containerd {
    /// `None` when nothing listens on the socket: containerd is not there, or not up.
    pub(super) async fn connect(host: &str, socket: &Path) -> Option<Self> {
        let socket = socket.to_owned();
        let endpoint =
            Endpoint::from_static("http://containerd.invalid").connect_timeout(Duration::from_secs(5));
        let connector = tower::service_fn(move |_| {
            let socket = socket.clone();
            async move { UnixStream::connect(socket).await.map(TokioIo::new) }
        });
        let channel = endpoint.connect_with_connector(connector).await.ok()?;
        Some(Self { host: host.to_owned(), channel })
    }

    /// As [`connect`](Self::connect), where containerd has to be there.
    pub(super) async fn required(host: &str, socket: &Path, doing: &str) -> Result<Self, HostError> {
        let found = Self::connect(host, socket).await;
        found.ok_or_else(|| {
            let why = format!(
                "containerd does not answer on {}; see `systemctl status containerd`",
                socket.display()
            );
            HostError::refused(host, doing, why)
        })
    }

    pub(super) fn content(&self) -> ContentClient<Channel> {
        ContentClient::new(self.channel.clone()).max_decoding_message_size(16 << 20)
    }

    pub(super) fn images(&self) -> ImagesClient<Channel> {
        ImagesClient::new(self.channel.clone()).max_decoding_message_size(64 << 20)
    }

    pub(super) fn leases(&self) -> LeasesClient<Channel> {
        LeasesClient::new(self.channel.clone())
    }

    pub(super) fn snapshots(&self) -> SnapshotsClient<Channel> {
        SnapshotsClient::new(self.channel.clone())
    }

    pub(super) fn diffs(&self) -> DiffClient<Channel> {
        DiffClient::new(self.channel.clone())
    }

    pub(super) fn refused(&self, doing: &str, status: &Status) -> HostError {
        HostError::refused(
            &self.host,
            doing,
            format!("containerd: {} ({:?})", status.message(), status.code()),
        )
    }
}

/// A request in our namespace.
pub(super) fn plain<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("containerd-namespace", MetadataValue::from_static(NAMESPACE));
    request
}

/// A request in our namespace whose results our lease holds.
pub(super) fn leased<T>(message: T) -> Request<T> {
    let mut request = plain(message);
    request.metadata_mut().insert("containerd-lease", MetadataValue::from_static(LEASE));
    request
}

/// `None` for what is not there.
pub(super) fn found<T>(result: Result<tonic::Response<T>, Status>) -> Result<Option<T>, Status> {
    match result {
        Ok(response) => Ok(Some(response.into_inner())),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(status),
    }
}

/// `false` for what was there already.
pub(super) fn created<T>(result: Result<tonic::Response<T>, Status>) -> Result<bool, Status> {
    match result {
        Ok(_) => Ok(true),
        Err(status) if status.code() == Code::AlreadyExists => Ok(false),
        Err(status) => Err(status),
    }
}
