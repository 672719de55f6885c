//! A program from the bundle at its place.

use std::collections::BTreeMap;

use sealift_bundle::{Item, ItemKind};
use sealift_node::{Mutate, Probe};
use sealift_stream::Digest;
use serde::{Deserialize, Serialize};

use super::act::NodeAct;
use super::file;
use super::mode::Mode;
use crate::{Change, Ctx, StepError, blobs};

/// A file of the bundle, usually a program, at a path.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Binary {
    /// Its name in the bundle.
    item: String,
    path: String,
    #[serde(default = "Mode::program")]
    mode: Mode,
}

/// The item of kind file with this name, or an error that names it.
pub(crate) fn file_item<'a>(ctx: &Ctx<'a>, name: &str) -> Result<&'a Item, StepError> {
    ctx.bundle()?.item(ItemKind::File, name).ok_or_else(|| StepError::Refused {
        what: format!("file {name}"),
        why: "is not in the bundle".to_owned(),
        next: Some("add it to the recipe's files and pack again".to_owned()),
    })
}

/// Where the node's blob store keeps an item.
pub(crate) fn kept(item: &Item) -> String {
    format!("{}/sha256/{}", sealift_node::paths::BLOBS, item.digest.hex())
}

/// A copy in the node's blob store, left there by a kill after the blob was installed: nobody else would
/// ever drop it, and disks fill.
pub(crate) struct Kept(String);

impl Kept {
    pub(crate) async fn of(probe: &Probe<'_>, item: &Item) -> Result<Option<Self>, StepError> {
        let path = kept(item);
        Ok(probe.stat(&path).await?.map(|_| Self(path)))
    }

    pub(crate) fn change(&self) -> Change {
        Change::new(&self.0, "a copy left behind", "absent", "a run was cut after it had been installed")
    }
}

impl NodeAct for Binary {
    type Seen = (file::Seen, Option<Kept>);

    async fn observe(&self, probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<Self::Seen, StepError> {
        Ok((file::Seen::of(probe, &self.path).await?, Kept::of(probe, file_item(ctx, &self.item)?).await?))
    }

    fn diff(&self, (seen, kept): &Self::Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let item = file_item(ctx, &self.item)?;
        let wrong = seen.against(&self.path, item.digest, self.mode, true)?;
        let reason = ctx.because(format!("the bundle brings {} {}", item.name, item.version));
        let wrong = wrong.map(|(before, after)| Change::new(&self.path, before, after, reason));
        Ok(wrong.or_else(|| kept.as_ref().map(Kept::change)).into_iter().collect())
    }

    async fn apply(&self, mutate: &Mutate<'_>, ctx: &Ctx<'_>, changes: &[Change]) -> Result<(), StepError> {
        let item = file_item(ctx, &self.item)?;
        let wrong = changes.iter().any(|change| change.what == self.path);
        if wrong && !file::keeps_content(mutate, &self.path, item.digest, self.mode).await? {
            blobs::send_file(ctx, mutate, item.digest, item.size).await?;
            mutate.install_blob(item.digest, &self.path, self.mode.bits()).await?;
        }
        Ok(mutate.drop_blobs(vec![item.digest]).await?)
    }

    async fn makes(&self, _probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<BTreeMap<String, Digest>, StepError> {
        Ok([(self.path.clone(), file_item(ctx, &self.item)?.digest)].into())
    }
}
