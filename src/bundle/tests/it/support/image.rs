//! Small images with everything a registry would give: configuration, layers, manifest, and for every
//! second one an index that also names a platform we do not pack, and an attestation that we do.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_bundle::{BlobKind, Item, ItemKind, Lock, LockedBlob, Source};
use sealift_stream::Digest;
use serde_json::{Value, json};

use super::generated::Content;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// Adds an image of `layers` small layers; the name of the image.
pub(crate) fn add_image(lock: &mut Lock, number: u64, layers: u64) -> String {
    let contents: Vec<Content> = (0..layers)
        .map(|layer| Content {
            seed: number * 1000 + layer,
            size: 100 + (number * 37 + layer * 911) % 20_000,
            sparse: false,
        })
        .collect();
    let digests: Vec<Digest> = contents.iter().map(|content| content.digest()).collect();
    for (content, digest) in contents.iter().zip(&digests) {
        let source = Source::Url { url: content.url() };
        push(lock, *digest, content.size, LAYER, BlobKind::Layer, source);
    }
    let config = json!({"os": "linux", "architecture": "amd64", "config": {},
        "rootfs": {"type": "layers", "diff_ids": digests}});
    let config = inline(lock, &config, CONFIG, BlobKind::Config);
    let layers: Vec<Value> = contents
        .iter()
        .zip(&digests)
        .map(|(content, digest)| json!({"mediaType": LAYER, "digest": digest, "size": content.size}))
        .collect();
    let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
    let mut top = inline(lock, &manifest, MANIFEST, BlobKind::Manifest);
    if number % 2 == 1 {
        top["platform"] = json!({"os": "linux", "architecture": "amd64"});
        let absent = json!({"mediaType": MANIFEST, "digest": Digest::of(b"not packed"), "size": 10,
            "platform": {"os": "linux", "architecture": "s390x"}});
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [absent, top]});
        top = inline(lock, &index, INDEX, BlobKind::Manifest);
    }
    let name = format!("registry.example.org/team-{}/app:1.{number}", number % 7);
    lock.items.push(Item {
        kind: ItemKind::Image,
        name: name.clone(),
        version: format!("1.{number}"),
        digest: top["digest"].as_str().and_then(|text| text.parse().ok()).expect("has a digest"),
        media_type: top["mediaType"].as_str().unwrap_or_default().into(),
        size: top["size"].as_u64().unwrap_or_default(),
        platform: None,
        chart: None,
        package: None,
    });
    name
}

/// Adds a document to the lock; its descriptor.
fn inline(lock: &mut Lock, document: &Value, media_type: &str, kind: BlobKind) -> Value {
    let bytes = serde_json::to_vec(document).expect("serializes");
    let (digest, size) = (Digest::of(&bytes), bytes.len() as u64);
    push(lock, digest, size, media_type, kind, Source::Inline { base64: STANDARD.encode(&bytes) });
    json!({"mediaType": media_type, "digest": digest, "size": size})
}

fn push(lock: &mut Lock, digest: Digest, size: u64, media_type: &str, kind: BlobKind, source: Source) {
    lock.blobs.push(LockedBlob { digest, size, media_type: media_type.into(), kind, platform: None, source });
}
