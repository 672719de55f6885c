//! Packages of the node's operating system, out of the bundle: a folder that is a repository for a moment, and apt.

mod apt;

use std::collections::BTreeMap;

use sealift_bundle::{Item, PackageItem};
use sealift_cluster::Time;
use sealift_debian::{Installed, Version, installed, remains, stanzas, takes_place_of};
use sealift_node::{BlobTarget, Facts, Mutate, Probe, paths};
use serde::{Deserialize, Serialize};

use super::act::NodeAct;
use super::receipt;
use crate::{Change, Ctx, Job, StepError, blobs};

/// What the bundle has for this node's system: those that its recipe names are installed and held, the others as far as
/// apt needs them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Packages {}

/// What dpkg knows.
const STATUS: &str = "/var/lib/dpkg/status";
/// What dpkg has done since it wrote [`STATUS`]: it is empty when dpkg is through (dpkg's own `doc/` and `lib/dpkg/dbmodify.c`).
const UPDATES: &str = "/var/lib/dpkg/updates";
/// A workstation with everything on it has 10 MB.
const LIMIT: u64 = 64 << 20;

const RECEIPT: &str = "packages";
/// The time service that `spec.os.time` names.
const CHRONY: &str = "chrony";

/// What came onto the node by us, and what we hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    schema: u32,
    /// Packages that were not there before.
    installed: Vec<String>,
    /// Of those, packages that had left the site's own configuration behind: it is left behind again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    configured: Vec<String>,
    /// Packages that nobody held before.
    held: Vec<String>,
    /// Packages that went because one of ours took their place, and which one. That one is not among those installed: it
    /// stays, for nobody can bring back what it replaced.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    replaced: BTreeMap<String, String>,
}

impl Receipt {
    /// Of a node that nothing came onto.
    fn none() -> Self {
        Self { schema: receipt::SCHEMA, ..Self::default() }
    }

    /// What goes again: not what took the place of something that nobody can bring back.
    fn goes(&self, found: &BTreeMap<String, Installed>) -> Vec<String> {
        let stays = |name: &String| {
            self.replaced.iter().any(|(replaced, by)| by == name && !found.contains_key(replaced))
        };
        self.installed.iter().filter(|name| !stays(name)).cloned().collect()
    }
}

/// What an earlier run wrote down.
async fn receipt(probe: &Probe<'_>) -> Result<Receipt, StepError> {
    let kept: Option<Receipt> = receipt::read(probe, RECEIPT).await?;
    Ok(kept.unwrap_or_else(Receipt::none))
}

/// What the node has, by name.
async fn there(probe: &Probe<'_>, arch: &str) -> Result<BTreeMap<String, Installed>, StepError> {
    Ok(installed(&status(probe).await?, arch))
}

async fn status(probe: &Probe<'_>) -> Result<String, StepError> {
    let status = probe.read_file(STATUS, LIMIT).await?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&status).into_owned())
}

/// A package of the bundle.
type Of<'a> = (&'a Item, &'a PackageItem);

pub(crate) struct Seen {
    /// `ID-VERSION_ID` of its os-release(5).
    system: String,
    arch: String,
    there: BTreeMap<String, Installed>,
    /// Whether dpkg was cut off in the middle.
    cut: bool,
    /// What a run that was cut after apt had ended left behind.
    left: Vec<String>,
}

impl Seen {
    /// What the bundle has for it.
    fn items<'a>(&self, ctx: &'a Ctx<'_>) -> Result<Vec<Of<'a>>, StepError> {
        let fits =
            |item: &Item| item.platform.as_ref().is_none_or(|platform| platform.architecture() == self.arch);
        let items = ctx.bundle()?.manifest().items.iter();
        let packages = items.filter_map(|item| Some((item, item.package.as_ref()?)));
        Ok(packages.filter(|(item, package)| package.system == self.system && fits(item)).collect())
    }

