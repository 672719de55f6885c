//! What makes the unpacked stream an OCI image layout: `index.json`, and a small OCI artifact manifest
//! around every chart and file. All of it is a pure function of the lock's items.

use std::collections::BTreeMap;

use sealift_stream::Digest;

use crate::oci::{Descriptor, ImageManifest, Index};
use crate::oci::{DescriptorPlatform, EMPTY, INDEX, MANIFEST};
use crate::{Item, ItemKind};

/// The empty configuration of an artifact (OCI image specification 1.1, "Guidance for an Empty Descriptor").
pub(crate) const EMPTY_CONFIG: &[u8] = b"{}";

const REF_NAME: &str = "org.opencontainers.image.ref.name";
const TITLE: &str = "org.opencontainers.image.title";

/// The artifact manifest around a chart or file; images have their own.
pub(crate) fn artifact_manifest(item: &Item) -> Option<Vec<u8>> {
    let artifact_type = match item.kind {
        ItemKind::Image => return None,
        ItemKind::Chart => "application/vnd.sealift.chart.v1",
        ItemKind::File => "application/vnd.sealift.file.v1",
        ItemKind::Package => "application/vnd.sealift.package.v1",
    };
    let mut layer = content_descriptor(item);
    layer.annotations = BTreeMap::from([(TITLE.to_owned(), title(item))]);
    Some(json(&ImageManifest {
        schema_version: 2,
        media_type: MANIFEST.to_owned(),
        artifact_type: Some(artifact_type.to_owned()),
        config: Descriptor {
            media_type: EMPTY.to_owned(),
            digest: Digest::of(EMPTY_CONFIG),
            size: EMPTY_CONFIG.len() as u64,
            platform: None,
            annotations: BTreeMap::new(),
        },
        layers: vec![layer],
        annotations: labels(item),
    }))
}

/// The layout's `index.json`: every item under its upstream name.
pub(crate) fn index_json(items: &[Item]) -> Vec<u8> {
    let manifests = items
        .iter()
        .map(|item| {
            let mut descriptor = content_descriptor(item);
            if let Some(bytes) = artifact_manifest(item) {
                MANIFEST.clone_into(&mut descriptor.media_type);
                descriptor.digest = Digest::of(&bytes);
                descriptor.size = bytes.len() as u64;
            }
            descriptor.annotations = labels(item);
            descriptor
        })
        .collect();
    json(&Index { schema_version: 2, media_type: INDEX.to_owned(), manifests })
}

fn content_descriptor(item: &Item) -> Descriptor {
    Descriptor {
        media_type: item.media_type.clone(),
        digest: item.digest,
        size: item.size,
        platform: item.platform.as_ref().map(|platform| DescriptorPlatform {
            os: platform.os().to_owned(),
            architecture: platform.architecture().to_owned(),
            variant: platform.variant().map(str::to_owned),
        }),
        annotations: BTreeMap::new(),
    }
}

/// Names by which skopeo (`ref.name`), containerd and sealift find an item.
fn labels(item: &Item) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from([("dev.sealift.kind".to_owned(), item.kind.as_str().to_owned())]);
    labels.insert("dev.sealift.name".to_owned(), item.name.clone());
    match item.kind {
        ItemKind::Image => {
            labels.insert(REF_NAME.to_owned(), item.name.clone());
            labels.insert("io.containerd.image.name".to_owned(), item.name.clone());
        }
        ItemKind::Chart | ItemKind::File | ItemKind::Package => {
            // a tag has fewer characters than a package's version
            let tag = item.version.replace([':', '~', '+'], "_");
            labels.insert(REF_NAME.to_owned(), format!("{}/{}:{tag}", item.kind.as_str(), item.name));
        }
    }
    labels
}

/// The file name that `oras pull` gives the content.
fn title(item: &Item) -> String {
    match item.kind {
        ItemKind::Chart => format!("{}-{}.tgz", item.name, item.version),
        ItemKind::Image | ItemKind::File => item.name.clone(),
        ItemKind::Package => format!("{}.deb", item.name),
    }
}

/// Compact JSON.
#[expect(clippy::expect_used, reason = "string keys and whole numbers always serialize")]
fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain data serializes")
}
