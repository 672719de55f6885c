//! Layers into overlayfs snapshots.

use std::collections::HashMap;

use containerd_client::services::v1::ApplyRequest;
use containerd_client::services::v1::snapshots::{
    CommitSnapshotRequest, PrepareSnapshotRequest, RemoveSnapshotRequest, StatSnapshotRequest,
};
use containerd_client::types;
use sealift_stream::Digest;
use tokio::sync::Mutex;
use tonic::Status;

use super::client::{Containerd, created, found, leased, plain};
use super::oci::Descriptor;

pub(super) const SNAPSHOTTER: &str = "overlayfs";

/// One layer is unpacked at a time: images share their lower layers, and the disk is the limit anyway.
static TURN: Mutex<()> = Mutex::const_new(());

/// Whether a snapshot of this name is there.
pub(super) async fn has(containerd: &Containerd, chain: Digest) -> Result<bool, Status> {
    let request = StatSnapshotRequest { snapshotter: SNAPSHOTTER.to_owned(), key: chain.to_string() };
    Ok(found(containerd.snapshots().stat(plain(request)).await)?.is_some())
}

/// Unpacks one layer over `parent` under the name `chain`, unless that is there.
pub(super) async fn unpack(
    containerd: &Containerd,
    layer: &Descriptor,
    diff_id: Digest,
    parent: Option<Digest>,
    chain: Digest,
) -> Result<(), Status> {
    let _turn = TURN.lock().await;
    if has(containerd, chain).await? {
        return Ok(());
    }
    let key = format!("sealift-{}", chain.hex());
    // Left by a run that was killed in the middle of this very layer.
    discard(containerd, &key).await?;
    let prepare = PrepareSnapshotRequest {
        snapshotter: SNAPSHOTTER.to_owned(),
        key: key.clone(),
        parent: parent.map(|digest| digest.to_string()).unwrap_or_default(),
        labels: HashMap::from([("containerd.io/snapshot.ref".to_owned(), chain.to_string())]),
    };
    let mounts = containerd.snapshots().prepare(leased(prepare)).await?.into_inner().mounts;
    let apply = ApplyRequest {
        diff: Some(types::Descriptor {
            media_type: layer.media_type.clone(),
            digest: layer.digest.to_string(),
            size: layer.size,
            ..types::Descriptor::default()
        }),
        mounts,
        payloads: HashMap::default(),
        // The commit below is durable at once; what it stands for must be, too.
        sync_fs: true,
    };
    let applied = containerd.diffs().apply(leased(apply)).await?.into_inner().applied;
    let seen = applied.map(|descriptor| descriptor.digest).unwrap_or_default();
    if seen != diff_id.to_string() {
        discard(containerd, &key).await?;
        return Err(Status::data_loss(format!("layer {} unpacks to {seen}, not {diff_id}", layer.digest)));
    }
    let commit = CommitSnapshotRequest {
        snapshotter: SNAPSHOTTER.to_owned(),
        name: chain.to_string(),
        key: key.clone(),
        labels: HashMap::from([("containerd.io/snapshot.ref".to_owned(), chain.to_string())]),
    };
    if created(containerd.snapshots().commit(leased(commit)).await)? {
        return Ok(());
    }
    discard(containerd, &key).await
}

async fn discard(containerd: &Containerd, key: &str) -> Result<(), Status> {
    let request = RemoveSnapshotRequest { snapshotter: SNAPSHOTTER.to_owned(), key: key.to_owned() };
    found(containerd.snapshots().remove(plain(request)).await).map(|_| ())
}
