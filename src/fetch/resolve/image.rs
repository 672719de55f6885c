//! An image: its index as upstream has it, and of it what the recipe's platforms need.

use std::collections::BTreeMap;

use oci_distribution::manifest::{ImageIndexEntry, OciImageIndex, OciImageManifest};
use sealift_bundle::{BlobKind, Item, ItemKind, LockedBlob, Platform, Source};
use sealift_stream::Digest;
use serde::Deserialize;

use super::Resolved;
use super::document::{self, Content, Document, descriptor, refuse_foreign};
use crate::http::small;
use crate::registry::Collection;
use crate::retry::Budget;
use crate::{FetchError, Fetcher, ImageName};

/// By which `BuildKit` says whose attestation an index entry is.
const SUBJECT: &str = "vnd.docker.reference.digest";

/// No image's configuration is longer.
const CONFIG_LIMIT: u64 = 4 << 20;

/// Everything one image is resolved with.
struct Work<'a> {
    fetcher: &'a Fetcher,
    name: &'a ImageName,
    budget: Budget,
    blobs: Vec<LockedBlob>,
}

/// Resolves an image for all the recipe's platforms.
pub(super) async fn resolve(
    fetcher: &Fetcher,
    name: &ImageName,
    pin: Option<Digest>,
    platforms: &[Platform],
) -> Result<Resolved, FetchError> {
    let mut work = Work { fetcher, name, budget: fetcher.budget(), blobs: Vec::new() };
    let reference = pin.map_or_else(|| name.tag().to_owned(), |digest| digest.to_string());
    let top = work.document(&reference).await?;
    match &top.content {
        Content::Index(index) => {
            work.keep(BlobKind::Manifest, top.digest, top.size, &top.media_type, None);
            work.index(index, platforms).await?;
        }
        Content::Image(manifest) => {
            let platform = work.only_platform(manifest, platforms).await?;
            work.keep(BlobKind::Manifest, top.digest, top.size, &top.media_type, Some(&platform));
            work.content(manifest, Some(&platform))?;
        }
    }
    let item = Item {
        kind: ItemKind::Image,
        name: name.to_string(),
        version: name.tag().to_owned(),
        digest: top.digest,
        media_type: top.media_type,
        size: top.size,
        platform: None,
        chart: None,
        package: None,
    };
    Ok(Resolved { item, blobs: work.blobs })
}

