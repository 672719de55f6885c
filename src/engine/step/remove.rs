//! Paths that must not be there.

use sealift_node::{Mutate, Probe};
use serde::{Deserialize, Serialize};

use super::act::NodeAct;
use crate::{Change, Ctx, StepError};

/// Paths that must not be there: files, links or whole trees.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Remove {
    paths: Vec<String>,
}

impl NodeAct for Remove {
    /// Those that are there.
    type Seen = Vec<String>;

    async fn observe(&self, probe: &Probe<'_>, _ctx: &Ctx<'_>) -> Result<Vec<String>, StepError> {
        let mut there = vec![];
        for path in &self.paths {
            if probe.stat(path).await?.is_some() {
                there.push(path.clone());
            }
        }
        Ok(there)
    }

    fn diff(&self, seen: &Vec<String>, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let reason = ctx.because("nothing of it may be left".to_owned());
        Ok(seen.iter().map(|path| Change::new(path, "present", "absent", &reason)).collect())
    }

    async fn apply(&self, mutate: &Mutate<'_>, _ctx: &Ctx<'_>, changes: &[Change]) -> Result<(), StepError> {
        for change in changes {
            mutate.remove(&change.what).await?;
        }
        Ok(())
    }
}
