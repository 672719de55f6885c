//! The server's own name is the one that the cluster file gives it.

use sealift_cluster::Hostname as Policy;
use sealift_node::{Mutate, Probe};
use serde::{Deserialize, Serialize};

use super::act::NodeAct;
use super::{receipt, sysctl};
use crate::{Change, Ctx, StepError};

/// The host name, now and after the next boot, where the cluster file says `hostname: set`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hostname {}

const KEPT: &str = "/etc/hostname";
/// hostname(5) has no other way on a node without D-Bus; the kernel's name is this parameter (kernel/hostname).
const LIVE: &str = "/proc/sys/kernel/hostname";
const CLOUD: &str = "/etc/cloud/cloud.cfg.d";
/// cloud-init sets the name that it was given at every boot, unless this says otherwise.
const CLOUD_FILE: &str = "/etc/cloud/cloud.cfg.d/99-sealift-hostname.cfg";
const CLOUD_TEXT: &str = "# written by sealift: the name is in the cluster file\npreserve_hostname: true\n";
const RECEIPT: &str = "hostname";
const LIMIT: u64 = 4096;

/// What the server was called before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Before {
    schema: u32,
    /// Of `/etc/hostname`; none when there was none.
    kept: Option<String>,
}

pub(crate) struct Seen {
    wanted: String,
    kept: Option<String>,
    live: String,
    /// Whether there is a cloud-init that has not been told.
    cloud: bool,
}

/// Whether a name, perhaps with a domain, is the one that is wanted.
fn is(name: &str, wanted: &str) -> bool {
    name.trim().split('.').next() == Some(wanted)
}

async fn text(probe: &Probe<'_>, path: &str) -> Result<Option<String>, StepError> {
    Ok(probe.read_file(path, LIMIT).await?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// Permission bits of the file, which stay as somebody set them.
async fn mode(probe: &Probe<'_>) -> Result<u32, StepError> {
    Ok(probe.stat(KEPT).await?.map_or(0o644, |stat| stat.mode))
}

impl Seen {
    fn is_kept(&self) -> bool {
        self.kept.as_deref().is_some_and(|kept| is(kept, &self.wanted))
    }
}

impl NodeAct for Hostname {
    type Seen = Option<Seen>;

    async fn observe(&self, probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<Self::Seen, StepError> {
        let Some(node) = ctx.node().filter(|_| ctx.cluster().os().hostname == Policy::Set) else {
            return Ok(None);
        };
        let told = text(probe, CLOUD_FILE).await?.as_deref() == Some(CLOUD_TEXT);
        Ok(Some(Seen {
            wanted: node.name.to_string(),
            kept: text(probe, KEPT).await?,
            live: text(probe, LIVE).await?.unwrap_or_default(),
            cloud: !told && probe.stat(CLOUD).await?.is_some(),
        }))
    }

    fn diff(&self, seen: &Self::Seen, _ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let Some(seen) = seen else { return Ok(vec![]) };
        let mut changes = vec![];
        if !is(&seen.live, &seen.wanted) {
            let reason = "logs and alarms name a server as kubectl does";
            changes.push(Change::new("host name", seen.live.trim(), &seen.wanted, reason));
        }
        if !seen.is_kept() {
            let before = seen.kept.as_deref().map_or("absent", str::trim);
            changes.push(Change::new(
                KEPT,
                before,
                &seen.wanted,
                "it must have that name after the next boot",
            ));
        }
        if seen.cloud {
            let reason = "cloud-init would bring the old name back at the next boot";
            changes.push(Change::new(CLOUD_FILE, "absent", "written", reason));
        }
        Ok(changes)
    }

    async fn apply(&self, mutate: &Mutate<'_>, ctx: &Ctx<'_>, _changes: &[Change]) -> Result<(), StepError> {
        let Some(seen) = self.observe(mutate, ctx).await? else { return Ok(()) };
        if !seen.is_kept() {
            if receipt::read::<Before>(mutate, RECEIPT).await?.is_none() {
                let before = Before { schema: receipt::SCHEMA, kept: seen.kept };
                receipt::write(mutate, RECEIPT, &before).await?;
            }
            let mode = mode(mutate).await?;
            mutate.write_file(KEPT, format!("{}\n", seen.wanted).into_bytes(), mode).await?;
        }
        if seen.cloud {
            mutate.write_file(CLOUD_FILE, CLOUD_TEXT.as_bytes().to_vec(), 0o644).await?;
        }
        if !is(&seen.live, &seen.wanted) {
            sysctl::set(mutate, LIVE, &seen.wanted).await?;
        }
        Ok(())
    }
}

/// Gives a node its old name back, unless somebody has given it another one meanwhile.
pub(super) async fn give_back(mutate: &Mutate<'_>, ctx: &Ctx<'_>) -> Result<(), StepError> {
    let receipt: Option<Before> = receipt::read(mutate, RECEIPT).await?;
    let Some(Before { kept, .. }) = receipt else { return Ok(()) };
    let ours = ctx.node().map(|node| node.name.to_string()).unwrap_or_default();
    let now = text(mutate, KEPT).await?;
    if !now.is_some_and(|now| is(&now, &ours)) {
        return Ok(());
    }
    match kept {
        Some(name) => {
            sysctl::set(mutate, LIVE, name.trim()).await?;
            let mode = mode(mutate).await?;
            mutate.write_file(KEPT, name.into_bytes(), mode).await?;
        }
        None => mutate.remove(KEPT).await?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Before, is};
    use crate::step::receipt::tests::found;

    #[tokio::test]
    async fn the_receipt_of_the_first_schema_is_read_for_ever() {
        let text = include_str!("receipts_v1/hostname.json");
        let before = found::<Before>(text).await.unwrap().unwrap();
        assert_eq!(before.kept.as_deref(), Some("debian"));
    }

    #[test]
    fn a_domain_behind_the_name_is_as_good() {
        assert!(is("cp1\n", "cp1") && is("cp1.plant.local", "cp1"));
        assert!(!is("cp10", "cp1") && !is("", "cp1"));
    }
}
