//! What kubeadm made on a node is as it made it.
//!
//! kubeadm has no verb that says what is wrong with it, and running one only to see is no question. So what it left is
//! kept right after it ended (docs/decisions/0024-what-kubeadm-made.md), and held against what is there.

mod fault;
mod group;
mod mend;
mod record;

use std::collections::BTreeMap;

use sealift_node::{Mutate, Probe};
use sealift_stream::Digest;
use serde::{Deserialize, Serialize};

use super::act::NodeAct;
use super::kubeadm;
use crate::{Change, Ctx, Difference, StepError};
use fault::{Fault, Mend, fault};
use group::Group;
use mend::mend;
use record::Record;

/// One group of what kubeadm made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KubeadmFiles {
    group: Group,
}

pub(crate) enum Seen {
    /// kubeadm has not come to its end: that is for its own steps.
    Before,
    Unrecorded,
    Faults(Vec<Fault>, Record),
}

/// Keeps how kubeadm left all groups.
pub(crate) async fn record_all(mutate: &Mutate<'_>) -> Result<(), StepError> {
    for group in [Group::Credentials, Group::Kubelet, Group::StaticPods] {
        Record::write(mutate, group).await?;
    }
    Ok(())
}

impl NodeAct for KubeadmFiles {
    type Seen = Seen;

    async fn observe(&self, probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<Seen, StepError> {
        if !kubeadm::finished(probe, ctx).await? {
            return Ok(Seen::Before);
        }
        let Some(record) = Record::read(probe, self.group).await? else { return Ok(Seen::Unrecorded) };
        let mut faults = vec![];
        for (path, left) in &record.files {
            faults.extend(fault(probe, path, left).await?);
        }
        if self.group == Group::StaticPods {
            // the folder itself is nobody's manifest: on a worker kubelet makes it, after kubeadm has ended
            let found = self.group.paths(probe).await?.into_iter().filter(|path| path != group::MANIFESTS);
            for path in found.filter(|path| !record.files.contains_key(path)) {
                let (before, after) = ("somebody else's".to_owned(), "set aside beside it".to_owned());
                faults.push(Fault { path, before, after, mend: Mend::SetAside });
            }
        }
        Ok(Seen::Faults(faults, record))
    }

    fn diff(&self, seen: &Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let faults = match seen {
            Seen::Before => return Ok(vec![]),
            Seen::Unrecorded => {
                let path = super::receipt_path(self.group.receipt());
                let reason = "nothing says how kubeadm left it; it is taken as it is now, to find what changes from here on";
                return Ok(vec![Change::new(path, "absent", "written", reason)]);
            }
            Seen::Faults(faults, _) => faults,
        };
        if let Some(lost) = faults.iter().find(|fault| fault.mend == Mend::Lost) {
            return Err(StepError::Refused {
                what: lost.path.clone(),
                why: format!("is {}, and nothing on this site can make it again", lost.before),
                next: Some("bring it back from a backup of this node; nothing was touched".to_owned()),
            });
        }
        let change = |fault: &Fault| {
            let reason = match fault.mend {
                Mend::SetAside => "kubelet runs every manifest in this folder",
                Mend::Mode => "kubeadm left it so; with another mode others may read or change it",
                _ => "it is not as kubeadm left it",
            };
            Change::new(&fault.path, &fault.before, &fault.after, ctx.because(reason.to_owned()))
        };
        Ok(faults.iter().map(change).collect())
    }

    async fn differences(&self, probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<Vec<Difference>, StepError> {
        let Seen::Faults(faults, record) = self.observe(probe, ctx).await? else { return Ok(vec![]) };
        let mut found = vec![];
        for fault in faults {
            match record.files.get(&fault.path).map(|left| left.content.clone()) {
                Some(Some(content)) => found.extend(Difference::of_file(probe, &fault.path, content).await?),
                Some(None) if matches!(fault.mend, Mend::Phase(_)) => {
                    found.push(Difference::secret(&fault.path));
                }
                _ => {}
            }
        }
        Ok(found)
    }

    async fn makes(&self, probe: &Probe<'_>, _ctx: &Ctx<'_>) -> Result<BTreeMap<String, Digest>, StepError> {
        let Some(record) = Record::read(probe, self.group).await? else { return Ok(BTreeMap::new()) };
        let known = record.files.into_iter();
        Ok(known.filter_map(|(path, left)| Some((path, Digest::of(left.content?.as_bytes())))).collect())
    }

    async fn apply(&self, mutate: &Mutate<'_>, ctx: &Ctx<'_>, _changes: &[Change]) -> Result<(), StepError> {
        let (faults, record) = match self.observe(mutate, ctx).await? {
            Seen::Before => return Ok(()),
            Seen::Unrecorded => return Record::write(mutate, self.group).await,
            Seen::Faults(faults, record) => (faults, record),
        };
        for fault in faults {
            mend(mutate, ctx, self.group, &fault, record.files.get(&fault.path)).await?;
        }
        Ok(())
    }
}
