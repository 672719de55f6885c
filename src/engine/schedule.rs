//! What runs beside what: lanes in parallel, a lane's tasks in order, one disruptive task at a time.

use std::collections::BTreeMap;
use std::future::Future;

use futures::StreamExt as _;
use sealift_cluster::Node;
use sealift_node::{Mutate, Probe};
use sealift_stream::Digest;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::ctx::Pending;
use crate::playbook::StepDef;
use crate::step::{ClusterStep, NodeStep};
use crate::{Change, Ctx, Difference, Job, Site, StepError};

/// The tasks of one node in one play, or those of the cluster.
pub(crate) struct Lane<'a> {
    pub(crate) name: &'a str,
    pub(crate) tasks: Vec<Task<'a>>,
}

/// A step on its way to be observed or applied at one place.
#[derive(Clone, Copy)]
pub(crate) enum Task<'a> {
    Node(&'a StepDef<NodeStep>, &'a Node),
    Cluster(&'a StepDef<ClusterStep>),
}

impl<'a> Task<'a> {
    pub(crate) fn name(&self) -> &'a str {
        match self {
            Self::Node(step, _) => &step.name,
            Self::Cluster(step) => &step.name,
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Node(step, _) => step.step.kind(),
            Self::Cluster(step) => step.step.kind(),
        }
    }

    pub(crate) fn disruptive(&self) -> bool {
        match self {
            Self::Node(step, _) => step.disruptive,
            Self::Cluster(step) => step.disruptive,
        }
    }

    /// The unit of its own that it starts on a node.
    pub(crate) fn job(&self) -> Option<Job> {
        match self {
            Self::Node(step, _) => step.step.own_unit(),
            Self::Cluster(step) => step.step.own_unit(),
        }
    }

    pub(crate) fn after(&self) -> Option<&'a str> {
        match self {
            Self::Node(step, _) => step.after.as_deref(),
            Self::Cluster(step) => step.after.as_deref(),
        }
    }

    fn ctx(&self, site: &'a Site, pending: Option<&'a Pending>) -> Ctx<'a> {
        let node = match self {
            Self::Node(_, node) => Some(*node),
            Self::Cluster(_) => None,
        };
        let why = match self {
            Self::Node(step, _) => step.why.as_deref(),
            Self::Cluster(step) => step.why.as_deref(),
        };
        Ctx { site, node, step: self.name(), why, pending }
    }

    /// Observes and diffs; `pending` is given in a plan.
    pub(crate) async fn changes(
        &self,
        site: &'a Site,
        pending: Option<&'a Pending>,
    ) -> Result<Vec<Change>, StepError> {
        let ctx = self.ctx(site, pending);
        match self {
            Self::Node(step, node) => {
                let probe = Probe::new(site.host(node.name.as_str())?);
                step.step.changes(&probe, &ctx).await
            }
            Self::Cluster(step) => step.step.changes(&site.eyes().await?, &ctx).await,
        }
    }

    /// Digests of the files that it makes, where they are known beforehand.
    pub(crate) async fn makes(
        &self,
        site: &'a Site,
        pending: Option<&'a Pending>,
    ) -> Result<BTreeMap<String, Digest>, StepError> {
        let ctx = self.ctx(site, pending);
        match self {
            Self::Node(step, node) => {
                step.step.makes(&Probe::new(site.host(node.name.as_str())?), &ctx).await
            }
            Self::Cluster(step) => step.step.makes(&site.eyes().await?, &ctx).await,
        }
    }

    /// What its changes are in texts and fields.
    pub(crate) async fn differences(&self, site: &'a Site) -> Result<Vec<Difference>, StepError> {
        let ctx = self.ctx(site, None);
        match self {
            Self::Node(step, node) => {
                step.step.differences(&Probe::new(site.host(node.name.as_str())?), &ctx).await
            }
            Self::Cluster(step) => step.step.differences(&site.eyes().await?, &ctx).await,
        }
    }

    /// Applies.
    pub(crate) async fn apply(&self, site: &'a Site, changes: &[Change]) -> Result<(), StepError> {
        let ctx = self.ctx(site, None);
        match self {
            Self::Node(step, node) => {
                let mutate = Mutate::new(site.host(node.name.as_str())?);
                step.step.apply(&mutate, &ctx, changes).await
            }
            Self::Cluster(step) => step.step.apply(&site.hands().await?, &ctx, changes).await,
        }
    }
}

/// Limits of a run.
pub(crate) struct Gates {
    disruptive: Semaphore,
}

impl Gates {
    pub(crate) fn new() -> Self {
        Self { disruptive: Semaphore::new(1) }
    }

    /// Waits until nothing else disruptive is going on, when this task is disruptive itself.
    pub(crate) async fn enter(&self, task: &Task<'_>) -> Option<SemaphorePermit<'_>> {
        // the semaphore is never closed, so a permit always comes
        if task.disruptive() { self.disruptive.acquire().await.ok() } else { None }
    }
}

/// Runs `work` for every lane, `parallel` at once, and gives the results in the order of the lanes.
pub(crate) async fn in_lanes<'a, T, F, Fut>(lanes: &'a [Lane<'a>], parallel: usize, work: F) -> Vec<T>
where
    F: Fn(&'a Lane<'a>) -> Fut,
    Fut: Future<Output = T>,
{
    futures::stream::iter(lanes).map(work).buffered(parallel.max(1)).collect().await
}
