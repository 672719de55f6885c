//! Where everything lies in the stream: a pure function of the lock.

use std::collections::HashSet;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_stream::{Digest, Hasher};

use crate::artifact::{EMPTY_CONFIG, artifact_manifest, index_json};
use crate::tarhead::{self, BLOCK};
use crate::{BlobEntry, BlobKind, Lock, LockError, LockedBlob, Source, oci};

/// One file of the tar: header, content, padding.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    /// Its path in the tar.
    pub(crate) path: String,
    /// Where its header begins.
    pub(crate) start: u64,
    /// Where its content begins.
    pub(crate) offset: u64,
    /// Bytes of its content.
    pub(crate) size: u64,
    /// The content, or what it must be.
    pub(crate) fill: Fill,
}

/// Where a region's content comes from.
#[derive(Debug, Clone)]
pub(crate) enum Fill {
    /// It is here.
    Bytes(Vec<u8>),
    /// It is to be had from a source.
    Blob(LockedBlob),
}

/// The whole stream.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) regions: Vec<Region>,
    /// The entries of the manifest, in order.
    pub(crate) blobs: Vec<BlobEntry>,
    pub(crate) stream_size: u64,
}

impl Layout {
    /// Lays out a lock: `oci-layout`, `index.json`, then blobs by kind and digest.
    pub(crate) fn of(lock: &Lock) -> Result<Self, LockError> {
        lock.check()?;
        let mut layout = Self { regions: Vec::new(), blobs: Vec::new(), stream_size: 0 };
        layout.push("oci-layout".into(), oci::LAYOUT.len() as u64, Fill::Bytes(oci::LAYOUT.to_vec()));
        let index = index_json(&lock.items);
        layout.push("index.json".into(), index.len() as u64, Fill::Bytes(index));
        for blob in all_blobs(lock) {
            let fill = match &blob.source {
                Source::Inline { base64 } => Fill::Bytes(decode(lock, &blob, base64)?),
                _ => Fill::Blob(blob.clone()),
            };
            let offset = layout.push(format!("blobs/sha256/{}", blob.digest.hex()), blob.size, fill);
            layout.blobs.push(BlobEntry {
                digest: blob.digest,
                size: blob.size,
                offset,
                media_type: blob.media_type,
                kind: blob.kind,
                platform: blob.platform,
            });
        }
        layout.stream_size += tarhead::END;
        Ok(layout)
    }

    /// Appends a file; returns where its content begins.
    fn push(&mut self, path: String, size: u64, fill: Fill) -> u64 {
        let start = self.stream_size;
        let offset = start + tarhead::head_len(size);
        self.stream_size = (offset + size).next_multiple_of(BLOCK);
        self.regions.push(Region { path, start, offset, size, fill });
        offset
    }

    /// Names this layout: a part left by a killed run may be gone on with only when this is the same.
    pub(crate) fn identity(&self, volume_size: u64) -> Digest {
        let mut hasher = Hasher::new();
        hasher.update(format!("sealift layout 1 {volume_size} {}\n", self.stream_size).as_bytes());
        for region in &self.regions {
            let digest = region.digest();
            hasher.update(format!("{} {} {} {digest}\n", region.path, region.offset, region.size).as_bytes());
        }
        hasher.finish()
    }

    /// Bytes of all contents: what a meter sees.
    pub(crate) fn content_size(&self) -> u64 {
        self.regions.iter().map(|region| region.size).sum()
    }
}

impl Region {
    /// Its header blocks.
    pub(crate) fn head(&self) -> io::Result<Vec<u8>> {
        tarhead::head(&self.path, self.size)
    }

    /// What its content has.
    pub(crate) fn digest(&self) -> Digest {
        match &self.fill {
            Fill::Bytes(bytes) => Digest::of(bytes),
            Fill::Blob(blob) => blob.digest,
        }
    }
}

/// The lock's blobs and our own artifact manifests, each once, by kind and digest.
fn all_blobs(lock: &Lock) -> Vec<LockedBlob> {
    let mut blobs = lock.blobs.clone();
    let mut have: HashSet<Digest> = blobs.iter().map(|blob| blob.digest).collect();
    let mut add = |bytes: &[u8], media_type: &str, kind| {
        let digest = Digest::of(bytes);
        if have.insert(digest) {
            let source = Source::Inline { base64: STANDARD.encode(bytes) };
            let (size, media_type) = (bytes.len() as u64, media_type.to_owned());
            blobs.push(LockedBlob { digest, size, media_type, kind, platform: None, source });
        }
    };
    for item in &lock.items {
        if let Some(bytes) = artifact_manifest(item) {
            add(&bytes, oci::MANIFEST, BlobKind::Manifest);
            add(EMPTY_CONFIG, oci::EMPTY, BlobKind::Config);
        }
    }
    blobs.sort_by_key(|blob| (blob.kind, blob.digest));
    blobs
}

/// Inline content is checked at once: it is the lock that would be wrong.
fn decode(lock: &Lock, blob: &LockedBlob, base64: &str) -> Result<Vec<u8>, LockError> {
    let invalid = |reason| LockError::Invalid { name: lock.name.clone(), reason };
    let bytes =
        STANDARD.decode(base64).map_err(|error| invalid(format!("inline blob {}: {error}", blob.digest)))?;
    if Digest::of(&bytes) == blob.digest && bytes.len() as u64 == blob.size {
        Ok(bytes)
    } else {
        Err(invalid(format!("inline blob {} holds other content than its digest says", blob.digest)))
    }
}

/// Bytes that packing this lock reports to its meter, for a progress bar's end.
pub fn pack_size(lock: &Lock) -> Result<u64, LockError> {
    Layout::of(lock).map(|layout| layout.content_size())
}
