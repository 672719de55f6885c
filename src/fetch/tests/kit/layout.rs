//! Writes small OCI image layouts, as upstreams ship images: two platforms and an attestation, or one bare manifest.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::digest;

pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// A layout under construction.
pub(crate) struct Layout(PathBuf);

impl Layout {
    pub(crate) fn new(dir: &Path) -> Self {
        fs::create_dir_all(dir.join("blobs/sha256")).expect("creates");
        fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("writes");
        Self(dir.to_owned())
    }

    /// Writes a blob and describes it.
    pub(crate) fn blob(&self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = digest(bytes);
        fs::write(self.0.join("blobs/sha256").join(&digest[7..]), bytes).expect("writes");
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    /// A one-layer image for an architecture; `content` makes it differ from others.
    pub(crate) fn image(&self, architecture: &str, content: &[u8]) -> Value {
        let layer = tar_gz(content);
        let plain = tar(content);
        let config = json!({
            "os": "linux", "architecture": architecture, "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest(&plain)]},
        });
        self.manifest(&self.blob(CONFIG, config.to_string().as_bytes()), &[self.blob(LAYER, &layer)])
    }

    pub(crate) fn manifest(&self, config: &Value, layers: &[Value]) -> Value {
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
        self.blob(MANIFEST, manifest.to_string().as_bytes())
    }

    /// amd64, arm64 and an attestation about each, as `BuildKit` writes them.
    pub(crate) fn index(&self, content: &[u8]) -> Value {
        let mut entries = Vec::new();
        let mut attestations = Vec::new();
        for architecture in ["amd64", "arm64"] {
            let mut image = self.image(architecture, &[architecture.as_bytes(), content].concat());
            image["platform"] = json!({"os": "linux", "architecture": architecture});
            let about = json!({"_type": "https://in-toto.io/Statement/v0.1", "about": image["digest"]});
            let layer = self.blob("application/vnd.in-toto+json", about.to_string().as_bytes());
            let config = json!({"architecture": "unknown", "os": "unknown", "about": image["digest"]});
            let mut attestation = self.manifest(&self.blob(CONFIG, config.to_string().as_bytes()), &[layer]);
            attestation["platform"] = json!({"os": "unknown", "architecture": "unknown"});
            attestation["annotations"] = json!({
                "vnd.docker.reference.digest": image["digest"],
                "vnd.docker.reference.type": "attestation-manifest",
            });
            entries.push(image);
            attestations.push(attestation);
        }
        entries.extend(attestations);
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries});
        self.blob(INDEX, index.to_string().as_bytes())
    }

    /// Names one document `tag`.
    pub(crate) fn close(&self, tag: &str, document: &Value) {
        let mut document = document.clone();
        document["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
        let index = json!({"schemaVersion": 2, "manifests": [document]});
        fs::write(self.0.join("index.json"), index.to_string()).expect("writes");
    }
}

/// A tar with one file.
fn tar(content: &[u8]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, "content", content).expect("appends");
    builder.into_inner().expect("ends")
}

fn tar_gz(content: &[u8]) -> Vec<u8> {
    gz(&tar(content))
}

/// Compresses.
pub(crate) fn gz(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).expect("writes");
    out.finish().expect("ends")
}
