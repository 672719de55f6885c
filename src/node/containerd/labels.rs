//! Labels: what containerd's garbage collection follows, and what its CRI plugin goes by.

use std::collections::HashMap;

use containerd_client::services::v1::{Info, UpdateRequest};
use prost_types::FieldMask;
use sealift_stream::Digest;
use tonic::Status;

use super::client::{Containerd, plain};

/// What kubelet's runtime lists, and its garbage collection leaves alone.
pub(super) fn image_labels() -> HashMap<String, String> {
    HashMap::from([
        ("io.cri-containerd.image".to_owned(), "managed".to_owned()),
        (PINNED.to_owned(), "pinned".to_owned()),
    ])
}

pub(super) const PINNED: &str = "io.cri-containerd.pinned";

/// From an index or manifest to what it consists of (containerd, docs/garbage-collection.md).
pub(super) fn content_ref(part: &str) -> String {
    format!("containerd.io/gc.ref.content.{part}")
}

/// From a configuration to the uppermost snapshot.
pub(super) const SNAPSHOT_REF: &str = "containerd.io/gc.ref.snapshot.overlayfs";

/// Adds labels to a blob and leaves its others.
pub(super) async fn add(
    containerd: &Containerd,
    digest: Digest,
    labels: HashMap<String, String>,
) -> Result<(), Status> {
    let paths = labels.keys().map(|key| format!("labels.{key}")).collect();
    let info = Info { digest: digest.to_string(), labels, ..Info::default() };
    let request = UpdateRequest { info: Some(info), update_mask: Some(FieldMask { paths }) };
    containerd.content().update(plain(request)).await.map(|_| ())
}
