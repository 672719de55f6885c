//! A node joins the cluster.

use std::time::Duration;

use base64::Engine as _;
use sealift_k8s::{ObjectRef, Reader};
use sealift_node::{Command, Mutate, Probe};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::act::NodeAct;
use super::kubeadm::{self, Act, Stage};
use crate::{Change, ClusterHands, Ctx, Job, Secret, StepError};

/// `kubeadm join` as a worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KubeadmJoin {}

const CA: &str = "/etc/kubernetes/pki/ca.crt";
/// A certificate in PEM has some 2 KiB.
const LIMIT: u64 = 64 << 10;

pub(crate) struct Seen {
    stage: Stage,
    /// Why a node that joined once is not in the cluster; none when it is.
    lost: Option<Lost>,
}

/// Why a node that joined once is not in the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lost {
    /// It is another cluster's.
    Authority,
    /// Somebody deleted its node.
    Deleted,
}

/// How a node gets into the cluster from where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    None,
    Attach,
    Record,
    TellAgain,
    /// What is there goes first, with every container on the node.
    Anew,
    Join,
}

impl Way {
    fn of(stage: &Stage, lost: Option<Lost>) -> Self {
        match (stage, lost) {
            (Stage::Done, None) => Self::None,
            (Stage::Done, Some(Lost::Deleted)) => Self::TellAgain,
            (Stage::Done, Some(Lost::Authority)) | (Stage::Half, _) => Self::Anew,
            (Stage::Running, _) => Self::Attach,
            (Stage::Unrecorded, _) => Self::Record,
            (Stage::Absent | Stage::Foreign(..), _) => Self::Join,
        }
    }
}

impl NodeAct for KubeadmJoin {
    type Seen = Seen;

    fn own_unit(&self) -> Option<Job> {
        Some(Act::Join.own_unit())
    }

    async fn observe(&self, probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<Seen, StepError> {
        let stage = Act::Join.traces(probe).await?.stage(Act::Join, ctx.cluster().name().as_str());
        let eyes = ctx.eyes().await?;
        let Some(api) = &eyes.api else {
            if stage == Stage::Done {
                return Err(StepError::later("the cluster's API does not answer"));
            }
            let expect = self.diff(&Seen { stage, lost: None }, ctx)?;
            return Err(StepError::NotYet { why: "the cluster's API does not answer".to_owned(), expect });
        };
        let mut lost = None;
        if stage == Stage::Done {
            let authority = probe.hash_file(CA).await? == eyes.probe.hash_file(CA).await?;
            // one that was damaged is mended first, from what the join left here
            if !authority && !ctx.will_change(CA) {
                lost = Some(Lost::Authority);
            } else if !known(api, ctx.lane()).await? {
                lost = Some(Lost::Deleted);
            }
        }
        Ok(Seen { stage, lost })
    }

    fn diff(&self, seen: &Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let what = Act::Join.name();
        let after = format!("a node of {}", ctx.cluster().name());
        let change = |before: &str, reason: &str| vec![Change::new(what, before, &after, reason)];
        match (&seen.stage, seen.lost) {
            (Stage::Done, None) => Ok(vec![]),
            (Stage::Done, Some(Lost::Authority)) => Ok(change(
                "in another cluster",
                "it joined an earlier control plane: its certificate authority is another one",
            )),
            (Stage::Done, Some(Lost::Deleted)) => Ok(change(
                "not in the cluster",
                "somebody deleted its node; kubelet tells the cluster of it again",
            )),
            (Stage::Absent, _) => Ok(change("not in the cluster", "the cluster file has it")),
            (Stage::Running, _) => {
                Ok(change("at work since an earlier run", "it goes on by itself and is waited for"))
            }
            (Stage::Half, _) => {
                Ok(change("half done", "it was cut off; what it made is taken away and it begins anew"))
            }
            (Stage::Unrecorded, _) => {
                Ok(change("done, not recorded", "the run that started it did not see it end"))
            }
            (Stage::Foreign(why, next), _) => {
                Err(StepError::Refused { what: what.to_owned(), why: why.clone(), next: Some(next.clone()) })
            }
        }
    }

    async fn apply(&self, mutate: &Mutate<'_>, ctx: &Ctx<'_>, _changes: &[Change]) -> Result<(), StepError> {
        let stage = Act::Join.traces(mutate).await?.stage(Act::Join, ctx.cluster().name().as_str());
        // kubelet may have told the cluster of its node since it was looked for
        let lost = if stage == Stage::Done { self.observe(mutate, ctx).await?.lost } else { None };
        match Way::of(&stage, lost) {
            Way::None => return Ok(()),
            Way::TellAgain => return tell_again(mutate, ctx, false).await,
            Way::Attach => Act::Join.attach(mutate).await?,
            Way::Record => {}
            Way::Anew => {
                ctx.note("taking away an earlier join");
                Act::Join.take_away(mutate, ctx).await?;
                self.join(mutate, ctx).await?;
            }
            Way::Join => self.join(mutate, ctx).await?,
        }
        // before it is recorded: a run that is cut in between does it the next time
        self.take_tokens_away(mutate, ctx).await;
        Act::Join.record_done(mutate, ctx).await?;
        ctx.leave_when_asked(registered(ctx)).await
    }
}

impl KubeadmJoin {
    async fn join(&self, mutate: &Mutate<'_>, ctx: &Ctx<'_>) -> Result<(), StepError> {
        let hands = ctx.hands(mutate).await?;
        let token = make_token(&hands, ctx.lane()).await?;
        let joined = join(mutate, ctx, &hands, &token).await;
        // over a lost link kubeadm goes on, and needs its token
        if joined.as_ref().is_err_and(|error| !error.link_lost()) {
            self.take_tokens_away(mutate, ctx).await;
        }
        joined
    }

