//! An image from blobs that are in the content store already.

use std::collections::HashMap;
use std::path::Path;

use containerd_client::services::v1::{DeleteResourceRequest, Resource};
use sealift_stream::Digest;
use serde::de::DeserializeOwned;
use tonic::Status;

use super::client::{Containerd, LEASE, found, plain};
use super::oci::{Config, Descriptor, Index, Manifest, chain_ids, is_index};
use super::{content, image, labels, snapshot};
use crate::HostError;

/// What [`Action::ImportImage`](crate::Action::ImportImage) says.
pub(crate) struct Import {
    pub(crate) name: String,
    pub(crate) target: Digest,
    pub(crate) media_type: String,
    pub(crate) size: u64,
    pub(crate) platform: String,
}

/// Everything of one image for one platform.
pub(super) struct Parts {
    pub(super) index: Option<Digest>,
    pub(super) manifest: Digest,
    pub(super) config: Digest,
    pub(super) layers: Vec<Descriptor>,
    pub(super) diff_ids: Vec<Digest>,
}

/// Labels, unpacks, names and pins; then lets the lease go. Each act can be repeated.
pub(crate) async fn import(host: &str, socket: &Path, want: Import) -> Result<(), HostError> {
    let doing = format!("importing image {}", want.name);
    let containerd = Containerd::required(host, socket, &doing).await?;
    let done = async {
        content::lease(&containerd).await?;
        let parts = parts(&containerd, want.target, &want.media_type, &want.platform).await?;
        let chain = chain_ids(&parts.diff_ids);
        link(&containerd, &parts, chain.last()).await?;
        let mut below = None;
        for ((layer, diff_id), name) in parts.layers.iter().zip(&parts.diff_ids).zip(&chain) {
            snapshot::unpack(&containerd, layer, *diff_id, below, *name).await?;
            below = Some(*name);
        }
        // As CRI does after a pull: the image's id, by which kubelet knows it, is a name of its own.
        let size = i64::try_from(want.size).unwrap_or(i64::MAX);
        image::set(&containerd, &parts.config.to_string(), want.target, &want.media_type, size).await?;
        image::set(&containerd, &want.name, want.target, &want.media_type, size).await?;
        release(&containerd, &parts, &chain).await
    };
    done.await.map_err(|status: Status| containerd.refused(&doing, &status))
}

/// Reads the image's documents. An index is sparse: only its entry for the platform has to be there.
pub(super) async fn parts(
    containerd: &Containerd,
    target: Digest,
    media_type: &str,
    platform: &str,
) -> Result<Parts, Status> {
    let (index, manifest) = if is_index(media_type) {
        let index: Index = document(containerd, target).await?;
        let entry =
            index.manifests.iter().find(|entry| entry.platform.as_ref().is_some_and(|p| p.is(platform)));
        let entry =
            entry.ok_or_else(|| Status::not_found(format!("index {target} has nothing for {platform}")))?;
        (Some(target), entry.digest)
    } else {
        (None, target)
    };
    let document_of: Manifest = document(containerd, manifest).await?;
    let config: Config = document(containerd, document_of.config.digest).await?;
    if config.rootfs.diff_ids.len() != document_of.layers.len() {
        return Err(Status::data_loss(format!(
            "manifest {manifest} and its configuration count different layers"
        )));
    }
    let (layers, diff_ids) = (document_of.layers, config.rootfs.diff_ids);
    Ok(Parts { index, manifest, config: document_of.config.digest, layers, diff_ids })
}

async fn document<T: DeserializeOwned>(containerd: &Containerd, digest: Digest) -> Result<T, Status> {
    let bytes = content::read(containerd, digest).await?;
    let bytes =
        bytes.ok_or_else(|| Status::not_found(format!("blob {digest} is not in the content store")))?;
    serde_json::from_slice(&bytes).map_err(|error| Status::data_loss(format!("reading {digest}: {error}")))
}

/// Labels each document with what it consists of, so that garbage collection follows.
async fn link(containerd: &Containerd, parts: &Parts, top: Option<&Digest>) -> Result<(), Status> {
    let manifest = parts.manifest.to_string();
    if let Some(index) = parts.index {
        labels::add(containerd, index, HashMap::from([(labels::content_ref("m.0"), manifest)])).await?;
    }
    let mut of_manifest = HashMap::from([(labels::content_ref("config"), parts.config.to_string())]);
    for (at, layer) in parts.layers.iter().enumerate() {
        of_manifest.insert(labels::content_ref(&format!("l.{at}")), layer.digest.to_string());
    }
    labels::add(containerd, parts.manifest, of_manifest).await?;
    if let Some(top) = top {
        let to_snapshot = HashMap::from([(labels::SNAPSHOT_REF.to_owned(), top.to_string())]);
        labels::add(containerd, parts.config, to_snapshot).await?;
    }
    Ok(())
}

/// The image holds everything now; the lease need not.
async fn release(containerd: &Containerd, parts: &Parts, chain: &[Digest]) -> Result<(), Status> {
    let documents = parts.index.into_iter().chain([parts.manifest, parts.config]);
    let blobs = documents.chain(parts.layers.iter().map(|layer| layer.digest));
    let blobs = blobs.map(|digest| (digest, "content".to_owned()));
    let snapshots = chain.iter().map(|digest| (*digest, format!("snapshots/{}", snapshot::SNAPSHOTTER)));
    for (digest, r#type) in blobs.chain(snapshots) {
        let resource = Some(Resource { id: digest.to_string(), r#type });
        let request = DeleteResourceRequest { id: LEASE.to_owned(), resource };
        found(containerd.leases().delete_resource(plain(request)).await)?;
    }
    Ok(())
}
