//! What would change, observed on every node and frozen.

mod frozen;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sealift_stream::{Digest, Format, SchemaError};
use serde::{Deserialize, Serialize};

use crate::ctx::Pending;
use crate::run::Failure;
use crate::schedule::{Lane, in_lanes};
use crate::{Certainty, Change, Compiled, Difference, Site, StepError};

pub use frozen::{Basis, Moved};

/// The lane of cluster steps.
pub(crate) const CLUSTER_LANE: &str = "cluster";
/// Nodes asked at once.
const PARALLEL: usize = 32;
/// As it was from the first day.
const FORMAT: Format = Format::new(&[]);

/// Every change a run would make, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Number of this document's format.
    pub schema: u32,
    /// The playbook's name, e.g. `install`.
    pub verb: String,
    /// The cluster's name.
    pub cluster: String,
    /// SHA-256 over the basis and the changes: what an operator agreed to.
    pub digest: Digest,
    /// What it was made from.
    pub basis: Basis,
    /// How many steps were observed, those without changes included.
    pub observed: usize,
    /// Plays that have changes.
    pub plays: Vec<PlannedPlay>,
    /// What could not be told before something else is mended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<Later>,
}

/// A step of which nobody can say now whether it is as it should be: it is looked at when another one is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Later {
    /// The play's name.
    pub play: String,
    /// The node, or `cluster`.
    pub node: String,
    /// The step's name.
    pub step: String,
    /// The step after which it is looked at.
    pub after: String,
    /// Why not now.
    pub why: String,
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
    /// What they are in texts and fields, when that was asked for; no part of the digest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
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
    /// The schema this code writes.
    pub const SCHEMA: u32 = FORMAT.today();

    /// Reads a plan as [`serde_json`] wrote it, of any schema.
    pub fn read(text: &str) -> Result<Self, SchemaError> {
        FORMAT.read(text.as_bytes())
    }

    /// Observes every step on every node; changes nothing.
    pub async fn observe(compiled: &Compiled, site: &Site) -> Result<Self, PlanError> {
        let anywhere = Arc::default();
        let lanes = site.cluster.nodes().iter().map(|node| node.name.as_str()).chain([CLUSTER_LANE]);
        let pending: BTreeMap<&str, Pending> =
            lanes.map(|lane| (lane, Pending::sharing(&anywhere))).collect();
        let (mut plays, mut later, mut failures) = (vec![], vec![], vec![]);
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
                later.extend(result.later.into_iter().map(|one| Later { play: play.name.clone(), ..one }));
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
        let basis = Basis::of(compiled, site)?;
        let digest = frozen::digest(&basis, &plays, &later)?;
        let cluster = site.cluster.name().as_str().to_owned();
        Ok(Self {
            schema: Self::SCHEMA,
            verb: compiled.name.clone(),
            cluster,
            digest,
            basis,
            observed,
            plays,
            later,
        })
    }

    /// Adds what the changes are in the text of files and the fields of objects; asks the nodes again.
    pub async fn with_differences(mut self, compiled: &Compiled, site: &Site) -> Result<Self, PlanError> {
        let mut failures = vec![];
        for (play, lane, task) in compiled.tasks(&site.cluster) {
            let steps = self.plays.iter_mut().filter(|planned| planned.name == play);
            let mut steps = steps.flat_map(|planned| &mut planned.steps);
            let Some(step) = steps.find(|step| step.node == lane && step.step == task.name()) else {
                continue;
            };
            match task.differences(site).await {
                Ok(differences) => step.differences = differences,
                Err(error) => failures.push(Failure {
                    play: play.to_owned(),
                    node: lane.to_owned(),
                    step: step.step.clone(),
                    error,
                }),
            }
        }
        if failures.is_empty() { Ok(self) } else { Err(PlanError::Observe { failures }) }
    }

    /// Whether everything was looked at and nothing would change.
    pub fn is_empty(&self) -> bool {
        self.plays.is_empty() && self.later.is_empty()
    }

    /// All changes.
    pub fn changes(&self) -> usize {
        self.steps().map(|(_, step)| step.changes.len()).sum()
    }

    /// Steps that have changes, each with its play's name.
    pub fn steps(&self) -> impl Iterator<Item = (&str, &PlannedStep)> {
        self.plays.iter().flat_map(|play| play.steps.iter().map(|step| (play.name.as_str(), step)))
    }
}

struct Observed {
    steps: Vec<PlannedStep>,
    /// Without the play's name.
    later: Vec<Later>,
    failed: Option<(String, StepError)>,
}

/// Asks one node's steps in order. What a step would change is `pending` for those behind it.
async fn observe_lane<'a>(
    site: &'a Site,
    lane: &'a Lane<'a>,
    pending: Option<&'a Pending>,
    before: Option<&str>,
) -> Observed {
    let (mut steps, mut later): (Vec<PlannedStep>, Vec<Later>) = (vec![], vec![]);
    for task in &lane.tasks {
        // what cannot be asked waits for the last step that would change anything, or else for the one it names
        let last = steps.last().map(|step| step.step.clone()).or(before.map(str::to_owned));
        let (certainty, changes) = match task.changes(site, pending).await {
            Ok(changes) => (Certainty::Known, changes),
            Err(StepError::Later { why }) if last.is_some() || task.after().is_some() => {
                let after = last.or(task.after().map(str::to_owned)).unwrap_or_default();
                let (node, step) = (lane.name.to_owned(), task.name().to_owned());
                later.push(Later { play: String::new(), node, step, after, why });
                continue;
            }
            Err(StepError::NotYet { why, expect }) => {
                let Some(after) = task.after().map(str::to_owned).or(last) else {
                    let failed = Some((task.name().to_owned(), StepError::NotYet { why, expect }));
                    return Observed { steps, later, failed };
                };
                (Certainty::After(after), expected(task.name(), &why, expect))
            }
            Err(error) => return Observed { steps, later, failed: Some((task.name().to_owned(), error)) },
        };
        if changes.is_empty() {
            continue;
        }
        if let Some(pending) = pending {
            match task.makes(site, Some(pending)).await {
                Ok(makes) => pending.add(&changes, &makes),
                Err(error) => {
                    return Observed { steps, later, failed: Some((task.name().to_owned(), error)) };
                }
            }
        }
        steps.push(PlannedStep {
            node: lane.name.to_owned(),
            step: task.name().to_owned(),
            kind: task.kind().to_owned(),
            disruptive: task.disruptive(),
            certainty,
            changes,
            differences: vec![],
        });
    }
    Observed { steps, later, failed: None }
}

/// The changes of a step that cannot be asked yet, at least one: that it will be looked at.
fn expected(step: &str, why: &str, expect: Vec<Change>) -> Vec<Change> {
    if expect.is_empty() {
        vec![Change::new(step, "cannot be asked yet", "as the step makes it", why)]
    } else {
        expect
    }
}

#[cfg(test)]
mod tests;
