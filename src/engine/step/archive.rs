//! Files out of an archive of the bundle.

use std::collections::BTreeMap;

use sealift_bundle::Item;
use sealift_node::{Mutate, Probe};
use sealift_stream::Digest;
use serde::{Deserialize, Serialize};

use super::act::NodeAct;
use super::binary::{Kept, file_item};
use super::mode::Mode;
use super::{file, receipt};
use crate::{Change, Ctx, StepError, blobs};

/// Some entries of a `.tar.gz` of the bundle, unpacked below a directory.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Archive {
    /// The archive's name in the bundle.
    item: String,
    dir: String,
    /// Path in the archive -> file name below `dir`.
    entries: BTreeMap<String, String>,
}

/// What an archive was when it was unpacked, and what came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    schema: u32,
    archive: Digest,
    /// Digest of each file, by its full path.
    files: BTreeMap<String, Digest>,
}

pub(crate) struct Seen {
    receipt: Option<Receipt>,
    files: BTreeMap<String, file::Seen>,
    kept: Option<Kept>,
}

impl Archive {
    fn receipt(&self) -> String {
        format!("archive-{}-{}", self.item, self.dir.trim_matches('/'))
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.dir.trim_end_matches('/'))
    }

    fn paths(&self) -> impl Iterator<Item = String> {
        self.entries.values().map(|name| self.path(name))
    }
}

impl Seen {
    /// The digest of what was unpacked there, when it came from this very archive.
    fn unpacked(&self, item: &Item, path: &str) -> Option<Digest> {
        let known = self.receipt.as_ref().filter(|receipt| receipt.archive == item.digest)?;
        known.files.get(path).copied()
    }
}

impl NodeAct for Archive {
    type Seen = Seen;

    async fn observe(&self, probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<Seen, StepError> {
        let mut files = BTreeMap::new();
        for path in self.paths() {
            let seen = file::Seen::of(probe, &path).await?;
            files.insert(path, seen);
        }
        let kept = Kept::of(probe, file_item(ctx, &self.item)?).await?;
        Ok(Seen { receipt: receipt::read(probe, &self.receipt()).await?, files, kept })
    }

    fn diff(&self, seen: &Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let item = file_item(ctx, &self.item)?;
        let after = format!("from {} {}", item.name, item.version);
        let mut wrong = vec![];
        for (path, found) in &seen.files {
            let (before, reason) = match (seen.unpacked(item, path), found.digest) {
                (None, Some(digest)) => {
                    (format!("sha256 {}", digest.short()), "nothing says that it came from this archive")
                }
                // with nothing unpacked and no file there, any digest tells what is there instead
                (want, _) => {
                    let wrong = found.against(path, want.unwrap_or(item.digest), Mode::PROGRAM, true)?;
                    let Some((before, _)) = wrong else { continue };
                    let absent = found.stat.is_none();
                    (before, if absent { "it is not there" } else { "it is not what was unpacked" })
                }
            };
            wrong.push(Change::new(path, before, &after, ctx.because(reason.to_owned())));
        }
        let kept = seen.kept.iter().filter(|_| wrong.is_empty()).map(Kept::change);
        Ok(wrong.iter().cloned().chain(kept).collect())
    }

    async fn apply(&self, mutate: &Mutate<'_>, ctx: &Ctx<'_>, changes: &[Change]) -> Result<(), StepError> {
        let item = file_item(ctx, &self.item)?;
        let seen = self.observe(mutate, ctx).await?;
        let mut entries = vec![];
        for (from, to) in &self.entries {
            let path = self.path(to);
            let keeps = match seen.unpacked(item, &path) {
                _ if !changes.iter().any(|change| change.what == path) => true,
                Some(digest) => file::keeps_content(mutate, &path, digest, Mode::PROGRAM).await?,
                None => false,
            };
            if !keeps {
                entries.push((from.clone(), to.clone()));
            }
        }
        if entries.is_empty() {
            return Ok(mutate.drop_blobs(vec![item.digest]).await?);
        }
        blobs::send_file(ctx, mutate, item.digest, item.size).await?;
        mutate.extract_blob(item.digest, &self.dir, entries).await?;
        let mut files = BTreeMap::new();
        for path in self.paths() {
            if let Some(digest) = mutate.hash_file(&path).await? {
                files.insert(path, digest);
            }
        }
        receipt::write(
            mutate,
            &self.receipt(),
            &Receipt { schema: receipt::SCHEMA, archive: item.digest, files },
        )
        .await?;
        Ok(mutate.drop_blobs(vec![item.digest]).await?)
    }

    async fn makes(&self, probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<BTreeMap<String, Digest>, StepError> {
        let item = file_item(ctx, &self.item)?;
        let receipt = receipt::read::<Receipt>(probe, &self.receipt()).await?;
        Ok(receipt.filter(|receipt| receipt.archive == item.digest).map(|one| one.files).unwrap_or_default())
    }
}
