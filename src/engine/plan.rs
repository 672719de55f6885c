//! What would change, observed on every node and frozen.

use std::collections::{BTreeMap, BTreeSet};

use sealift_stream::Digest;
use serde::{Deserialize, Serialize};

use crate::ctx::Pending;
use crate::run::Failure;
use crate::schedule::{Lane, Task, in_lanes};
use crate::{Certainty, Change, Compiled, Site, StepError};

/// The lane of cluster steps.
pub(crate) const CLUSTER_LANE: &str = "cluster";
/// Nodes asked at once.
const PARALLEL: usize = 32;

/// Every change a run would make, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Number of this document's format.
    pub schema: u32,
    /// The playbook's name, e.g. `install`.
    pub verb: String,
    /// The cluster's name.
    pub cluster: String,
    /// SHA-256 over bundle, cluster file, compiled steps and changes: what an operator agreed to.
    pub digest: Digest,
    /// How many steps were observed, those without changes included.
    pub observed: usize,
    /// Plays that have changes.
    pub plays: Vec<PlannedPlay>,
}

/// The changes of one play.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedPlay {
    /// The play's name.
    pub name: String,
    /// Steps that have changes, node by node.
    pub steps: Vec<PlannedStep>,
}

/// The changes of one step on one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// The node, or `cluster`.
    pub node: String,
    /// The step's name.
    pub step: String,
    /// Its kind, e.g. `file`.
    pub kind: String,
    /// Whether it takes something away from users while it is applied.
    pub disruptive: bool,
    /// How sure the changes are.
    pub certainty: Certainty,
    /// The changes.
    pub changes: Vec<Change>,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Some steps could not be observed; all of them are told.
    #[error("observing: {}; nothing was changed", failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Observe {
        /// One per node that could not be asked to the end.
        failures: Vec<Failure>,
    },
    /// The plan could not be written down.
    #[error("writing the plan down: {0}")]
    Encode(#[from] serde_json::Error),
}

impl Plan {
    /// Observes every step on every node; changes nothing.
    pub async fn observe(compiled: &Compiled, site: &Site) -> Result<Self, PlanError> {
        let mut pending: BTreeMap<&str, Pending> =
            site.cluster.nodes().iter().map(|node| (node.name.as_str(), Pending::default())).collect();
        pending.insert(CLUSTER_LANE, Pending::default());
        let (mut plays, mut failures) = (vec![], vec![]);
        let mut observed = 0;
        let mut last: Option<String> = None;
        // a lane that could not be asked is not asked again in later plays
        let mut silent: BTreeSet<String> = BTreeSet::new();
        for play in &compiled.plays {
            let mut lanes = play.lanes(&site.cluster);
            lanes.retain(|lane| !silent.contains(lane.name));
            let before = last.clone();
            let results = in_lanes(&lanes, PARALLEL, |lane| {
                observe_lane(site, lane, pending.get(lane.name), before.as_deref())
            })
            .await;
            let mut steps = vec![];
            for (lane, result) in lanes.iter().zip(results) {
                observed += lane.tasks.len();
                steps.extend(result.steps);
                if let Some((step, error)) = result.failed {
                    silent.insert(lane.name.to_owned());
                    failures.push(Failure {
                        play: play.name.clone(),
                        node: lane.name.to_owned(),
                        step,
                        error,
                    });
                }
            }
            if let Some(step) = steps.last() {
                last = Some(step.step.clone());
                plays.push(PlannedPlay { name: play.name.clone(), steps });
            }
        }
        if !failures.is_empty() {
            return Err(PlanError::Observe { failures });
        }
        let digest = digest(compiled, site, &plays)?;
        let cluster = site.cluster.name().as_str().to_owned();
        Ok(Self { schema: 1, verb: compiled.name.clone(), cluster, digest, observed, plays })
    }

    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.plays.is_empty()
    }

    /// All changes.
    pub fn changes(&self) -> usize {
        self.steps().map(|(_, step)| step.changes.len()).sum()
    }

    /// Steps that have changes, each with its play's name.
    pub fn steps(&self) -> impl Iterator<Item = (&str, &PlannedStep)> {
        self.plays.iter().flat_map(|play| play.steps.iter().map(|step| (play.name.as_str(), step)))
    }

    /// Which of `changes` nobody agreed to: those of a step that was observed and had no such change, nor
    /// comes `after` a step that had any.
    pub(crate) fn unplanned(
        &self,
        play: &str,
        lane: &str,
        task: &Task<'_>,
        changes: &[Change],
    ) -> Vec<Change> {
        let planned = self.steps().find(|(p, s)| *p == play && s.node == lane && s.step == task.name());
        let loose = planned.is_some_and(|(_, step)| step.certainty != Certainty::Known)
            || task.after().is_some_and(|after| self.steps().any(|(_, step)| step.step == after));
        if loose {
            return vec![];
        }
        let known =
            |change: &Change| planned.is_some_and(|(_, s)| s.changes.iter().any(|c| c.what == change.what));
        changes.iter().filter(|change| !known(change)).cloned().collect()
    }
}

struct Observed {
    steps: Vec<PlannedStep>,
    failed: Option<(String, StepError)>,
}

/// Asks one node's steps in order. What a step would change is `pending` for those behind it.
async fn observe_lane<'a>(
    site: &'a Site,
    lane: &'a Lane<'a>,
    pending: Option<&'a Pending>,
    before: Option<&str>,
) -> Observed {
    let mut steps: Vec<PlannedStep> = vec![];
    for task in &lane.tasks {
        let (certainty, changes) = match task.changes(site, pending).await {
            Ok(changes) => (Certainty::Known, changes),
            Err(StepError::NotYet { why, expect }) => {
                // it waits for the step it names, or else for the last one that would change anything
                let last = steps.last().map(|step| step.step.as_str()).or(before);
                let Some(after) = task.after().or(last) else {
                    let failed = Some((task.name().to_owned(), StepError::NotYet { why, expect }));
                    return Observed { steps, failed };
                };
                (Certainty::After(after.to_owned()), expected(task.name(), &why, expect))
            }
            Err(error) => return Observed { steps, failed: Some((task.name().to_owned(), error)) },
        };
        if changes.is_empty() {
            continue;
        }
        if let Some(mut set) = pending.and_then(|pending| pending.lock().ok()) {
            set.extend(changes.iter().map(|change| change.what.clone()));
        }
        steps.push(PlannedStep {
            node: lane.name.to_owned(),
            step: task.name().to_owned(),
            kind: task.kind().to_owned(),
            disruptive: task.disruptive(),
            certainty,
            changes,
        });
    }
    Observed { steps, failed: None }
}

/// The changes of a step that cannot be asked yet, at least one: that it will be looked at.
fn expected(step: &str, why: &str, expect: Vec<Change>) -> Vec<Change> {
    if expect.is_empty() {
        vec![Change::new(step, "cannot be asked yet", "as the step makes it", why)]
    } else {
        expect
    }
}

/// `serde_json` writes maps in their own order and all maps here are built in a fixed one, so equal plans
/// have equal bytes.
fn digest(compiled: &Compiled, site: &Site, plays: &[PlannedPlay]) -> Result<Digest, serde_json::Error> {
    let bundle = site.bundle.as_ref().map(|bundle| serde_json::to_vec(bundle.manifest())).transpose()?;
    let bundle = bundle.map(|bytes| Digest::of(&bytes));
    let whole = serde_json::to_vec(&(1, bundle, &site.cluster, compiled, plays))?;
    Ok(Digest::of(&whole))
}
