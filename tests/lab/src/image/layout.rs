//! Writes OCI image layouts (image-spec v1.1: `oci-layout`, `index.json`, `blobs/sha256/`).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::hash::sha256;
use super::layer::Layer;
use crate::factory::tree;

/// Media types of image-spec v1.1.
pub mod media {
    /// An index of manifests.
    pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// One platform's image.
    pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// An image's configuration.
    pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    /// A compressed layer.
    pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
    /// An attestation statement (in-toto).
    pub const IN_TOTO: &str = "application/vnd.in-toto+json";
}

/// A layout being written.
pub struct Layout {
    folder: PathBuf,
}

impl Layout {
    /// Starts a layout in a folder.
    pub fn create(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder.join("blobs/sha256"))
            .with_context(|| format!("creating the layout {}", folder.display()))?;
        fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
        Ok(Self { folder: folder.to_path_buf() })
    }

    /// Writes a document as a blob and gives its descriptor.
    pub fn document(&self, media_type: &str, document: &Value) -> Result<Value> {
        let bytes = serde_json::to_vec(document)?;
        let digest = sha256(&bytes);
        fs::write(self.blob(&digest), &bytes).with_context(|| format!("writing the blob {digest}"))?;
        Ok(descriptor(media_type, &digest, bytes.len() as u64))
    }

    /// Puts a layer's file in as a blob and gives its descriptor.
    pub fn layer(&self, layer: &Layer, file: &Path) -> Result<Value> {
        let blob = self.blob(&layer.digest);
        if !blob.exists() {
            tree::link(file, &blob)?;
        }
        Ok(descriptor(media::LAYER, &layer.digest, layer.size))
    }

    /// Ends the layout: its one entry carries the tag.
    pub fn finish(self, mut root: Value, tag: &str) -> Result<()> {
        root["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
        let index = json!({ "schemaVersion": 2, "mediaType": media::INDEX, "manifests": [root] });
        fs::write(self.folder.join("index.json"), serde_json::to_vec(&index)?).context("writing index.json")
    }

    fn blob(&self, digest: &str) -> PathBuf {
        self.folder.join("blobs/sha256").join(digest)
    }
}

/// A content descriptor.
pub fn descriptor(media_type: &str, digest: &str, size: u64) -> Value {
    json!({ "mediaType": media_type, "digest": format!("sha256:{digest}"), "size": size })
}
