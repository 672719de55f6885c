//! The network configuration that containerd takes is ours: no other file stands before it.
//!
//! Our own file is written by the pod network's `DaemonSet` on every node, again within two seconds of every change
//! (templates/cluster/flannel.yaml.j2); here only its mode and owner are looked at. containerd takes the first file of
//! the folder, so one that somebody leaves before ours gives new pods another network, or none.

use sealift_node::{Mutate, PathKind, Probe, Stat};
use serde::{Deserialize, Serialize};

use super::act::NodeAct;
use super::mode::Mode;
use crate::{Change, Ctx, StepError};

/// Our configuration comes first.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CniConfig {
    /// The folder that containerd reads.
    dir: String,
    /// Our file's name in it.
    name: String,
}

pub(crate) struct Seen {
    /// Files that containerd would take before ours.
    before: Vec<String>,
    ours: Option<Stat>,
}

/// Whether a network plugin's library takes a file of this name for a configuration (libcni, `ConfFiles`).
fn is_configuration(name: &str) -> bool {
    [".conf", ".conflist", ".json"].iter().any(|ending| name.ends_with(ending))
}

impl CniConfig {
    fn path(&self) -> String {
        format!("{}/{}", self.dir, self.name)
    }
}

impl NodeAct for CniConfig {
    type Seen = Seen;

    async fn observe(&self, probe: &Probe<'_>, _ctx: &Ctx<'_>) -> Result<Seen, StepError> {
        let names = probe.list_dir(&self.dir).await?.unwrap_or_default();
        let rivals = names.into_iter().filter(|name| is_configuration(name) && *name < self.name);
        let before = rivals.map(|name| format!("{}/{name}", self.dir)).collect();
        Ok(Seen { before, ours: probe.stat(&self.path()).await? })
    }

    fn diff(&self, seen: &Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let reason = ctx.because(format!("containerd takes it instead of {}", self.name));
        let set_aside = |path: &String| Change::new(path, "there", "set aside beside it", &reason);
        let mut changes: Vec<Change> = seen.before.iter().map(set_aside).collect();
        // absent, or no file: that is for who writes it
        let ours = seen.ours.as_ref().filter(|stat| stat.kind == PathKind::File);
        if let Some(stat) = ours.filter(|stat| (stat.mode, stat.uid, stat.gid) != (Mode::FILE.bits(), 0, 0)) {
            let before = format!("mode {:04o}, owner {}:{}", stat.mode, stat.uid, stat.gid);
            let after = format!("mode {}, owner 0:0", Mode::FILE);
            changes.push(Change::new(self.path(), before, after, "who may write it decides what pods reach"));
        }
        Ok(changes)
    }

    async fn apply(&self, mutate: &Mutate<'_>, _ctx: &Ctx<'_>, changes: &[Change]) -> Result<(), StepError> {
        for change in changes {
            if change.what == self.path() {
                mutate.set_mode(&change.what, Mode::FILE.bits()).await?;
            } else {
                mutate.set_aside(&change.what).await?;
            }
        }
        Ok(())
    }
}
