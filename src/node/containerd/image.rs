//! Image records: names for content.

use std::path::Path;

use containerd_client::services::v1::{
    CreateImageRequest, DeleteImageRequest, Image, ListImagesRequest, UpdateImageRequest,
};
use containerd_client::types;
use prost_types::FieldMask;
use sealift_stream::Digest;
use tonic::Status;

use super::client::{Containerd, created, found, leased, plain};
use super::labels::image_labels;
use crate::HostError;

/// Names some content, pinned; what the name stood for before is forgotten, its other labels are not.
pub(super) async fn set(
    containerd: &Containerd,
    name: &str,
    target: Digest,
    media_type: &str,
    size: i64,
) -> Result<(), Status> {
    let digest = target.to_string();
    let target = types::Descriptor { media_type: media_type.to_owned(), digest, size, ..Default::default() };
    let image =
        Image { name: name.to_owned(), labels: image_labels(), target: Some(target), ..Image::default() };
    let create = CreateImageRequest { image: Some(image.clone()), source_date_epoch: None };
    if created(containerd.images().create(leased(create)).await)? {
        return Ok(());
    }
    let labels = image_labels().into_keys().map(|key| format!("labels.{key}"));
    let paths = std::iter::once("target".to_owned()).chain(labels).collect();
    let update_mask = Some(FieldMask { paths });
    let update = UpdateImageRequest { image: Some(image), update_mask, source_date_epoch: None };
    containerd.images().update(leased(update)).await.map(|_| ())
}

/// Every image record.
pub(super) async fn all(containerd: &Containerd) -> Result<Vec<Image>, Status> {
    Ok(containerd.images().list(plain(ListImagesRequest { filters: vec![] })).await?.into_inner().images)
}

/// Whether a name is an image's id, not one that a person gave.
pub(super) fn is_id(name: &str) -> bool {
    name.starts_with("sha256:")
}

/// Deletes names, and the ids that no other name shares. Content goes with the last name, synchronously.
pub(crate) async fn remove(host: &str, socket: &Path, names: Vec<String>) -> Result<(), HostError> {
    let doing = "removing images";
    let containerd = Containerd::required(host, socket, doing).await?;
    let done = async {
        let images = all(&containerd).await?;
        let (gone, kept): (Vec<Image>, Vec<Image>) =
            images.into_iter().partition(|image| names.contains(&image.name));
        let target = |image: &Image| image.target.as_ref().map(|target| target.digest.clone());
        let shared = |digest: &Option<String>| {
            kept.iter().any(|image| !is_id(&image.name) && target(image) == *digest)
        };
        let orphans = kept.iter().filter(|image| {
            let digest = target(image);
            is_id(&image.name) && !shared(&digest) && gone.iter().any(|gone| target(gone) == digest)
        });
        for image in orphans.chain(&gone) {
            let request = DeleteImageRequest { name: image.name.clone(), sync: true, target: None };
            found(containerd.images().delete(plain(request)).await)?;
        }
        Ok(())
    };
    done.await.map_err(|status: Status| containerd.refused(doing, &status))
}
