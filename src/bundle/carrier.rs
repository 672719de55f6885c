//! The sealift that a bundle brings, readable also by a sealift that is too old for everything else in it.
//!
//! What stands in [`Core`] means the same in every manifest of schema 1, whatever a later sealift adds beside it; a
//! bundle that changes it has another schema (`bundle/FORMAT.md`).

use sealift_stream::Digest;
use serde::Deserialize;

use crate::verified::Verified;
use crate::{
    BlobEntry, BlobKind, BlobReader, Brings, Bundle, BundleError, ChunkInfo, Item, ItemKind, KeyId,
    Kubernetes, Manifest, Platform, Refusal, VolumeInfo, strict,
};

/// The name of the file by which a bundle brings sealift itself.
pub const SEALIFT: &str = "sealift";

/// A bundle of which only the sealift in it can be read.
#[derive(Debug)]
pub struct Carrier {
    verified: Verified,
    carried: Option<Carried>,
    platforms: Vec<String>,
}

/// The sealift in a bundle, for one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// The version that it says itself.
    pub version: semver::Version,
    /// SHA-256 of the program.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
}

/// What every manifest has of which the signed bytes can be trusted to be a bundle's.
#[derive(Deserialize)]
struct Head {
    schema: u32,
    #[serde(rename = "type")]
    document: String,
}

/// The part of a manifest that stays as it is. Unknown keys beside it are a later sealift's business.
#[derive(Deserialize)]
struct Core {
    name: String,
    version: String,
    sequence: u64,
    created: String,
    minimum_sealift: semver::Version,
    chunk_size: u64,
    chunks: Chunks,
    stream_size: u64,
    volumes: Vec<Volume>,
    items: Vec<Named>,
    blobs: Vec<Blob>,
}

#[derive(Deserialize)]
struct Chunks {
    digest: Digest,
    count: u64,
}

#[derive(Deserialize)]
struct Volume {
    name: String,
    size: u64,
}

/// Kinds are words here: of one that is not known yet only the name is of interest.
#[derive(Deserialize)]
struct Named {
    kind: String,
    name: String,
    version: String,
    digest: Digest,
    size: u64,
    platform: Option<String>,
}

#[derive(Deserialize)]
struct Blob {
    digest: Digest,
    size: u64,
    offset: u64,
}

/// Reads the core of a manifest whose signature was checked. The outer error: no bundle. The inner one: the schema,
/// when it is another than ours.
fn core(manifest: &[u8]) -> Result<Result<Core, u32>, String> {
    strict::no_duplicate_keys(manifest).map_err(|error| error.to_string())?;
    let head: Head = serde_json::from_slice(manifest).map_err(|error| error.to_string())?;
    if head.document != Manifest::TYPE {
        return Err(format!("it is not of type '{}'", Manifest::TYPE));
    }
    if head.schema != Manifest::SCHEMA {
        return Ok(Err(head.schema));
    }
    serde_json::from_slice(manifest).map(Ok).map_err(|error| error.to_string())
}

/// What a manifest that is too new for us brings, for the words of the refusal.
pub(crate) fn brings(manifest: &[u8]) -> Brings {
    let here = Platform::here();
    match core(manifest) {
        Ok(Err(schema)) => Brings::Unknown(schema),
        Ok(Ok(core)) => match core.carried(&here) {
            Ok(Some(carried)) => Brings::Sealift(carried.version),
            Ok(None) | Err(_) => Brings::None(here),
        },
        Err(_) => Brings::None(here),
    }
}

impl Core {
    fn sealifts(&self) -> impl Iterator<Item = &Named> {
        self.items.iter().filter(|item| item.kind == ItemKind::File.as_str() && item.name == SEALIFT)
    }

    fn carried(&self, platform: &Platform) -> Result<Option<Carried>, String> {
        let Some(item) = self.sealifts().find(|item| item.platform.as_deref() == Some(platform.as_str()))
        else {
            return Ok(None);
        };
        let version = semver::Version::parse(&item.version)
            .map_err(|error| format!("version '{}' of file {SEALIFT} is none: {error}", item.version))?;
        Ok(Some(Carried { version, digest: item.digest, size: item.size }))
    }