impl Work<'_> {
    /// The chosen platforms' manifests, and the attestations about them.
    async fn index(&mut self, index: &OciImageIndex, platforms: &[Platform]) -> Result<(), FetchError> {
        let mut chosen: BTreeMap<&str, &Platform> = BTreeMap::new();
        for platform in platforms {
            let entry = index.manifests.iter().find(|entry| serves(entry, platform)).ok_or_else(|| {
                let there: Vec<String> = index.manifests.iter().filter_map(shown).collect();
                self.bad(format!("it has no {platform}, only {}", there.join(", ")))
            })?;
            self.entry(entry, platform, true).await?;
            chosen.insert(&entry.digest, platform);
        }
        for entry in &index.manifests {
            let subject = entry.annotations.as_ref().and_then(|labels| labels.get(SUBJECT));
            if let Some(platform) = subject.and_then(|digest| chosen.get(digest.as_str())) {
                self.entry(entry, platform, false).await?;
            }
        }
        Ok(())
    }

    /// One manifest of an index.
    async fn entry(
        &mut self,
        entry: &ImageIndexEntry,
        platform: &Platform,
        image: bool,
    ) -> Result<(), FetchError> {
        let (digest, size) = descriptor(&entry.digest, entry.size).map_err(|reason| self.bad(reason))?;
        let document = self.document(&digest.to_string()).await?;
        if document.size != size {
            return Err(FetchError::Size {
                what: format!("{} of {}", digest, self.name),
                expected: size,
                seen: document.size,
            });
        }
        if document.media_type != entry.media_type {
            let text = format!("{digest} is {}, its index says {}", document.media_type, entry.media_type);
            return Err(self.bad(text));
        }
        let Content::Image(manifest) = &document.content else {
            return Err(self.bad(format!("its index holds another index, {digest}")));
        };
        self.keep(BlobKind::Manifest, digest, size, &document.media_type, Some(platform));
        if image {
            self.layer_types(manifest)?;
        }
        self.content(manifest, Some(platform))
    }

    /// Configuration and layers.
    fn content(
        &mut self,
        manifest: &OciImageManifest,
        platform: Option<&Platform>,
    ) -> Result<(), FetchError> {
        let config = &manifest.config;
        let (digest, size) = descriptor(&config.digest, config.size).map_err(|reason| self.bad(reason))?;
        self.keep(BlobKind::Config, digest, size, &config.media_type, platform);
        for layer in &manifest.layers {
            refuse_foreign(layer).map_err(|reason| self.bad(reason))?;
            let (digest, size) = descriptor(&layer.digest, layer.size).map_err(|reason| self.bad(reason))?;
            self.keep(BlobKind::Layer, digest, size, &layer.media_type, platform);
        }
        Ok(())
    }

    /// An image that containerd could not unpack is found here, not at the site.
    fn layer_types(&self, manifest: &OciImageManifest) -> Result<(), FetchError> {
        for layer in &manifest.layers {
            refuse_foreign(layer).map_err(|reason| self.bad(reason))?;
            let known = layer.media_type.starts_with("application/vnd.oci.image.layer.v1.tar")
                || layer.media_type.starts_with("application/vnd.docker.image.rootfs.diff.tar");
            if !known {
                return Err(
                    self.bad(format!("layer {} is {}, not an image's layer", layer.digest, layer.media_type))
                );
            }
        }
        Ok(())
    }

    /// An image without an index is for the one platform its configuration names.
    async fn only_platform(
        &mut self,
        manifest: &OciImageManifest,
        wanted: &[Platform],
    ) -> Result<Platform, FetchError> {
        #[derive(Deserialize)]
        struct Config {
            os: String,
            architecture: String,
        }
        self.layer_types(manifest)?;
        let (digest, size) =
            descriptor(&manifest.config.digest, manifest.config.size).map_err(|reason| self.bad(reason))?;
        let bytes = self.config(digest, size).await?;
        let config: Config = serde_json::from_slice(&bytes)
            .map_err(|error| self.bad(format!("its configuration {digest} cannot be read: {error}")))?;
        let [platform] = wanted else {
            return Err(self.bad("it has one platform only, the recipe wants more".into()));
        };
        if (platform.os(), platform.architecture()) != (config.os.as_str(), config.architecture.as_str()) {
            let text =
                format!("it is for {}/{} only, the recipe wants {platform}", config.os, config.architecture);
            return Err(self.bad(text));
        }
        Ok(platform.clone())
    }

    async fn config(&mut self, digest: Digest, size: u64) -> Result<Vec<u8>, FetchError> {
        let (fetcher, repository) = (self.fetcher, self.name.full_repository());
        let text = digest.to_string();
        let url = fetcher.registries.url(&repository, Collection::Blobs, &text);
        let bytes = self
            .budget
            .run(|| async {
                let response = fetcher.registries.get(&repository, Collection::Blobs, &text, 0).await?;
                small(&url, response, CONFIG_LIMIT).await
            })
            .await?;
        if bytes.len() as u64 != size {
            return Err(FetchError::Size { what: url, expected: size, seen: bytes.len() as u64 });
        }
        let seen = Digest::of(&bytes);
        if seen != digest {
            return Err(FetchError::Digest { what: url, expected: digest, seen });
        }
        fetcher.remember(digest, &bytes);
        Ok(bytes)
    }

    async fn document(&mut self, reference: &str) -> Result<Document, FetchError> {
        document::fetch(self.fetcher, &mut self.budget, &self.name.full_repository(), reference).await
    }

    fn keep(
        &mut self,
        kind: BlobKind,
        digest: Digest,
        size: u64,
        media_type: &str,
        platform: Option<&Platform>,
    ) {
        let source = Source::Registry { repository: self.name.full_repository() };
        let platform = platform.cloned();
        self.blobs.push(LockedBlob {
            digest,
            size,
            media_type: media_type.to_owned(),
            kind,
            platform,
            source,
        });
    }

    fn bad(&self, reason: String) -> FetchError {
        FetchError::Image { image: self.name.to_string(), reason }
    }
}

/// Whether an index entry runs where `wanted` is asked for; a variant counts only when asked for.
fn serves(entry: &ImageIndexEntry, wanted: &Platform) -> bool {
    entry.platform.as_ref().is_some_and(|platform| {
        platform.os.to_string() == wanted.os()
            && platform.architecture.to_string() == wanted.architecture()
            && wanted.variant().is_none_or(|variant| platform.variant.as_deref() == Some(variant))
    })
}

/// An entry's platform for people; attestations have none.
fn shown(entry: &ImageIndexEntry) -> Option<String> {
    let platform = entry.platform.as_ref()?;
    let text = format!("{}/{}", platform.os, platform.architecture);
    (text != "unknown/unknown").then_some(text)
}