    /// Whether dpkg is through with one that is as new as the bundle's.
    fn has(&self, (item, package): Of<'_>) -> bool {
        let found = self.there.get(&package.package);
        found.is_some_and(|found| found.whole && found.version >= Version::new(item.version.as_str()))
    }

    /// Those whose place one takes that is to come, and which one: a system has one `time-daemon`. The cluster file must
    /// have asked for that.
    fn replaced(&self, ctx: &Ctx<'_>) -> Result<BTreeMap<String, String>, StepError> {
        let mut replaced = BTreeMap::new();
        let items = self.items(ctx)?;
        for (item, package) in items.into_iter().filter(|of| of.1.wanted && !self.has(*of)) {
            let (by, stanza) = (&package.package, stanzas(&package.control).next().unwrap_or_default());
            for name in takes_place_of(stanza, &self.there) {
                let refused = |why: String, next: String| {
                    let what = format!("package {by} {}", item.version);
                    Err(StepError::Refused { what, why, next: Some(next) })
                };
                if by != CHRONY || ctx.cluster().os().time != Time::Chrony {
                    let ask = if by == CHRONY {
                        ", or write `time: chrony` into `spec.os` of the cluster file"
                    } else {
                        ""
                    };
                    return refused(
                        format!("takes the place of {name}, which the site has"),
                        format!(
                            "apt-get remove {name} if the site can do without it{ask}, or pack without {by}"
                        ),
                    );
                }
                if self.holds(&name) {
                    let why = format!("takes the place of {name}, which somebody holds");
                    return refused(why, format!("apt-mark unhold {name}, if it may go"));
                }
                replaced.insert(name, by.clone());
            }
        }
        Ok(replaced)
    }

    fn holds(&self, name: &str) -> bool {
        self.there.get(name).is_some_and(|found| found.held)
    }
}

impl NodeAct for Packages {
    type Seen = Seen;

    fn own_unit(&self) -> Option<Job> {
        Some(Job { unit: format!("sealift-job-{}", apt::JOB), limit: apt::SECONDS })
    }