    /// A manifest with nothing in it but that program: what reading it needs, in the words of today.
    fn reduced(self, carried: Option<&Carried>, platform: &Platform) -> Result<Manifest, String> {
        let wanted = |blob: &Blob| carried.is_some_and(|carried| carried.digest == blob.digest);
        let media_type = "application/octet-stream".to_owned();
        let blob = self.blobs.into_iter().find(wanted).map(|blob| BlobEntry {
            digest: blob.digest,
            size: blob.size,
            offset: blob.offset,
            media_type: media_type.clone(),
            kind: BlobKind::File,
            platform: None,
        });
        let item = carried.map(|carried| Item {
            kind: ItemKind::File,
            name: SEALIFT.to_owned(),
            version: carried.version.to_string(),
            digest: carried.digest,
            media_type,
            size: carried.size,
            platform: Some(platform.clone()),
            chart: None,
            package: None,
        });
        let volumes =
            self.volumes.into_iter().map(|volume| VolumeInfo { name: volume.name, size: volume.size });
        let manifest = Manifest {
            schema: Manifest::SCHEMA,
            document: Manifest::TYPE.to_owned(),
            name: self.name,
            version: self.version,
            sequence: self.sequence,
            created: self.created,
            platforms: vec![platform.clone()],
            kubernetes: Kubernetes { version: String::new(), hops: vec![] },
            minimum_sealift: self.minimum_sealift,
            chunk_size: self.chunk_size,
            chunks: ChunkInfo { digest: self.chunks.digest, count: self.chunks.count },
            stream_size: self.stream_size,
            volumes: volumes.collect(),
            items: item.into_iter().collect(),
            blobs: blob.into_iter().collect(),
        };
        manifest.check()?;
        Ok(manifest)
    }
}

impl Carrier {
    /// Reads the core of a manifest whose signature was checked, and opens what it lists.
    pub(crate) fn open(
        bundle: &std::path::Path,
        manifest: &[u8],
        (signer, comment): (KeyId, String),
        platform: &Platform,
    ) -> Result<Self, BundleError> {
        let path = bundle.join(crate::files::MANIFEST);
        let refused = |reason: String| Refusal::Manifest { path: path.clone(), reason };
        let core = match core(manifest).map_err(refused)? {
            Ok(core) => core,
            Err(schema) => return Err(Refusal::UnknownSchema { path: path.clone(), schema }.into()),
        };
        let platforms = core.sealifts().filter_map(|item| item.platform.clone()).collect();
        let carried = core.carried(platform).map_err(refused)?;
        let reduced = core.reduced(carried.as_ref(), platform).map_err(refused)?;
        Ok(Self { verified: Verified::open(bundle, reduced, signer, comment)?, carried, platforms })
    }
}

impl Bundle<Carrier> {
    /// Its name and version, for people.
    pub fn title(&self) -> String {
        let manifest = &self.state.verified.manifest;
        format!("{} {}", manifest.name, manifest.version)
    }

    /// The oldest sealift that can read the rest of it.
    pub fn minimum(&self) -> &semver::Version {
        &self.state.verified.manifest.minimum_sealift
    }

    /// Who signed it, of those we trust.
    pub fn signer(&self) -> KeyId {
        self.state.verified.signer()
    }

    /// The sealift for the platform that was asked for, if it brings one.
    pub fn carried(&self) -> Option<&Carried> {
        self.state.carried.as_ref()
    }

    /// For which platforms it brings one.
    pub fn platforms(&self) -> &[String] {
        &self.state.platforms
    }

    /// The program, checked chunk by chunk; its end is an error unless the whole has its digest.
    pub fn read(&self, carried: &Carried) -> Result<BlobReader, BundleError> {
        self.state.verified.blob_from(&carried.digest, 0)
    }
}
