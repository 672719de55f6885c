//! No swap: now, and after the next boot.

use sealift_cluster::Swap as Policy;
use sealift_node::{Command, Mutate, PathKind, Probe};
use serde::{Deserialize, Serialize};

use super::act::NodeAct;
use super::file::Seen as FileSeen;
use super::program::well;
use super::receipt;
use crate::{Change, Ctx, Difference, StepError};

/// No swap, unless the cluster file says `swap: ignore`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Swap {}

/// Before a line of fstab that we switched off: a reset takes it away again.
pub(crate) const MARK: &str = "#sealift-swap# ";
/// What starts swap at boot whatever defines it: fstab, GPT discovery, zram-generator. Masking this one unit
/// is sturdier than finding every swap unit's name. (systemd.special(7))
const TARGET: &str = "swap.target";
/// Debian's zram-tools starts swap from a service of its own.
const SERVICES: &[&str] = &["zramswap.service", "zram-config.service"];
/// Where the site's own units are.
const UNITS: &str = "/etc/systemd/system";
/// A unit in that folder cannot be masked, and its `[Install]` may name any target: a drop-in for the whole type
/// (systemd.unit(5), since 244) keeps every one of them off.
pub(crate) const DROP_IN: &str = "/etc/systemd/system/swap.d/10-sealift.conf";
const DROP_IN_TEXT: &str = "# sealift: no swap unit starts while this file is there\n[Unit]\n\
    ConditionPathExists=!/etc/systemd/system/swap.d/10-sealift.conf\n";
const FSTAB: &str = "/etc/fstab";
const LIMIT: u64 = 1 << 20;

const RECEIPT: &str = "swap";

/// What this step masked on the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Masked {
    schema: u32,
    units: Vec<String>,
}

/// The units that we masked there.
pub(crate) async fn masked(probe: &Probe<'_>) -> Result<Vec<String>, StepError> {
    let receipt: Option<Masked> = receipt::read(probe, RECEIPT).await?;
    Ok(receipt.map(|receipt| receipt.units).unwrap_or_default())
}

pub(crate) struct Seen {
    /// Devices and files swapped to now.
    active: Vec<String>,
    /// fstab, when it has a swap line.
    fstab: Option<String>,
    /// Units that start swap and are not masked.
    units: Vec<&'static str>,
    /// Swap units of the site's own that nothing keeps from starting.
    own: Vec<String>,
    /// Whether there is another file in the place of ours.
    other: bool,
}

