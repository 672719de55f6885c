//! A plan that was agreed to: what it is bound to, and what has moved since.

use sealift_cluster::Cluster;
use sealift_stream::Digest;
use serde::{Deserialize, Serialize};

use super::{Later, Plan, PlannedPlay, PlannedStep};
use crate::schedule::Task;
use crate::{Certainty, Change, Compiled, Site};

/// What a plan was made from. With the same basis the same differences have the same mends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// Digest of the bundle's manifest; none for a plan without a bundle.
    pub bundle: Option<Digest>,
    /// Digest of the cluster file, profile laid under it and defaults filled in.
    pub cluster: Digest,
    /// Digest of the playbook, fitted to the site.
    pub playbook: Digest,
}

/// Why a plan from a file cannot be carried out.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Moved {
    /// The file is not as `plan` wrote it.
    #[error("it is not whole: its content does not have the digest it names")]
    Torn,
    /// It was made from something else.
    #[error("it was made {}", .0.join(", "))]
    Basis(Vec<&'static str>),
    /// The site differs in a way that the plan does not know.
    #[error("the site has moved since:\n{}", .0.iter().map(line).collect::<Vec<_>>().join("\n"))]
    New(Vec<PlannedStep>),
}

/// One line per change nobody agreed to.
fn line(step: &PlannedStep) -> String {
    let changes = step.changes.iter().map(|c| format!("{} ({} -> {})", c.what, c.before, c.after));
    format!("  {}: {}: {}", step.node, step.step, changes.collect::<Vec<_>>().join(", "))
}

impl Basis {
    pub(super) fn of(compiled: &Compiled, site: &Site) -> Result<Self, serde_json::Error> {
        let bundle = site.bundle.as_ref().map(|bundle| serde_json::to_vec(bundle.manifest())).transpose()?;
        Ok(Self {
            bundle: bundle.map(|bytes| Digest::of(&bytes)),
            cluster: Digest::of(&serde_json::to_vec(&site.cluster)?),
            playbook: Digest::of(&serde_json::to_vec(compiled)?),
        })
    }
}

/// `serde_json` writes maps in their own order and all maps here are built in a fixed one, so equal plans
/// have equal bytes.
pub(super) fn digest(
    basis: &Basis,
    plays: &[PlannedPlay],
    later: &[Later],
) -> Result<Digest, serde_json::Error> {
    // the first plans knew of nothing to be looked at later
    let bytes = match later {
        [] => serde_json::to_vec(&(1, basis, plays))?,
        later => serde_json::to_vec(&(1, basis, plays, later))?,
    };
    Ok(Digest::of(&bytes))
}

impl Plan {
    /// Whether this plan, agreed to earlier, covers what `fresh` finds now. Less is no obstacle: an earlier run, cut
    /// off, did it. The same difference with another state before it is the same agreement.
    pub fn covers(&self, fresh: &Self, compiled: &Compiled, cluster: &Cluster) -> Result<(), Moved> {
        let mut plays = self.plays.clone();
        plays.iter_mut().flat_map(|play| &mut play.steps).for_each(|step| step.differences.clear());
        if digest(&self.basis, &plays, &self.later).ok() != Some(self.digest) {
            return Err(Moved::Torn);
        }
        let mut others = vec![];
        for (differs, what) in [
            (self.basis.bundle != fresh.basis.bundle, "with another bundle"),
            (self.basis.cluster != fresh.basis.cluster, "from another cluster file or profile"),
            (self.basis.playbook != fresh.basis.playbook, "by another version of sealift"),
        ] {
            if differs {
                others.push(what);
            }
        }
        if !others.is_empty() {
            return Err(Moved::Basis(others));
        }
        let mut new = vec![];
        for (play, lane, task) in compiled.tasks(cluster) {
            let now =
                fresh.steps().find(|(p, step)| *p == play && step.node == lane && step.step == task.name());
            let Some((_, step)) = now else { continue };
            let changes = self.unplanned(play, lane, &task, &step.changes);
            if !changes.is_empty() {
                new.push(PlannedStep { changes, differences: vec![], ..step.clone() });
            }
        }
        if new.is_empty() { Ok(()) } else { Err(Moved::New(new)) }
    }

    /// Which of `changes` nobody agreed to: those of a step that was observed and had no such change, nor
    /// comes `after` a step that had any, nor was to be looked at later.
    pub(crate) fn unplanned(
        &self,
        play: &str,
        lane: &str,
        task: &Task<'_>,
        changes: &[Change],
    ) -> Vec<Change> {
        let planned = self.steps().find(|(p, s)| *p == play && s.node == lane && s.step == task.name());
        let loose = planned.is_some_and(|(_, step)| step.certainty != Certainty::Known)
            || task.after().is_some_and(|after| self.steps().any(|(_, step)| step.step == after))
            || self.later.iter().any(|one| one.play == play && one.node == lane && one.step == task.name());
        if loose {
            return vec![];
        }
        let known =
            |change: &Change| planned.is_some_and(|(_, s)| s.changes.iter().any(|c| c.what == change.what));
        changes.iter().filter(|change| !known(change)).cloned().collect()
    }
}