    /// They live 20 minutes at most; deleting them is a secret less, failing to is no reason to fail the join.
    async fn take_tokens_away(&self, mutate: &Mutate<'_>, ctx: &Ctx<'_>) {
        if let Err(error) = delete_tokens(mutate, ctx).await {
            ctx.note(format!("the join token was not deleted and ends by itself in 20 minutes: {error}"));
        }
    }
}

async fn join(
    mutate: &Mutate<'_>,
    ctx: &Ctx<'_>,
    hands: &ClusterHands<'_>,
    token: &Secret,
) -> Result<(), StepError> {
    let ca = hands.mutate.read_file(CA, LIMIT).await?.ok_or_else(|| {
        StepError::refused(
            format!("{CA} on {}", hands.mutate.name()),
            "is not there, and without it the join cannot know whom it joins",
        )
    })?;
    let values = json!({
        "token": token.expose(),
        "ca": base64::engine::general_purpose::STANDARD.encode(ca),
        "discovery": kubeadm::input("discovery.conf"),
    });
    let mut context = ctx.template_context();
    if let Some(map) = context.as_object_mut() {
        map.insert("join".to_owned(), values);
    }
    let config = ctx.site.templates.render("kubeadm/join.yaml.j2", &context)?;
    let discovery = ctx.site.templates.render("kubeadm/discovery.conf.j2", &context)?;
    Act::Join.run(mutate, ctx, vec![("join.yaml", config), ("discovery.conf", discovery)]).await
}

/// A node that somebody deleted comes back when kubelet starts: it still has its certificate. What kubeadm wrote into
/// the node of a control plane, it writes again.
pub(super) async fn tell_again(
    mutate: &Mutate<'_>,
    ctx: &Ctx<'_>,
    control_plane: bool,
) -> Result<(), StepError> {
    let command = Command::new(["systemctl", "restart", "kubelet.service"]).timeout(180);
    let output = mutate.run(command.clone()).await?;
    if output.status != 0 {
        return Err(StepError::program(&command.argv, &output));
    }
    ctx.leave_when_asked(registered(ctx)).await?;
    if control_plane { kubeadm::phase(mutate, ctx, &["mark-control-plane"]).await } else { Ok(()) }
}

pub(super) async fn known(api: &Reader, name: &str) -> Result<bool, StepError> {
    let node = ObjectRef::new("v1", "Node", None, name);
    Ok(api.get(&node).await.map_err(StepError::below(format!("asking for {node}")))?.is_some())
}

/// kubeadm returns when kubelet has its certificate; kubelet tells the cluster of its node a moment later.
async fn registered(ctx: &Ctx<'_>) -> Result<(), StepError> {
    for _ in 0..120 {
        if let Some(api) = &ctx.eyes().await?.api
            && known(api, ctx.lane()).await?
        {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Err(StepError::Refused {
        what: format!("node {}", ctx.lane()),
        why: "has joined, and its kubelet has not told the cluster within two minutes".to_owned(),
        next: Some("look at `journalctl -u kubelet` there".to_owned()),
    })
}

/// Says whose a token is, so that a later run finds what a cut one left.
fn description(node: &str) -> String {
    format!("sealift: {node} joins")
}

/// A token for this one node, made by kubeadm itself: it comes back on standard output, and was in no argv.
async fn make_token(hands: &ClusterHands<'_>, node: &str) -> Result<Secret, StepError> {
    let argv =
        ["/usr/local/bin/kubeadm", "token", "create", "--ttl", "20m", "--description", &description(node)];
    let command = Command::new(argv);
    let output = hands.mutate.run(command.clone()).await?;
    let token = output.stdout.trim();
    if output.status != 0 || token.len() != 23 {
        return Err(StepError::program(&command.argv, &output));
    }
    Ok(Secret::new(token))
}

/// This node's tokens, those of runs that were cut included.
async fn delete_tokens(mutate: &Mutate<'_>, ctx: &Ctx<'_>) -> Result<(), StepError> {
    let hands = ctx.hands(mutate).await?;
    let doing = || StepError::below(format!("asking for the join tokens of {}", ctx.lane()));
    let secrets = hands.api()?.list("v1", "Secret", Some("kube-system"), "").await.map_err(doing())?;
    let wanted = base64::engine::general_purpose::STANDARD.encode(description(ctx.lane()));
    let ours = secrets.iter().filter(|secret| secret.data["data"]["description"] == wanted.as_str());
    // the secret is named after the token's first part, which is no secret (bootstrap tokens, Kubernetes documentation)
    for name in ours.filter_map(|secret| secret.metadata.name.as_deref()) {
        let token = ObjectRef::new("v1", "Secret", Some("kube-system"), name);
        hands.api()?.delete(&token).await.map_err(StepError::below(format!("deleting {token}")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Lost, Stage, Way};

    #[test]
    fn only_a_half_join_and_another_clusters_node_are_taken_away() {
        for (stage, lost, way) in [
            (Stage::Absent, None, Way::Join),
            (Stage::Running, None, Way::Attach),
            (Stage::Half, None, Way::Anew),
            (Stage::Unrecorded, None, Way::Record),
            (Stage::Done, Some(Lost::Authority), Way::Anew),
            (Stage::Done, Some(Lost::Deleted), Way::TellAgain),
            // it came back by itself between the plan and the step: its pods are at work
            (Stage::Done, None, Way::None),
        ] {
            assert_eq!(Way::of(&stage, lost), way, "{stage:?} {lost:?}");
        }
    }
}
