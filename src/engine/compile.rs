//! A playbook fitted to one site: which node takes which steps.

use sealift_cluster::{Cluster, Node};
use serde::Serialize;

use crate::playbook::{Playbook, StepDef, Steps};
use crate::schedule::{Lane, Task};
use crate::step::{ClusterStep, NodeStep};

/// A playbook fitted to one site: plays without nodes and steps whose `when` does not hold are gone.
#[derive(Debug, Clone, Serialize)]
pub struct Compiled {
    pub(crate) name: String,
    pub(crate) plays: Vec<CompiledPlay>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct CompiledPlay {
    pub(crate) name: String,
    work: Work,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Work {
    Nodes { nodes: Vec<String>, steps: Vec<StepDef<NodeStep>> },
    Cluster { steps: Vec<StepDef<ClusterStep>> },
}

impl Compiled {
    /// Fits `playbook` to `cluster`.
    pub fn new(playbook: &Playbook, cluster: &Cluster) -> Self {
        let plays = playbook.plays.iter().filter_map(|play| {
            let work = match &play.steps {
                Steps::Node(steps) => Work::Nodes {
                    nodes: play.on.nodes(cluster).iter().map(|node| node.name.as_str().to_owned()).collect(),
                    steps: needed(steps, cluster),
                },
                Steps::Cluster(steps) => Work::Cluster { steps: needed(steps, cluster) },
            };
            (!work.is_empty()).then(|| CompiledPlay { name: play.name.clone(), work })
        });
        Self { name: playbook.name.clone(), plays: plays.collect() }
    }

    /// Every step on every node, in order: the play's name, the lane's, the task.
    pub(crate) fn tasks<'a>(
        &'a self,
        cluster: &'a Cluster,
    ) -> impl Iterator<Item = (&'a str, &'a str, Task<'a>)> {
        self.plays.iter().flat_map(move |play| {
            let lanes = play.lanes(cluster).into_iter();
            lanes.flat_map(move |lane| {
                lane.tasks.into_iter().map(move |task| (play.name.as_str(), lane.name, task))
            })
        })
    }

    /// The verb whose story this is.
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn needed<S: Clone>(steps: &[StepDef<S>], cluster: &Cluster) -> Vec<StepDef<S>> {
    steps.iter().filter(|step| step.when.holds(cluster)).cloned().collect()
}

impl Work {
    fn is_empty(&self) -> bool {
        match self {
            Self::Nodes { nodes, steps } => nodes.is_empty() || steps.is_empty(),
            Self::Cluster { steps } => steps.is_empty(),
        }
    }
}

impl CompiledPlay {
    /// One lane per node, or the cluster's one.
    pub(crate) fn lanes<'a>(&'a self, cluster: &'a Cluster) -> Vec<Lane<'a>> {
        match &self.work {
            Work::Cluster { steps } => {
                vec![Lane {
                    name: crate::plan::CLUSTER_LANE,
                    tasks: steps.iter().map(Task::Cluster).collect(),
                }]
            }
            Work::Nodes { nodes, steps } => {
                let lane = |node: &'a Node| Lane {
                    name: node.name.as_str(),
                    tasks: steps.iter().map(|step| Task::Node(step, node)).collect(),
                };
                let mine =
                    cluster.nodes().iter().filter(|node| nodes.iter().any(|name| name == node.name.as_str()));
                mine.map(lane).collect()
            }
        }
    }
}
