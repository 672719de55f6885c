//! The first control plane: it makes the cluster.

use std::time::Duration;

use sealift_node::{Mutate, Probe};
use serde::{Deserialize, Serialize};

use super::act::NodeAct;
use super::kubeadm::{Act, Stage};
use super::kubeadm_join;
use crate::{Change, Ctx, Job, StepError};

/// `kubeadm init`, once.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KubeadmInit {}

/// How long a finished control plane may take until its API answers: it may just be starting after a power cut.
const PATIENCE: Duration = Duration::from_secs(150);
/// The same in a plan, which a person waits for.
const PATIENCE_IN_A_PLAN: Duration = Duration::from_secs(20);

pub(crate) struct Seen {
    stage: Stage,
    answers: bool,
    /// Whether the cluster that answers knows this node.
    known: bool,
}

impl NodeAct for KubeadmInit {
    type Seen = Seen;

    fn own_unit(&self) -> Option<Job> {
        Some(Act::Init.own_unit())
    }

    async fn observe(&self, probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<Seen, StepError> {
        let stage = Act::Init.traces(probe).await?.stage(Act::Init, ctx.cluster().name().as_str());
        let answers = stage == Stage::Done && ctx.leave_when_asked(answers(ctx)).await?;
        let known = match ctx.eyes().await?.api {
            Some(api) if answers => kubeadm_join::known(&api, ctx.lane()).await?,
            _ => true,
        };
        Ok(Seen { stage, answers, known })
    }

    fn diff(&self, seen: &Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let what = Act::Init.name();
        let after = format!("control plane of {}", ctx.cluster().name());
        let change = |before: &str, reason: &str| vec![Change::new(what, before, &after, reason)];
        match &seen.stage {
            Stage::Absent => Ok(change("no cluster", "the first control plane of the cluster file makes the cluster")),
            Stage::Running => Ok(change("at work since an earlier run", "it goes on by itself and is waited for")),
            Stage::Half => Ok(change("half done", "it was cut off; what it made is taken away and it begins anew")),
            Stage::Unrecorded => Ok(change("done, not recorded", "the run that started it did not see it end")),
            Stage::Done if seen.answers && seen.known => Ok(vec![]),
            Stage::Done if seen.answers => Ok(change("not in the cluster", "somebody deleted its node; kubelet tells the cluster of it again")),
            Stage::Done if ctx.will_change_here() => Err(StepError::later("the API does not answer before this node is mended")),
            Stage::Done => Err(StepError::Refused {
                what: format!("the API on {}", ctx.lane()),
                why: "this control plane was finished, holds the cluster's data, and does not answer; nothing was touched".to_owned(),
                next: Some("look at `journalctl -u kubelet` and /var/log/pods there; run again when it answers".to_owned()),
            }),
            Stage::Foreign(why, next) => {
                Err(StepError::Refused { what: what.to_owned(), why: why.clone(), next: Some(next.clone()) })
            }
        }
    }

    async fn apply(&self, mutate: &Mutate<'_>, ctx: &Ctx<'_>, _changes: &[Change]) -> Result<(), StepError> {
        match Act::Init.traces(mutate).await?.stage(Act::Init, ctx.cluster().name().as_str()) {
            Stage::Running => Act::Init.attach(mutate).await?,
            Stage::Unrecorded => {}
            // it answers, or this would have been refused
            Stage::Done => return kubeadm_join::tell_again(mutate, ctx, true).await,
            Stage::Half => {
                ctx.note("taking away a half-made control plane");
                Act::Init.take_away(mutate, ctx).await?;
                self.init(mutate, ctx).await?;
            }
            Stage::Absent | Stage::Foreign(..) => self.init(mutate, ctx).await?,
        }
        Act::Init.record_done(mutate, ctx).await
    }
}

impl KubeadmInit {
    async fn init(&self, mutate: &Mutate<'_>, ctx: &Ctx<'_>) -> Result<(), StepError> {
        let config = ctx.render("kubeadm/init.yaml.j2")?;
        Act::Init.run(mutate, ctx, vec![("init.yaml", config)]).await
    }
}

/// Whether the API answers, waiting a while for it.
async fn answers(ctx: &Ctx<'_>) -> Result<bool, StepError> {
    let patience = if ctx.will_change_here() {
        // what keeps it from answering may be what is mended first
        Duration::ZERO
    } else if ctx.planning() {
        PATIENCE_IN_A_PLAN
    } else {
        PATIENCE
    };
    let until = tokio::time::Instant::now() + patience;
    loop {
        if ctx.eyes().await?.api.is_some() {
            return Ok(true);
        }
        if tokio::time::Instant::now() >= until {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}
