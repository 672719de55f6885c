//! Images of the release in containerd, on every node, before anything names one.
//!
//! A name that is asked for before its image is there costs more than a failed pull: kubelet keeps a note of the
//! attempt and from then on wants to pull that image even when it has arrived (kubelet >= 1.35, `ImagePullIntent`).

use std::collections::BTreeMap;

use sealift_bundle::{Bundle, Item, ItemKind, Platform, Verified};
use sealift_node::{BlobTarget, ImageState, Mutate, Probe};
use serde::{Deserialize, Serialize};

use super::act::NodeAct;
use super::kubeadm;
use crate::{Change, Ctx, StepError, blobs};

/// Every image of the bundle, whole, under its upstream name, pinned.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Images {}

const REASON: &str = "nothing can be pulled on this site, so every image is here before a pod asks for it";

impl NodeAct for Images {
    type Seen = BTreeMap<String, ImageState>;

    async fn observe(&self, probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<Self::Seen, StepError> {
        let Some(images) = probe.images().await? else {
            let expect = self.diff(&BTreeMap::new(), ctx)?;
            return Err(kubeadm::cannot_be_asked(probe, ctx, "containerd does not answer", expect).await);
        };
        Ok(images.into_iter().map(|image| (image.name.clone(), image)).collect())
    }

    fn diff(&self, seen: &Self::Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let change = |item: &Item| {
            let before = wrong(seen.get(&item.name), item)?;
            let after = format!("{}, whole and pinned", item.digest.short());
            Some(Change::new(format!("image {}", item.name), before, after, REASON))
        };
        Ok(images(ctx.bundle()?).filter_map(change).collect())
    }

    async fn apply(&self, mutate: &Mutate<'_>, ctx: &Ctx<'_>, changes: &[Change]) -> Result<(), StepError> {
        let bundle = ctx.bundle()?;
        let platform = platform(mutate).await?;
        let wanted: Vec<&Item> = images(bundle)
            .filter(|item| {
                changes.iter().any(|change| change.what.strip_prefix("image ") == Some(&item.name))
            })
            .collect();
        let mut targets: BTreeMap<_, BlobTarget> = BTreeMap::new();
        for item in &wanted {
            let needed = bundle.image_blobs(item, &platform);
            for blob in
                needed.map_err(StepError::below(format!("finding the blobs of image {}", item.name)))?
            {
                targets.insert(blob.digest, BlobTarget::Content { digest: blob.digest, size: blob.size });
            }
        }
        let targets: Vec<BlobTarget> = targets.into_values().collect();
        blobs::send(ctx, mutate, &targets).await?;
        for item in wanted {
            mutate
                .import_image(&item.name, item.digest, &item.media_type, item.size, platform.as_str())
                .await?;
        }
        Ok(())
    }
}

/// The bundle's images, in the manifest's order.
fn images(bundle: &Bundle<Verified>) -> impl Iterator<Item = &Item> {
    bundle.manifest().items.iter().filter(|item| item.kind == ItemKind::Image)
}

/// What is wrong with an image as containerd has it; none when nothing is.
fn wrong(found: Option<&ImageState>, item: &Item) -> Option<String> {
    match found {
        None => Some("absent".to_owned()),
        Some(image) if image.target != item.digest => {
            Some(format!("{}, another content", image.target.short()))
        }
        Some(image) if !image.complete => Some("in parts".to_owned()),
        Some(image) if !image.pinned => {
            Some("not pinned: kubelet may collect it when the disk is full".to_owned())
        }
        Some(_) => None,
    }
}

/// The node's platform, as image indexes spell it.
async fn platform(probe: &Probe<'_>) -> Result<Platform, StepError> {
    let arch = probe.facts().await?.arch;
    format!("linux/{arch}")
        .parse()
        .map_err(StepError::below(format!("reading the architecture '{arch}' of the node")))
}

#[cfg(test)]
mod tests {
    use sealift_bundle::{Item, ItemKind};
    use sealift_node::ImageState;
    use sealift_stream::Digest;

    use super::wrong;

    #[test]
    fn only_the_right_whole_and_pinned_image_needs_nothing() {
        let digest = Digest::of(b"index");
        let item = Item {
            kind: ItemKind::Image,
            name: "registry.k8s.io/pause:3.10.2".to_owned(),
            version: "3.10.2".to_owned(),
            digest,
            media_type: "application/vnd.oci.image.index.v1+json".to_owned(),
            size: 5,
            platform: None,
            chart: None,
            package: None,
        };
        let good = ImageState { name: item.name.clone(), target: digest, pinned: true, complete: true };
        assert_eq!(wrong(Some(&good), &item), None);
        let word = |state: Option<ImageState>| wrong(state.as_ref(), &item).unwrap();
        assert_eq!(word(None), "absent");
        assert!(
            word(Some(ImageState { target: Digest::of(b"other"), ..good.clone() }))
                .contains("another content")
        );
        assert_eq!(word(Some(ImageState { complete: false, ..good.clone() })), "in parts");
        assert!(word(Some(ImageState { pinned: false, ..good.clone() })).contains("not pinned"));
    }
}
