//! Files out of an archive of the bundle.

use std::collections::BTreeMap;

use sealift_node::{Mutate, Probe};
use sealift_stream::Digest;
use serde::{Deserialize, Serialize};

use super::act::NodeAct;
use super::binary::{Kept, file_item};
use super::receipt;
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
    files: BTreeMap<String, Option<Digest>>,
    kept: Option<Kept>,
}

impl Archive {
    fn receipt(&self) -> String {
        format!("archive-{}-{}", self.item, self.dir.trim_matches('/'))
    }

    fn paths(&self) -> impl Iterator<Item = String> {
        self.entries.values().map(|name| format!("{}/{name}", self.dir.trim_end_matches('/')))
    }
}

impl NodeAct for Archive {
    type Seen = Seen;

    async fn observe(&self, probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<Seen, StepError> {
        let mut files = BTreeMap::new();
        for path in self.paths() {
            let digest = probe.hash_file(&path).await?;
            files.insert(path, digest);
        }
        let kept = Kept::of(probe, file_item(ctx, &self.item)?).await?;
        Ok(Seen { receipt: receipt::read(probe, &self.receipt()).await?, files, kept })
    }

    fn diff(&self, seen: &Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let item = file_item(ctx, &self.item)?;
        let after = format!("from {} {}", item.name, item.version);
        let known = seen.receipt.as_ref().filter(|receipt| receipt.archive == item.digest);
        let wrong: Vec<Change> = seen
            .files
            .iter()
            .filter_map(|(path, found)| {
                let want = known.and_then(|receipt| receipt.files.get(path));
                let (before, reason) = match (found, want) {
                    (None, _) => ("absent".to_owned(), "it is not there".to_owned()),
                    (Some(found), Some(want)) if found == want => return None,
                    (Some(found), Some(_)) => {
                        (format!("sha256 {}", found.short()), "it is not what was unpacked".to_owned())
                    }
                    (Some(found), None) => (
                        format!("sha256 {}", found.short()),
                        "nothing says that it came from this archive".to_owned(),
                    ),
                };
                Some(Change::new(path, before, &after, ctx.because(reason)))
            })
            .collect();
        let kept = seen.kept.iter().filter(|_| wrong.is_empty()).map(Kept::change);
        Ok(wrong.iter().cloned().chain(kept).collect())
    }

    async fn apply(&self, mutate: &Mutate<'_>, ctx: &Ctx<'_>, changes: &[Change]) -> Result<(), StepError> {
        let item = file_item(ctx, &self.item)?;
        if !changes.iter().any(|change| self.paths().any(|path| path == change.what)) {
            return Ok(mutate.drop_blobs(vec![item.digest]).await?);
        }
        blobs::send_file(ctx, mutate, item.digest, item.size).await?;
        let entries = self.entries.iter().map(|(from, to)| (from.clone(), to.clone())).collect();
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
}
