//! Waiting until parts of the cluster are ready.
//!
//! Waiting changes nothing, so in a run it is done while observing: what was ready when the plan was made and is not
//! for a moment (a restarted runtime) is no change that nobody agreed to.

use std::time::Duration;

use sealift_k8s::{Stuck, Target};
use serde::{Deserialize, Serialize};

use super::act::ClusterAct;
use super::kubeadm;
use crate::{Change, ClusterEyes, ClusterHands, Ctx, StepError};

/// Characters of a state that are told while it is waited for.
const BRIEF: usize = 48;

/// Makes a target from a namespace and a name.
type Make = fn(&str, &str) -> Target;

/// Until all of these are ready.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wait {
    /// Every node of the cluster file.
    #[serde(default)]
    nodes: bool,
    /// `namespace/name`.
    #[serde(default)]
    deployments: Vec<String>,
    /// `namespace/name`.
    #[serde(default)]
    daemonsets: Vec<String>,
    /// Seconds.
    #[serde(default = "default_timeout")]
    timeout: u64,
}

fn default_timeout() -> u64 {
    600
}

impl Wait {
    fn targets(&self, ctx: &Ctx<'_>) -> Result<Vec<Target>, StepError> {
        let mut targets = vec![];
        if self.nodes {
            targets.push(Target::Nodes(
                ctx.cluster().nodes().iter().map(|node| node.name.to_string()).collect(),
            ));
        }
        let makes: [(&[String], Make); 2] =
            [(&self.daemonsets, Target::daemon_set), (&self.deployments, Target::deployment)];
        for (names, make) in makes {
            for name in names {
                let (namespace, name) = name
                    .split_once('/')
                    .ok_or_else(|| StepError::refused(name, "is no namespace/name in a playbook"))?;
                targets.push(make(namespace, name));
            }
        }
        Ok(targets)
    }
}

/// Short enough to be read while it changes: kubelet's message about a node has several hundred characters. If the time
/// runs out, the error has all of it.
fn told(stuck: &[Stuck]) -> String {
    let brief = |one: &Stuck| match one.state.char_indices().nth(BRIEF) {
        Some((end, _)) => format!("{} ({}…)", one.what, &one.state[..end]),
        None => format!("{} ({})", one.what, one.state),
    };
    stuck.iter().map(brief).collect::<Vec<_>>().join(", ")
}

impl ClusterAct for Wait {
    type Seen = Vec<Stuck>;

    async fn observe(&self, eyes: &ClusterEyes<'_>, ctx: &Ctx<'_>) -> Result<Vec<Stuck>, StepError> {
        let targets = self.targets(ctx)?;
        let Some(api) = &eyes.api else {
            return Err(kubeadm::cannot_be_asked(&eyes.probe, ctx, kubeadm::SILENT, vec![]).await);
        };
        if ctx.planning() {
            let stuck = api.not_ready(&targets).await.map_err(StepError::below("asking what is ready"))?;
            // a symptom of what is mended first is no difference of its own
            if !stuck.is_empty() && ctx.will_change_anywhere() {
                return Err(StepError::later(format!("not ready now: {}", told(&stuck))));
            }
            return Ok(stuck);
        }
        let tell = |stuck: &[Stuck]| {
            ctx.note(format!("waiting for {}", told(stuck)));
        };
        let ready = async {
            let waited = api.wait_ready(&targets, Duration::from_secs(self.timeout), &tell).await;
            waited.map(|()| vec![]).map_err(StepError::below("waiting until the cluster is ready"))
        };
        ctx.leave_when_asked(ready).await
    }

    fn diff(&self, seen: &Vec<Stuck>, _ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let change =
            |stuck: &Stuck| Change::new(&stuck.what, &stuck.state, "ready", "what comes after needs it");
        Ok(seen.iter().map(change).collect())
    }

    async fn apply(
        &self,
        _hands: &ClusterHands<'_>,
        _ctx: &Ctx<'_>,
        _changes: &[Change],
    ) -> Result<(), StepError> {
        Ok(())
    }
}
