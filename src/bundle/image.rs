//! Which blobs an image needs on one platform.

use sealift_stream::Digest;

use crate::oci::{Descriptor, ImageManifest, Index};
use crate::verified::Verified;
use crate::{BlobEntry, Bundle, BundleError, Item, ItemKind, Platform, Refusal};

/// Index and manifest documents: registries refuse larger ones too (distribution specification, 4 MiB).
const DOCUMENT_LIMIT: u64 = 4 << 20;

impl Bundle<Verified> {
    /// The blobs of an image for one platform, in the order a store wants them: layers and configuration
    /// first, then the manifest, then the index. All of them are in the bundle.
    pub fn image_blobs(&self, item: &Item, platform: &Platform) -> Result<Vec<&BlobEntry>, BundleError> {
        let bad = |reason: String| Refusal::Image { image: item.name.clone(), reason };
        if item.kind != ItemKind::Image {
            return Err(bad(format!("it is a {}", item.kind.as_str())).into());
        }
        let (index, manifest) = match self.document(item, &item.digest)? {
            Document::Index(index) => {
                let chosen = choose(&index, platform)
                    .ok_or_else(|| bad(format!("its index has nothing for {platform}")))?;
                match self.document(item, &chosen.digest)? {
                    Document::Manifest(manifest) => (Some(item.digest), (chosen.digest, manifest)),
                    Document::Index(_) => return Err(bad("its index holds another index".into()).into()),
                }
            }
            Document::Manifest(manifest) => (None, (item.digest, manifest)),
        };
        let (digest, manifest) = manifest;
        let layers = manifest.layers.iter().map(|layer| layer.digest);
        let needed = layers.chain([manifest.config.digest, digest]).chain(index);
        let mut blobs: Vec<&BlobEntry> = Vec::new();
        for digest in needed {
            let blob =
                self.entry(&digest).ok_or_else(|| bad(format!("blob {digest} is not in the bundle")))?;
            // An image may have the same layer twice.
            if !blobs.iter().any(|have| have.digest == digest) {
                blobs.push(blob);
            }
        }
        Ok(blobs)
    }

    fn document(&self, item: &Item, digest: &Digest) -> Result<Document, BundleError> {
        let bytes = self.read_small(digest, DOCUMENT_LIMIT)?;
        let reason = |reason: String| Refusal::Image { image: item.name.clone(), reason };
        Ok(Document::parse(&bytes).map_err(|text| reason(format!("blob {digest}: {text}")))?)
    }
}

enum Document {
    Index(Index),
    Manifest(Box<ImageManifest>),
}

impl Document {
    /// Told apart by content: a document that is both is refused (CVE-2021-41190).
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let value: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        match (value.get("manifests").is_some(), value.get("layers").is_some()) {
            (true, false) => serde_json::from_value(value).map(Self::Index),
            (false, true) => serde_json::from_value(value).map(|manifest| Self::Manifest(Box::new(manifest))),
            _ => return Err("it is neither an index nor a manifest, or both".into()),
        }
        .map_err(|error| error.to_string())
    }
}

/// The first entry for the platform. Attestations stand there as `unknown/unknown`.
fn choose<'a>(index: &'a Index, platform: &Platform) -> Option<&'a Descriptor> {
    index.manifests.iter().find(|entry| entry.platform.as_ref().is_some_and(|have| have.serves(platform)))
}
