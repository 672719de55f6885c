//! Puts an image together: configuration, manifests, index, attestations.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::layer::{self, Layer, Node};
use super::layout::{Layout, media};
use super::spec::{Image, Shape};

/// The time that images say they were created.
const CREATED: &str = "2026-01-01T00:00:00Z";

/// A layer and the file it is in.
pub type LayerFile = (Layer, PathBuf);

/// Writes the image's layout into `folder`. `layers` are the real platform's, lowest first.
pub fn compose(folder: &Path, image: &Image, layers: &[LayerFile]) -> Result<()> {
    let layout = Layout::create(folder)?;
    let tag = image.tag()?;
    let mut amd64 = manifest(&layout, image, "amd64", layers)?;
    let root = match image.shape {
        Shape::Single => amd64,
        Shape::Index => {
            let placeholder = placeholder(folder, image)?;
            let mut arm64 = manifest(&layout, image, "arm64", &[placeholder])?;
            let proofs = [attestation(&layout, &amd64, image)?, attestation(&layout, &arm64, image)?];
            amd64["platform"] = json!({ "architecture": "amd64", "os": "linux" });
            arm64["platform"] = json!({ "architecture": "arm64", "os": "linux", "variant": "v8" });
            let [first, second] = proofs;
            let manifests = [amd64, arm64, first, second];
            let index = json!({ "schemaVersion": 2, "mediaType": media::INDEX, "manifests": manifests });
            layout.document(media::INDEX, &index)?
        }
    };
    layout.finish(root, tag)
}

fn manifest(layout: &Layout, image: &Image, architecture: &str, layers: &[LayerFile]) -> Result<Value> {
    let ids: Vec<String> = layers.iter().map(|(l, _)| format!("sha256:{}", l.diff_id)).collect();
    let history: Vec<Value> =
        ids.iter().map(|_| json!({ "created": CREATED, "created_by": "sealift lab" })).collect();
    let config = json!({
        "created": CREATED,
        "architecture": architecture,
        "os": "linux",
        "config": image.runtime(),
        "rootfs": { "type": "layers", "diff_ids": ids },
        "history": history,
    });
    let config = layout.document(media::CONFIG, &config)?;
    let layers: Vec<Value> = layers.iter().map(|(l, f)| layout.layer(l, f)).collect::<Result<_>>()?;
    let manifest =
        json!({ "schemaVersion": 2, "mediaType": media::MANIFEST, "config": config, "layers": layers });
    layout.document(media::MANIFEST, &manifest)
}

/// The other platform's only layer: enough to be pulled, too little to run.
fn placeholder(folder: &Path, image: &Image) -> Result<LayerFile> {
    let words = format!("{} for linux/arm64 would be here.\n", image.reference);
    let nodes = BTreeMap::from([("PLACEHOLDER".to_owned(), Node::Text(words.into_bytes(), 0o644))]);
    let file = folder.join(".placeholder");
    let layer = layer::write(&file, &nodes)?;
    let blob = folder.join("blobs/sha256").join(&layer.digest);
    std::fs::rename(&file, &blob).context("keeping the placeholder layer")?;
    Ok((layer, blob))
}

/// An attestation as buildx attaches it: a manifest of platform unknown/unknown that names the image it is about.
fn attestation(layout: &Layout, about: &Value, image: &Image) -> Result<Value> {
    let digest = about["digest"].as_str().context("reading a manifest's digest")?;
    let predicate = "https://slsa.dev/provenance/v0.2";
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": predicate,
        "subject": [{ "name": image.reference, "digest": { "sha256": digest.trim_start_matches("sha256:") } }],
        "predicate": { "builder": { "id": "" }, "buildType": "https://mobyproject.org/buildkit@v1" },
    });
    let mut layer = layout.document(media::IN_TOTO, &statement)?;
    layer["annotations"] = json!({ "in-toto.io/predicate-type": predicate });
    let ids = [layer["digest"].clone()];
    let config = json!({
        "architecture": "unknown", "os": "unknown", "config": {},
        "rootfs": { "type": "layers", "diff_ids": ids },
    });
    let config = layout.document(media::CONFIG, &config)?;
    let manifest =
        json!({ "schemaVersion": 2, "mediaType": media::MANIFEST, "config": config, "layers": [layer] });
    let mut descriptor = layout.document(media::MANIFEST, &manifest)?;
    descriptor["annotations"] = json!({
        "vnd.docker.reference.digest": digest,
        "vnd.docker.reference.type": "attestation-manifest",
    });
    descriptor["platform"] = json!({ "architecture": "unknown", "os": "unknown" });
    Ok(descriptor)
}
