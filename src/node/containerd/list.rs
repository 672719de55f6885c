//! What images there are, and whether they are whole.

use std::path::Path;
use std::time::Duration;

use tonic::{Code, Status};

use super::client::Containerd;
use super::import::parts;
use super::oci::chain_ids;
use super::{content, image, labels, snapshot};
use crate::{Answer, HostError, ImageState};

/// How long a containerd may think before it counts as one that does not answer: it takes a tenth of a second.
const LIMIT: Duration = Duration::from_mins(1);

/// The images of this node's platform; [`Answer::Missing`] when containerd does not answer.
pub(crate) async fn images(host: &str, socket: &Path) -> Result<Answer, HostError> {
    let Some(containerd) = Containerd::connect(host, socket).await else { return Ok(Answer::Missing) };
    let list = async {
        let mut found = vec![];
        for record in image::all(&containerd).await? {
            let Some(descriptor) = record.target.as_ref().filter(|_| !image::is_id(&record.name)) else {
                continue;
            };
            let Ok(target) = descriptor.digest.parse() else { continue };
            let complete = match whole(&containerd, target, &descriptor.media_type).await {
                Ok(whole) => whole,
                Err(status) if matches!(status.code(), Code::NotFound | Code::DataLoss) => false,
                Err(status) => return Err(status),
            };
            let pinned = record.labels.get(labels::PINNED).is_some_and(|value| value == "pinned");
            found.push(ImageState { name: record.name, target, pinned, complete });
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Answer::Images(found))
    };
    match tokio::time::timeout(LIMIT, list).await {
        Ok(listed) => listed.map_err(|status: Status| containerd.refused("listing images", &status)),
        Err(_) => Ok(Answer::Missing),
    }
}

/// Whether every blob for this platform is there, and the uppermost snapshot.
async fn whole(
    containerd: &Containerd,
    target: sealift_stream::Digest,
    media_type: &str,
) -> Result<bool, Status> {
    let parts = parts(containerd, target, media_type, &platform()).await?;
    for layer in &parts.layers {
        if !content::has(containerd, layer.digest).await? {
            return Ok(false);
        }
    }
    match chain_ids(&parts.diff_ids).last() {
        Some(top) => snapshot::has(containerd, *top).await,
        None => Ok(true),
    }
}

/// This machine's platform as OCI spells it.
fn platform() -> String {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("linux/{arch}")
}
