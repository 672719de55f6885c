//! A node's own addresses: tried first, and kept only over a new connection to where the node is to answer.

mod files;
mod look;
mod settle;

use sealift_node::{Mutate, Probe, Secretless, Trial, TrialFile, TrialRecord};
use serde::{Deserialize, Serialize};

use super::act::NodeAct;
use crate::network::live::Live;
use crate::network::{Commands, Link, Renderer, Written};
use crate::{Change, Ctx, Difference, StepError};

/// The addresses, routes and name servers of the cluster file's `network`; nothing on a node without one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Network {
    /// Seconds after which the node goes back by itself. A switch may take 50 to let a port speak (802.1D).
    #[serde(default = "seconds")]
    seconds: u64,
}

fn seconds() -> u64 {
    90
}

/// What the node has, and what it should have.
pub(crate) struct Seen {
    links: Vec<Link>,
    renderer: Renderer,
    live: Live,
    files: Vec<SeenFile>,
    trial: Option<TrialRecord>,
    commands: Commands,
}

/// A lasting file and how it is.
struct SeenFile {
    written: Written,
    /// No volatile form: what it says is not needed to reach the node.
    only_lasting: bool,
    /// In a few words; none when it is as it should be.
    differs: Option<String>,
}

impl NodeAct for Network {
    type Seen = Option<Seen>;

    async fn observe(&self, probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<Self::Seen, StepError> {
        let seen = look::look(probe, ctx).await?;
        if let Some(seen) = seen.as_ref().filter(|seen| !seen.is_right()) {
            look::clashes(probe, ctx, seen).await?;
        }
        Ok(seen)
    }

    fn diff(&self, seen: &Self::Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let Some(seen) = seen else { return Ok(vec![]) };
        let mut changes = vec![];
        for link in &seen.links {
            let missing = seen.live.missing(link);
            if let Some(first) = missing.first() {
                let reason = ctx.because(first.clone());
                let device = link.device();
                changes.push(Change::new(
                    format!("network of {device}"),
                    seen.live.shown(&device),
                    shown(link),
                    reason,
                ));
            }
        }
        for file in &seen.files {
            if let Some(differs) = &file.differs {
                let after = format!("as the cluster file has it, mode {:04o}", file.written.mode);
                let reason = ctx.because(format!("{} must say so after a reboot", seen.renderer));
                changes.push(Change::new(&file.written.lasting, differs, after, reason));
            }
        }
        if changes.is_empty() && seen.trial.is_some() {
            let reason = "an earlier run had it tried and did not say that it stays";
            changes.push(Change::new("network of the node", "being tried", "kept", reason));
        }
        Ok(changes)
    }

    async fn differences(&self, probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<Vec<Difference>, StepError> {
        let mut differences = vec![];
        for file in look::look(probe, ctx).await?.into_iter().flat_map(|seen| seen.files) {
            differences.extend(Difference::of_file(probe, &file.written.lasting, file.written.text).await?);
        }
        Ok(differences)
    }

    async fn apply(&self, mutate: &Mutate<'_>, ctx: &Ctx<'_>, _changes: &[Change]) -> Result<(), StepError> {
        let Some(seen) = look::look(mutate, ctx).await? else { return Ok(()) };
        settle::settle(mutate, ctx, &seen, self.trial(&seen)).await
    }
}

impl Network {
    fn trial(&self, seen: &Seen) -> Trial {
        let file = |path: &str, written: &Written| TrialFile {
            path: path.to_owned(),
            content: Secretless(written.text.clone().into_bytes()),
            mode: written.mode,
        };
        let volatile = seen.files.iter().filter(|one| !one.only_lasting).map(|one| &one.written);
        let made = seen.links.iter().flat_map(Link::made);
        // one that is there already is not ours to delete, unless the trial that made it still goes on
        let there = |device: &String| seen.live.facts.interfaces.iter().any(|one| one.name == *device);
        Trial {
            volatile: volatile.map(|written| file(&written.volatile, written)).collect(),
            devices: made.filter(|device| !there(device)).collect(),
            take: seen.commands.take.clone(),
            back: seen.commands.back.clone(),
            // what others would write over ours comes first
            lasting: seen.files.iter().map(|one| file(&one.written.lasting, &one.written)).collect(),
            seconds: self.seconds,
        }
    }
}

impl Seen {
    /// Whether nothing has to be tried or written.
    fn is_right(&self) -> bool {
        let right = |link: &Link| self.live.missing(link).is_empty();
        self.links.iter().all(right) && self.files.iter().all(|file| file.differs.is_none())
    }
}

fn shown(link: &Link) -> String {
    let addresses = link.addresses.iter().map(ToString::to_string);
    let gateway = link.gateway.map(|gateway| format!("gateway {gateway}"));
    let mtu = link.mtu.map(|mtu| format!("MTU {mtu}"));
    addresses.chain(gateway).chain(mtu).collect::<Vec<_>>().join(", ")
}
