//! The signed list: what `manifest.json` says.

use sealift_stream::Digest;
use serde::{Deserialize, Serialize};

use crate::{BlobEntry, Item, ItemKind, Platform};

mod parse;

pub(crate) use parse::{ManifestError, own_version};

/// The content of `manifest.json`. The signature is over the file's exact bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`Manifest::SCHEMA`].
    pub schema: u32,
    /// [`Manifest::TYPE`]: a signature over another kind of document is not one over a bundle.
    #[serde(rename = "type")]
    pub document: String,
    /// The bundle's name.
    pub name: String,
    /// The version people see.
    pub version: String,
    /// Grows with every release of this name; what a site compares.
    pub sequence: u64,
    /// When the recipe was resolved, e.g. `2026-11-22T19:00:00Z`.
    pub created: String,
    /// What it is for.
    pub platforms: Vec<Platform>,
    /// The Kubernetes it brings.
    pub kubernetes: Kubernetes,
    /// The oldest sealift that can read it.
    pub minimum_sealift: semver::Version,
    /// Bytes of a chunk; schema 1 has 4 MiB only.
    pub chunk_size: u64,
    /// The list of chunk digests in `chunks.bin`.
    pub chunks: ChunkInfo,
    /// Bytes of all volumes together.
    pub stream_size: u64,
    /// The volumes in their order.
    pub volumes: Vec<VolumeInfo>,
    /// What is in it, by name; sorted by kind and name.
    pub items: Vec<Item>,
    /// All content, in the order of the stream.
    pub blobs: Vec<BlobEntry>,
}

/// Kubernetes versions of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kubernetes {
    /// What it installs, e.g. `v1.36.4`.
    pub version: String,
    /// What an upgrade passes through, oldest first.
    pub hops: Vec<String>,
}

/// What binds `chunks.bin`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChunkInfo {
    /// SHA-256 of the file.
    pub digest: Digest,
    /// How many chunks: the file has 32 bytes for each.
    pub count: u64,
}

/// One file of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeInfo {
    /// `volume-0000` and so on.
    pub name: String,
    /// Bytes.
    pub size: u64,
}

impl Manifest {
    /// The schema this code reads and writes.
    pub const SCHEMA: u32 = 1;
    /// The `type` of a bundle's manifest.
    pub const TYPE: &str = "sealift.dev/bundle";
    /// The first sealift that reads schema 1.
    pub const MINIMUM_SEALIFT: semver::Version = semver::Version::new(0, 1, 0);

    /// The item of this kind and name.
    pub fn item(&self, kind: ItemKind, name: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.kind == kind && item.name == name)
    }

    /// The blob with this digest.
    pub fn blob(&self, digest: &Digest) -> Option<&BlobEntry> {
        self.blobs.iter().find(|blob| blob.digest == *digest)
    }
}
