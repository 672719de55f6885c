//! A directory with a mode and root as its owner.

use sealift_node::{Mutate, PathKind, Probe, Stat};
use serde::{Deserialize, Serialize};

use super::act::NodeAct;
use super::mode::Mode;
use crate::{Change, Ctx, StepError};

/// A directory.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Directory {
    path: String,
    #[serde(default = "Mode::program")]
    mode: Mode,
}

impl NodeAct for Directory {
    type Seen = Option<Stat>;

    async fn observe(&self, probe: &Probe<'_>, _ctx: &Ctx<'_>) -> Result<Self::Seen, StepError> {
        Ok(probe.stat(&self.path).await?)
    }

    fn diff(&self, seen: &Self::Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let (before, reason) = match seen {
            None => ("absent".to_owned(), "it is not there"),
            Some(stat) if stat.kind != PathKind::Dir => {
                return Err(StepError::Refused {
                    what: self.path.clone(),
                    why: "is no directory, and it is not ours to throw away".to_owned(),
                    next: Some("look at it, move it away, and run again".to_owned()),
                });
            }
            Some(stat) if stat.mode != self.mode.bits() => {
                (format!("mode {:04o}", stat.mode), "its mode differs")
            }
            Some(stat) if (stat.uid, stat.gid) != (0, 0) => {
                (format!("owner {}:{}", stat.uid, stat.gid), "somebody else could put files into it")
            }
            Some(_) => return Ok(vec![]),
        };
        Ok(vec![Change::new(
            &self.path,
            before,
            format!("a directory of root's, mode {}", self.mode),
            ctx.because(reason.to_owned()),
        )])
    }

    async fn apply(&self, mutate: &Mutate<'_>, _ctx: &Ctx<'_>, _changes: &[Change]) -> Result<(), StepError> {
        mutate.make_dir(&self.path, self.mode.bits()).await?;
        Ok(mutate.set_mode(&self.path, self.mode.bits()).await?)
    }
}
