//! A bundle whose signature was checked: what can be asked of it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealift_stream::Digest;

use crate::chunk::ChunkList;
use crate::content::Content;
use crate::files::{self, CHUNKS, MANIFEST, SIGNATURE, SIGNATURES};
use crate::volume::{self, Volumes};
use crate::{
    BlobEntry, BlobReader, Bundle, BundleError, Item, ItemKind, KeyId, Manifest, Refusal, VolumeProblem,
};

/// Checked: signature, manifest, chunk list, and that the listed volumes are there. Content is checked
/// chunk by chunk as it is read, always in memory, before a byte of it is given out.
#[derive(Debug)]
pub struct Verified {
    pub(crate) manifest: Manifest,
    pub(crate) content: Arc<Content>,
    by_digest: HashMap<Digest, usize>,
    signer: KeyId,
    comment: String,
    foreign: Vec<String>,
    /// Of the file itself: what the signature is over.
    pub(crate) digest: Option<Digest>,
}

impl Verified {
    pub(crate) fn open(
        dir: &Path,
        manifest: Manifest,
        signer: KeyId,
        comment: String,
    ) -> Result<Self, BundleError> {
        let chunks = read_chunk_list(dir, &manifest)?;
        let (volumes, foreign) = open_volumes(dir, &manifest)?;
        let by_digest = manifest.blobs.iter().enumerate().map(|(at, blob)| (blob.digest, at)).collect();
        let content = Arc::new(Content::new(dir.to_owned(), volumes, chunks));
        Ok(Self { manifest, content, by_digest, signer, comment, foreign, digest: None })
    }

    pub(crate) fn signer(&self) -> KeyId {
        self.signer
    }

    fn entry(&self, digest: &Digest) -> Option<&BlobEntry> {
        Some(&self.manifest.blobs[*self.by_digest.get(digest)?])
    }

    pub(crate) fn blob_from(&self, digest: &Digest, offset: u64) -> Result<BlobReader, BundleError> {
        let entry = self.entry(digest).ok_or_else(|| Refusal::Absent { what: format!("blob {digest}") })?;
        Ok(BlobReader::new(Arc::clone(&self.content), entry, offset))
    }
}

impl Bundle<Verified> {
    /// A bundle this process has just written and will sign: nobody else vouches for it yet.
    pub(crate) fn of_ours(dir: PathBuf, manifest: Manifest) -> Result<Self, BundleError> {
        let state = Verified::open(&dir, manifest, KeyId::from_bytes([0; 8]), String::new())?;
        Ok(Self { dir, state })
    }

    /// The signed list.
    pub fn manifest(&self) -> &Manifest {
        &self.state.manifest
    }

    /// SHA-256 of `manifest.json` as it was signed: the bundle's identity. None of one that we are just packing.
    pub fn manifest_digest(&self) -> Option<Digest> {
        self.state.digest
    }

    /// Who signed it, of those we trust.
    pub fn signer(&self) -> KeyId {
        self.state.signer
    }

    /// The signature's trusted comment.
    pub fn trusted_comment(&self) -> &str {
        &self.state.comment
    }

    /// Files beside the bundle's own, e.g. `System Volume Information`: named, and never touched.
    pub fn foreign(&self) -> &[String] {
        &self.state.foreign
    }

    /// The item of this kind and name.
    pub fn item(&self, kind: ItemKind, name: &str) -> Option<&Item> {
        self.state.manifest.item(kind, name)
    }

    /// The entry of a blob, if it is in the bundle.
    pub fn entry(&self, digest: &Digest) -> Option<&BlobEntry> {
        self.state.entry(digest)
    }

    /// A blob's content. Its end is an error unless the whole has its digest.
    pub fn blob(&self, digest: &Digest) -> Result<BlobReader, BundleError> {
        self.blob_from(digest, 0)
    }

    /// A blob's content from `offset` on, to go on with a transfer that was cut. Chunks are checked all
    /// the same; whoever has the first part checks the digest of the whole.
    pub fn blob_from(&self, digest: &Digest, offset: u64) -> Result<BlobReader, BundleError> {
        self.state.blob_from(digest, offset)
    }

    /// The whole content of a small blob; one above `limit` bytes is refused.
    pub fn read_small(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, BundleError> {
        let mut reader = self.blob(digest)?;
        if reader.remaining() > limit {
            let reason = format!("blob {digest} has {} bytes, more than {limit}", reader.remaining());
            return Err(Refusal::Manifest { path: self.dir.join(MANIFEST), reason }.into());
        }
        let mut bytes = Vec::new();
        match reader.read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(error.downcast().unwrap_or_else(|source| BundleError::Io {
                doing: "reading",
                path: self.dir.clone(),
                source,
            })),
        }
    }
}

fn read_chunk_list(dir: &Path, manifest: &Manifest) -> Result<ChunkList, BundleError> {
    let path = dir.join(CHUNKS);
    let refused = |reason: String| Refusal::ChunkList { path: path.clone(), reason };
    let size = manifest.chunks.count.saturating_mul(32);
    let seen = fs::metadata(&path).map_err(|source| missing(&path, source))?.len();
    if seen != size {
        return Err(refused(format!("it has {seen} bytes instead of {size}")).into());
    }
    let bytes = files::read_limited(&path, size)?;
    if Digest::of(&bytes) != manifest.chunks.digest {
        return Err(refused("it is not the signed one".into()).into());
    }
    Ok(ChunkList::from_bytes(&bytes).ok_or_else(|| refused("it is no list of digests".into()))?)
}

/// A file that belongs to the bundle and is not there is damage, not a failure to look.
fn missing(path: &Path, source: io::Error) -> BundleError {
    if source.kind() == io::ErrorKind::NotFound {
        return Refusal::ChunkList { path: path.to_owned(), reason: "it is missing".into() }.into();
    }
    BundleError::reading(path)(source)
}

/// Opens every listed volume and names every other file; finds all that is wrong, then refuses once.
fn open_volumes(dir: &Path, manifest: &Manifest) -> Result<(Volumes, Vec<String>), BundleError> {
    let (mut files, mut problems, mut foreign) = (Vec::new(), Vec::new(), Vec::new());
    for listed in &manifest.volumes {
        let path = dir.join(&listed.name);
        let volume = listed.name.clone();
        if path.exists() {
            files::regular(&path)?;
        }
        match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                problems.push(VolumeProblem::Missing { volume });
            }
            opened => {
                let file = opened.map_err(BundleError::reading(&path))?;
                let seen = file.metadata().map_err(BundleError::reading(&path))?.len();
                if seen != listed.size {
                    problems.push(VolumeProblem::Size { volume, expected: listed.size, seen });
                }
                files.push(file);
            }
        }
    }
    for entry in fs::read_dir(dir).map_err(BundleError::reading(dir))? {
        let name = entry.map_err(BundleError::reading(dir))?.file_name().to_string_lossy().into_owned();
        let own = [MANIFEST, SIGNATURE, SIGNATURES, CHUNKS].contains(&name.as_str());
        if own || manifest.volumes.iter().any(|volume| volume.name == name) {
            continue;
        }
        if volume::is_volume_name(&name) {
            problems.push(VolumeProblem::Unlisted { volume: name });
        } else {
            foreign.push(name);
        }
    }
    foreign.sort();
    if problems.is_empty() {
        Ok((Volumes::new(files, manifest.volume_size(), manifest.stream_size), foreign))
    } else {
        Err(Refusal::Volumes { dir: dir.to_owned(), problems }.into())
    }
}
