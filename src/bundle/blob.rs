//! Content by digest: as the lock plans it, and as the manifest has it.

use sealift_stream::Digest;
use serde::{Deserialize, Serialize};

use crate::Platform;

/// What a blob is; the order is the order in the tar, so that small documents are read first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlobKind {
    /// An OCI index or manifest, attestation manifests and our own artifact manifests included.
    Manifest,
    /// An image's configuration.
    Config,
    /// A Helm chart's archive.
    Chart,
    /// A file: a program or an archive.
    File,
    /// An image's layer.
    Layer,
}

impl BlobKind {
    /// The word in the manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Config => "config",
            Self::Chart => "chart",
            Self::File => "file",
            Self::Layer => "layer",
        }
    }
}

/// A blob that a bundle is to hold, and where pack gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedBlob {
    /// SHA-256 of the content.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// OCI media type, e.g. `application/vnd.oci.image.layer.v1.tar+gzip`.
    pub media_type: String,
    /// What it is.
    pub kind: BlobKind,
    /// The one platform that needs it; none when several do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Where it comes from, under its upstream name.
    pub source: Source,
}

/// Where a blob comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "from", deny_unknown_fields)]
pub enum Source {
    /// An OCI registry: asked by the blob's own digest, under `manifests/` when the kind is
    /// [`BlobKind::Manifest`], else under `blobs/`.
    Registry {
        /// Upstream host and repository, e.g. `registry.k8s.io/pause`.
        repository: String,
    },
    /// A download site.
    Url {
        /// The upstream address.
        url: String,
    },
    /// A file of the machine that packs; which one, only the recipe says: paths are one machine's own. Since schema 2.
    Local,
    /// The lock itself: small documents.
    Inline {
        /// The content, canonical standard base64.
        base64: String,
    },
}

/// A blob in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlobEntry {
    /// SHA-256 of the content.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// Where the content (not its tar header) begins in the stream of all volumes.
    pub offset: u64,
    /// OCI media type.
    pub media_type: String,
    /// What it is.
    pub kind: BlobKind,
    /// The one platform that needs it; none when several do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}
