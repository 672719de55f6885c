//! Reading a manifest: signed bytes in, a manifest that makes sense out.

use serde::Deserialize;

use super::Manifest;
use crate::chunk::{self, CHUNK_SIZE};
use crate::{check, strict, volume};

/// Why the bytes are not a manifest this sealift can use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManifestError {
    #[error("{0}")]
    Invalid(String),
    #[error("it needs sealift {0} or later")]
    TooNew(semver::Version),
    #[error("it has schema {0}; this sealift knows schema {known}", known = Manifest::SCHEMA)]
    Schema(u32),
}

/// What every manifest of any schema has.
#[derive(Deserialize)]
struct Head {
    schema: u32,
    #[serde(rename = "type")]
    document: String,
    minimum_sealift: semver::Version,
}

impl Manifest {
    /// Reads the bytes strictly. Call it on bytes whose signature was checked.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let invalid = |error: serde_json::Error| ManifestError::Invalid(error.to_string());
        strict::no_duplicate_keys(bytes).map_err(invalid)?;
        // The head first: a later format is told from a broken file before its new fields are met.
        let head: Head = serde_json::from_slice(bytes).map_err(invalid)?;
        if head.document != Self::TYPE {
            let cut: String = head.document.chars().take(60).collect();
            return Err(ManifestError::Invalid(format!("it is of type '{cut}', not '{}'", Self::TYPE)));
        }
        if head.minimum_sealift > own_version() {
            return Err(ManifestError::TooNew(head.minimum_sealift));
        }
        if head.schema != Self::SCHEMA {
            return Err(ManifestError::Schema(head.schema));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(invalid)?;
        manifest.check().map_err(ManifestError::Invalid)?;
        Ok(manifest)
    }

    /// The file's bytes; the same manifest gives the same bytes.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Whether the numbers fit together, so that no later arithmetic can go wrong.
    pub(crate) fn check(&self) -> Result<(), String> {
        check::name(&self.name, "name")?;
        check::name(&self.version, "version")?;
        // none in a bundle that brings files alone
        let versions = std::iter::once(&self.kubernetes.version).filter(|version| !version.is_empty());
        for version in versions.chain(&self.kubernetes.hops) {
            check::name(version, "Kubernetes version")?;
        }
        check::timestamp(&self.created)?;
        check::items(&self.items)?;
        self.check_volumes()?;
        self.check_blobs()?;
        for item in &self.items {
            match self.blob(&item.digest) {
                Some(blob) if blob.size == item.size => {}
                Some(_) => {
                    return Err(format!(
                        "{} {} has another size than its blob",
                        item.kind.as_str(),
                        item.name
                    ));
                }
                None => {
                    return Err(format!("{} {} has no blob {}", item.kind.as_str(), item.name, item.digest));
                }
            }
        }
        Ok(())
    }

    fn check_volumes(&self) -> Result<(), String> {
        if self.chunk_size != CHUNK_SIZE {
            return Err(format!("its chunks have {} bytes; schema 1 has {CHUNK_SIZE}", self.chunk_size));
        }
        if self.chunks.count != chunk::count(self.stream_size) {
            return Err(format!("{} chunks cannot be {} bytes", self.chunks.count, self.stream_size));
        }
        let volume_size = self.volume_size();
        let whole = self.volumes.len() == 1 || volume_size.is_multiple_of(CHUNK_SIZE);
        // counted before it is split: a manifest that nobody signed may speak of any number of volumes
        let counted = volume_size > 0 && self.stream_size.div_ceil(volume_size) == self.volumes.len() as u64;
        if !whole || !counted || volume::split(self.stream_size, volume_size) != self.volumes {
            return Err(format!("its volumes are no split of {} bytes into whole chunks", self.stream_size));
        }
        Ok(())
    }

    /// Blobs lie behind each other at tar's places, apart, inside the stream.
    fn check_blobs(&self) -> Result<(), String> {
        let mut end = 0_u64;
        let mut seen = std::collections::HashSet::new();
        for blob in &self.blobs {
            let header = end.checked_add(512).filter(|first| *first <= blob.offset);
            if header.is_none() || !blob.offset.is_multiple_of(512) {
                return Err(format!("blob {} overlaps the one before it, or lies off a block", blob.digest));
            }
            end = blob
                .offset
                .checked_add(blob.size)
                .and_then(|end| end.checked_next_multiple_of(512))
                .filter(|end| *end <= self.stream_size)
                .ok_or_else(|| format!("blob {} reaches beyond the end of the stream", blob.digest))?;
            if !seen.insert(blob.digest) {
                return Err(format!("blob {} is there twice", blob.digest));
            }
        }
        Ok(())
    }

    /// Bytes of every volume but the last.
    pub(crate) fn volume_size(&self) -> u64 {
        self.volumes.first().map_or(0, |volume| volume.size)
    }
}

/// The version of this code. All rooms have the workspace's version.
pub(crate) fn own_version() -> semver::Version {
    semver::Version::parse(env!("CARGO_PKG_VERSION")).unwrap_or(Manifest::MINIMUM_SEALIFT)
}