/// The first column of `/proc/swaps` (proc(5)), without its header.
pub(crate) fn active(swaps: &str) -> Vec<String> {
    swaps.lines().skip(1).filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// Whether a line of fstab(5) is a swap that mounts at boot.
fn is_swap(line: &str) -> bool {
    let fields: Vec<&str> = line.split_whitespace().collect();
    !line.trim_start().starts_with('#') && fields.get(2) == Some(&"swap")
}

/// fstab with its swap lines switched off; none when it has none.
pub(crate) fn switched_off(fstab: &str) -> Option<String> {
    if !fstab.lines().any(is_swap) {
        return None;
    }
    let line = |line: &str| {
        let mark = if is_swap(line) { MARK } else { "" };
        format!("{mark}{line}")
    };
    Some(fstab.split_inclusive('\n').map(line).collect())
}

impl NodeAct for Swap {
    type Seen = Seen;

    async fn observe(&self, probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<Seen, StepError> {
        let mut seen = Seen { active: vec![], fstab: None, units: vec![], own: vec![], other: false };
        if ctx.cluster().os().swap == Policy::Ignore {
            return Ok(seen);
        }
        let text = async |path: &str| -> Result<String, StepError> {
            let bytes = probe.read_file(path, LIMIT).await?.unwrap_or_default();
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        seen.active = active(&text("/proc/swaps").await?);
        let fstab = text(FSTAB).await?;
        seen.fstab = switched_off(&fstab).map(|_| fstab);
        for name in std::iter::once(TARGET).chain(SERVICES.iter().copied()) {
            let unit = probe.unit(name).await?;
            // a service is there with its package only; the target belongs to systemd
            if unit.load != "masked" && (name == TARGET || unit.load == "loaded") {
                seen.units.push(name);
            }
        }
        let drop_in = probe.read_file(DROP_IN, LIMIT).await?;
        if drop_in.as_deref() != Some(DROP_IN_TEXT.as_bytes()) {
            seen.own = own_units(probe).await?;
            seen.other = drop_in.is_some();
        }
        Ok(seen)
    }

    fn diff(&self, seen: &Seen, _ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let kubelet = "kubelet does not start while there is swap";
        let mut changes: Vec<Change> = seen
            .active
            .iter()
            .map(|device| Change::new(format!("swap {device}"), "on", "off", kubelet))
            .collect();
        if seen.fstab.is_some() {
            changes.push(Change::new(
                FSTAB,
                "mounts swap",
                "its swap lines commented out",
                "swap must not come back after a reboot",
            ));
        }
        for unit in &seen.units {
            changes.push(Change::new(
                *unit,
                "starts swap",
                "masked",
                "swap must not come back after a reboot",
            ));
        }
        if !seen.own.is_empty() {
            let off = format!("keeps {} off", seen.own.join(", "));
            let before = if seen.other { "says something else" } else { "absent" };
            changes.push(Change::new(DROP_IN, before, off, "swap must not come back after a reboot"));
        }
        Ok(changes)
    }

    async fn differences(&self, probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<Vec<Difference>, StepError> {
        let seen = self.observe(probe, ctx).await?;
        let mut all = vec![];
        if let Some(after) = seen.fstab.as_deref().and_then(switched_off) {
            all.extend(Difference::of_file(probe, FSTAB, after).await?);
        }
        if !seen.own.is_empty() {
            all.extend(Difference::of_file(probe, DROP_IN, DROP_IN_TEXT.to_owned()).await?);
        }
        Ok(all)
    }

    async fn apply(&self, mutate: &Mutate<'_>, ctx: &Ctx<'_>, _changes: &[Change]) -> Result<(), StepError> {
        let seen = self.observe(mutate, ctx).await?;
        if let Some(off) = seen.fstab.as_deref().and_then(switched_off) {
            let mode = FileSeen::of(mutate, FSTAB).await?.stat.map_or(0o644, |stat| stat.mode);
            mutate.write_file(FSTAB, off.into_bytes(), mode & 0o777).await?;
        }
        if !seen.units.is_empty() {
            // before it is done: a reset takes away what we masked, and not what the site had
            let mut units = masked(mutate).await?;
            for unit in &seen.units {
                if !units.iter().any(|known| known == unit) {
                    units.push((*unit).to_owned());
                }
            }
            receipt::write(mutate, RECEIPT, &Masked { schema: receipt::SCHEMA, units }).await?;
            let mut argv = vec!["systemctl", "mask"];
            argv.extend(&seen.units);
            run(mutate, &argv, 60).await?;
        }
        if !seen.own.is_empty() {
            mutate.write_file(DROP_IN, DROP_IN_TEXT, 0o644).await?;
            run(mutate, &["systemctl", "daemon-reload"], 60).await?;
        }
        if seen.active.is_empty() {
            return Ok(());
        }
        // pages come back to memory one by one: minutes on a machine that had swapped a lot
        run(mutate, &["swapoff", "--all"], 900).await
    }
}

/// Swap units in the site's folder, files and links to files elsewhere (`systemctl link`); not those that are masked.
async fn own_units(probe: &Probe<'_>) -> Result<Vec<String>, StepError> {
    let mut own = vec![];
    for name in probe.list_dir(UNITS).await?.unwrap_or_default() {
        if name.rsplit('.').next() == Some("swap") {
            let path = format!("{UNITS}/{name}");
            let counts = match probe.stat(&path).await?.map(|stat| stat.kind) {
                Some(PathKind::File) => true,
                Some(PathKind::Link) => probe.read_link(&path).await?.as_deref() != Some("/dev/null"),
                _ => false,
            };
            own.extend(counts.then_some(name));
        }
    }
    Ok(own)
}

async fn run(mutate: &Mutate<'_>, argv: &[&str], seconds: u64) -> Result<(), StepError> {
    well(mutate, Command::new(argv.iter().copied()).timeout(seconds)).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::{Masked, active, switched_off};
    use crate::step::receipt::tests::found;

    #[tokio::test]
    async fn the_receipt_of_the_first_schema_is_read_for_ever() {
        let masked = found::<Masked>(include_str!("receipts_v1/swap.json")).await.unwrap().unwrap();
        assert_eq!(masked.units, ["swap.target"]);
    }

    #[test]
    fn reads_proc_swaps() {
        let text = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/sda2                               partition\t999420\t\t0\t\t-2\n/swap\\040file file 1 0 -3\n";
        assert_eq!(active(text), ["/dev/sda2", "/swap\\040file"]);
        assert_eq!(active("Filename\tType\n"), Vec::<String>::new());
        assert_eq!(active(""), Vec::<String>::new());
    }

    #[test]
    fn switches_off_swap_lines_and_nothing_else() {
        let fstab = "# swap was here: UUID=1 none swap sw 0 0\nUUID=2 / ext4 defaults 0 1\nUUID=3\tnone\tswap\tsw\t0\t0\n/swap none swap sw 0 0";
        let off = "# swap was here: UUID=1 none swap sw 0 0\nUUID=2 / ext4 defaults 0 1\n#sealift-swap# UUID=3\tnone\tswap\tsw\t0\t0\n#sealift-swap# /swap none swap sw 0 0";
        assert_eq!(switched_off(fstab).as_deref(), Some(off));
        assert_eq!(switched_off(off), None, "once is enough");
        assert_eq!(switched_off("/dev/swap /swap ext4 defaults 0 1\n"), None, "a name is no type");
    }
}