    async fn observe(&self, probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<Seen, StepError> {
        let packages = ctx.bundle()?.manifest().items.iter().any(|item| item.package.is_some());
        let facts = if packages { probe.facts().await? } else { Facts::default() };
        let system = format!("{}-{}", facts.os_id, facts.os_version);
        let mut seen = Seen { system, arch: facts.arch, there: BTreeMap::new(), cut: false, left: vec![] };
        let items = seen.items(ctx)?;
        if items.is_empty() {
            return Ok(seen);
        }
        let blobs = format!("{}/sha256", paths::BLOBS);
        let kept = probe.list_dir(&blobs).await?.unwrap_or_default();
        let kept = kept.into_iter().filter(|name| items.iter().any(|(item, _)| item.digest.hex() == *name));
        let kept: Vec<String> = kept.map(|name| format!("{blobs}/{name}")).collect();
        seen.left.extend(kept);
        if probe.stat(apt::DIR).await?.is_some() {
            seen.left.push(apt::DIR.to_owned());
        }
        seen.there = there(probe, &seen.arch).await?;
        seen.cut = probe.list_dir(UPDATES).await?.is_some_and(|names| !names.is_empty());
        Ok(seen)
    }

    fn diff(&self, seen: &Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let mut changes = vec![];
        if seen.cut {
            changes.push(Change::new(
                "dpkg",
                "cut off in the middle",
                "through",
                "it installs nothing before",
            ));
        }
        for of in seen.items(ctx)?.into_iter().filter(|(_, package)| package.wanted) {
            let (item, package) = of;
            if !seen.has(of) {
                let (before, reason) = match seen.there.get(&package.package) {
                    None => ("absent".to_owned(), "it is not installed"),
                    Some(found) if !found.whole => {
                        (format!("{}, half installed", found.version), "dpkg was cut off")
                    }
                    Some(found) => (found.version.to_string(), "the bundle's is later"),
                };
                let what = format!("package {}", package.package);
                changes.push(Change::new(what, before, &item.version, ctx.because(reason.to_owned())));
            }
            if !seen.holds(&package.package) {
                let what = format!("hold of package {}", package.package);
                let reason = "an upgrade of the system must not change it under the cluster";
                changes.push(Change::new(what, "none", "held", reason));
            }
        }
        for (name, by) in seen.replaced(ctx)? {
            let version = seen.there.get(&name).map_or_else(String::new, |found| found.version.to_string());
            let reason =
                format!("{by} takes its place, a system has one of them; a reset cannot bring it back");
            changes.push(Change::new(format!("package {name}"), version, "absent", reason));
        }
        let left = seen.left.iter().filter(|_| changes.is_empty());
        let left = left.map(|path| {
            Change::new(path, "left behind", "absent", "a run was cut after it had been installed")
        });
        let left: Vec<Change> = left.collect();
        changes.extend(left);
        Ok(changes)
    }

    async fn apply(&self, mutate: &Mutate<'_>, ctx: &Ctx<'_>, _changes: &[Change]) -> Result<(), StepError> {
        apt::wait_for_another_run(mutate).await?;
        let mut seen = self.observe(mutate, ctx).await?;
        if seen.cut || seen.there.values().any(|found| !found.whole) {
            apt::finish(mutate, ctx).await?;
            seen = self.observe(mutate, ctx).await?;
        }
        let items = seen.items(ctx)?;
        let missing: Vec<Of<'_>> = items.iter().filter(|of| !seen.has(**of)).copied().collect();
        if missing.iter().any(|(_, package)| package.wanted) {
            install(mutate, ctx, &seen, &missing).await?;
        }
        let there = there(mutate, &seen.arch).await?;
        let wanted = items.iter().filter(|(_, package)| package.wanted).map(|(_, package)| &package.package);
        let free: Vec<String> =
            wanted.filter(|name| !there.get(*name).is_some_and(|found| found.held)).cloned().collect();
        let mut kept = receipt(mutate).await?;
        add(&mut kept.held, &free);
        receipt::write(mutate, RECEIPT, &kept).await?;
        apt::hold(mutate, &free).await?;
        mutate.remove(apt::DIR).await?;
        Ok(mutate.drop_blobs(items.iter().map(|(item, _)| item.digest).collect()).await?)
    }
}

/// Brings what the node has not, has apt say what it would do, writes that down, and has it done.
async fn install(
    mutate: &Mutate<'_>,
    ctx: &Ctx<'_>,
    seen: &Seen,
    missing: &[Of<'_>],
) -> Result<(), StepError> {
    let targets: Vec<BlobTarget> =
        missing.iter().map(|(item, _)| BlobTarget::File { digest: item.digest, size: item.size }).collect();
    blobs::send(ctx, mutate, &targets).await?;
    let repository = apt::Repository::make(mutate, missing).await?;
    let wanted: Vec<String> = missing
        .iter()
        .filter(|(_, package)| package.wanted)
        .map(|(item, package)| format!("{}={}", package.package, item.version))
        .collect();
    let mut kept = receipt(mutate).await?;
    // what somebody else holds apt does not touch; of ours there may be a later one now
    let ours: Vec<String> = kept.held.iter().filter(|name| seen.holds(name)).cloned().collect();
    let absent = missing.iter().map(|(_, package)| &package.package);
    let absent: Vec<String> = absent.filter(|name| !seen.there.contains_key(*name)).cloned().collect();
    let replaced = seen.replaced(ctx)?;
    let may_go: Vec<&str> = replaced.keys().map(String::as_str).collect();
    let new = repository.would_install(mutate, &wanted, &may_go).await?;
    let new = absent.into_iter().filter(|name| new.as_ref().is_none_or(|new| new.contains(name)));
    // of an earlier run, too, which was cut between the one that went and the one that came
    kept.replaced.extend(replaced.clone());
    let new: Vec<String> = new.filter(|name| !kept.replaced.values().any(|by| by == name)).collect();
    let remains = remains(&status(mutate).await?);
    let configured: Vec<String> = new
        .iter()
        .filter(|name| remains.contains(*name) && !kept.installed.contains(name))
        .cloned()
        .collect();
    add(&mut kept.configured, &configured);
    add(&mut kept.installed, &new);
    receipt::write(mutate, RECEIPT, &kept).await?;
    apt::let_go(mutate, &ours).await?;
    let installed = repository.install(mutate, &wanted, !may_go.is_empty()).await;
    if installed.is_err() {
        // why it was not installed is said, whatever becomes of this
        let _ = apt::hold(mutate, &ours).await;
    }
    installed
}

/// Adds what is not in it yet.
fn add(to: &mut Vec<String>, names: &[String]) {
    for name in names {
        if !to.contains(name) {
            to.push(name.clone());
        }
    }
}

/// Takes away what came by us and nobody else needs by now, and lets go of what we held.
pub(super) async fn give_back(mutate: &Mutate<'_>, ctx: &Ctx<'_>) -> Result<(), StepError> {
    apt::wait_for_another_run(mutate).await?;
    let kept = receipt(mutate).await?;
    if kept == Receipt::none() {
        return Ok(());
    }
    let arch = mutate.facts().await?.arch;
    let still = async |names: &[String]| -> Result<Vec<String>, StepError> {
        let there = there(mutate, &arch).await?;
        Ok(names.iter().filter(|name| there.contains_key(*name)).cloned().collect())
    };
    apt::let_go(mutate, &still(&kept.held).await?).await?;
    let found = there(mutate, &arch).await?;
    if kept.replaced.values().any(|by| found.get(by).is_some_and(|found| !found.whole)) {
        apt::finish(mutate, ctx).await?;
    }
    for (name, by) in kept.replaced.iter().filter(|(name, _)| !found.contains_key(*name)) {
        let stays = if found.contains_key(by) { "stays: it" } else { "never came whole, and" };
        ctx.note(format!("package {by} {stays} took the place of {name}, which nobody here can bring back"));
    }
    let ours = kept.goes(&found);
    apt::remove(mutate, ctx, &still(&kept.configured).await?).await?;
    // a purge that was cut may have left the configuration
    let remains = remains(&status(mutate).await?);
    let here = |name: &&String| found.contains_key(*name) || remains.contains(*name);
    let purged = ours.iter().filter(|name| !kept.configured.contains(name)).filter(here);
    apt::purge(mutate, ctx, &purged.cloned().collect::<Vec<_>>()).await?;
    apt::want(mutate, &still(&ours).await?).await
}

/// What [`give_back`] will do.
pub(super) async fn to_give_back(probe: &Probe<'_>, reason: &str) -> Result<Vec<Change>, StepError> {
    let kept = receipt(probe).await?;
    if kept == Receipt::none() {
        return Ok(vec![]);
    }
    let found = there(probe, &probe.facts().await?.arch).await?;
    let goes = kept.goes(&found);
    let gone = goes.iter().filter_map(|name| {
        let version = found.get(name)?.version.to_string();
        Some(Change::new(format!("package {name}"), version, "absent", reason))
    });
    let stays = kept.held.iter().filter(|name| !goes.contains(name));
    let free = stays.filter(|name| found.get(*name).is_some_and(|found| found.held));
    let free = free.map(|name| Change::new(format!("hold of package {name}"), "held", "none", reason));
    Ok(gone.chain(free).collect())
}

#[cfg(test)]
mod tests {
    use super::Receipt;
    use crate::step::receipt::tests::found;

    #[tokio::test]
    async fn the_receipt_of_the_first_schema_is_read_for_ever() {
        let receipt = found::<Receipt>(include_str!("receipts_v1/packages.json")).await.unwrap().unwrap();
        assert_eq!((receipt.installed.len(), receipt.held.len()), (1, 2));
    }
}
