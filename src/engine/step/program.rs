//! A program for the odd case, with a check that needs no program.

use sealift_node::{Command, Mutate, Output, Probe};
use serde::{Deserialize, Serialize};

use super::act::NodeAct;
use crate::{Change, Ctx, StepError};

/// A program that is run when a path is missing that it makes, or there that it removes.
///
/// The check is a closed question about paths and not an argv: a plan's helper runs no programs (law 4),
/// because nobody could tell from an argv whether it only looks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Program {
    /// Program and arguments; never a secret (law 6).
    argv: Vec<String>,
    /// All of these are there when nothing is to be done.
    #[serde(default)]
    present: Vec<String>,
    /// None of these is there when nothing is to be done.
    #[serde(default)]
    absent: Vec<String>,
    /// Seconds.
    #[serde(default = "default_timeout")]
    timeout: u64,
}

fn default_timeout() -> u64 {
    60
}

impl NodeAct for Program {
    /// Paths that are not as they should be, and whether they are there.
    type Seen = Vec<(String, bool)>;

    async fn observe(&self, probe: &Probe<'_>, _ctx: &Ctx<'_>) -> Result<Self::Seen, StepError> {
        let mut wrong = vec![];
        for (paths, want) in [(&self.present, true), (&self.absent, false)] {
            for path in paths {
                let there = probe.stat(path).await?.is_some();
                if there != want {
                    wrong.push((path.clone(), there));
                }
            }
        }
        Ok(wrong)
    }

    fn diff(&self, seen: &Self::Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        if self.present.is_empty() && self.absent.is_empty() {
            return Err(StepError::refused(
                self.argv.join(" "),
                "the playbook gives no path to tell whether it is needed",
            ));
        }
        let word = |there: bool| if there { "present" } else { "absent" };
        let reason = ctx.because(format!("'{}' has not been run", self.argv.join(" ")));
        Ok(seen.iter().map(|(path, there)| Change::new(path, word(*there), word(!there), &reason)).collect())
    }

    async fn apply(&self, mutate: &Mutate<'_>, _ctx: &Ctx<'_>, _changes: &[Change]) -> Result<(), StepError> {
        well(mutate, Command::new(self.argv.clone()).timeout(self.timeout)).await.map(drop)
    }
}

/// Runs a program; any exit status but 0 is an error with its last words.
pub(super) async fn well(mutate: &Mutate<'_>, command: Command) -> Result<Output, StepError> {
    let output = mutate.run(command.clone()).await?;
    if output.status == 0 { Ok(output) } else { Err(StepError::program(&command.argv, &output)) }
}
