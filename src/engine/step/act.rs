//! A step's three acts, and the two families of steps.

use std::collections::BTreeMap;
use std::future::Future;

use sealift_node::{Mutate, Probe};
use sealift_stream::Digest;

use crate::{Change, ClusterEyes, ClusterHands, Ctx, Difference, Job, StepError};

/// A step that concerns one node.
///
/// `observe` may only ask ([`Probe`]); `diff` is pure; `apply` gets the one handle that can change things.
/// Verification is `observe` + `diff` again, which must be empty: a step need not check its own work.
pub(crate) trait NodeAct {
    /// What `observe` found.
    type Seen: Send;

    /// The program of its own that applying it starts on the node, if it does: ours may end while it goes on.
    fn own_unit(&self) -> Option<Job> {
        None
    }

    /// Asks the node; an absent thing is an observation, not an error.
    fn observe(
        &self,
        probe: &Probe<'_>,
        ctx: &Ctx<'_>,
    ) -> impl Future<Output = Result<Self::Seen, StepError>> + Send;

    /// What would have to change, with reasons. Empty when all is as it should be.
    fn diff(&self, seen: &Self::Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError>;

    /// What its changes are in the text of files, for `plan --diff`; asks only. None of a step that writes no text.
    fn differences(
        &self,
        _probe: &Probe<'_>,
        _ctx: &Ctx<'_>,
    ) -> impl Future<Output = Result<Vec<Difference>, StepError>> + Send {
        std::future::ready(Ok(vec![]))
    }

    /// Digests of the files that it makes, by their paths, where they are known beforehand. Who reads one of them at
    /// its start only can tell by them whether it must start again.
    fn makes(
        &self,
        _probe: &Probe<'_>,
        _ctx: &Ctx<'_>,
    ) -> impl Future<Output = Result<BTreeMap<String, Digest>, StepError>> + Send {
        std::future::ready(Ok(BTreeMap::new()))
    }

    /// Makes it so. May be killed at any instruction; a second call must converge.
    fn apply(
        &self,
        mutate: &Mutate<'_>,
        ctx: &Ctx<'_>,
        changes: &[Change],
    ) -> impl Future<Output = Result<(), StepError>> + Send;
}

/// A step that concerns the cluster as a whole; it reaches the API and Helm through a control plane (law 9).
pub(crate) trait ClusterAct {
    /// What `observe` found.
    type Seen: Send;

    /// The program of its own that applying it starts on the node, if it does: ours may end while it goes on.
    fn own_unit(&self) -> Option<Job> {
        None
    }

    /// Asks the API; a cluster that is not there yet is an observation ([`ClusterEyes::api`] is `None`).
    fn observe(
        &self,
        eyes: &ClusterEyes<'_>,
        ctx: &Ctx<'_>,
    ) -> impl Future<Output = Result<Self::Seen, StepError>> + Send;

    /// What would have to change, with reasons.
    fn diff(&self, seen: &Self::Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError>;

    /// What its changes are in fields of objects, for `plan --diff`; asks only. None of a step that applies none.
    fn differences(
        &self,
        _eyes: &ClusterEyes<'_>,
        _ctx: &Ctx<'_>,
    ) -> impl Future<Output = Result<Vec<Difference>, StepError>> + Send {
        std::future::ready(Ok(vec![]))
    }

    /// A step on the cluster makes no files.
    fn makes(
        &self,
        _eyes: &ClusterEyes<'_>,
        _ctx: &Ctx<'_>,
    ) -> impl Future<Output = Result<BTreeMap<String, Digest>, StepError>> + Send {
        std::future::ready(Ok(BTreeMap::new()))
    }

    /// Makes it so.
    fn apply(
        &self,
        hands: &ClusterHands<'_>,
        ctx: &Ctx<'_>,
        changes: &[Change],
    ) -> impl Future<Output = Result<(), StepError>> + Send;
}
