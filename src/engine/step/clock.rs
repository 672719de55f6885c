//! What the distribution's chrony reads, where the cluster file has it keep the clocks: settings of ours beside its own.
//!
//! They are there before the package is: its service starts at once, and the distribution's settings ask the internet.
//! Below `/etc/chrony` because chronyd's profile (`AppArmor`) lets it read nothing else; its arguments are in a file of
//! variables because the unit's command line differs from release to release.

use std::collections::BTreeMap;

use sealift_cluster::Time;
use sealift_node::{Command, Mutate, Probe};
use sealift_stream::Digest;
use serde::{Deserialize, Serialize};

use super::act::NodeAct;
use super::mode::Mode;
use super::program::well;
use super::{file, unit};
use crate::{Change, Ctx, Difference, StepError};

/// chrony's settings, where the cluster file says `time: chrony`; else none of ours.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Clock {}

const UNIT: &str = "chrony.service";
const DIR: &str = "/etc/chrony";
pub(super) const DROP_IN: &str = "/etc/systemd/system/chrony.service.d/10-sealift.conf";
pub(super) const SETTINGS: &str = "/etc/chrony/sealift.conf";
/// The last to go, and so what tells that chrony may still run by them.
pub(super) const ARGUMENTS: &str = "/etc/chrony/sealift.env";

/// In the order in which they are written.
const FILES: [(&str, &str); 3] = [
    (SETTINGS, "chrony/chrony.conf.j2"),
    (ARGUMENTS, "chrony/chrony.env.j2"),
    (DROP_IN, "chrony/10-sealift.conf.j2"),
];

fn wanted(ctx: &Ctx<'_>) -> bool {
    ctx.cluster().os().time == Time::Chrony
}

impl NodeAct for Clock {
    type Seen = Vec<(&'static str, &'static str, file::Seen)>;

    async fn observe(&self, probe: &Probe<'_>, _ctx: &Ctx<'_>) -> Result<Self::Seen, StepError> {
        let mut seen = vec![];
        for (path, template) in FILES {
            seen.push((path, template, file::Seen::of(probe, path).await?));
        }
        Ok(seen)
    }

    fn diff(&self, seen: &Self::Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let mut changes = vec![];
        for (path, template, file) in seen {
            if !wanted(ctx) {
                let reason = "the cluster file leaves the clocks to whom they had before";
                let there = file.stat.as_ref().map(|_| Change::new(*path, "present", "absent", reason));
                changes.extend(there);
                continue;
            }
            let digest = Digest::of(ctx.render(template)?.as_bytes());
            if let Some((before, after)) = file.against(path, digest, Mode::FILE, true)? {
                let reason = match before.as_str() {
                    "absent" => format!("templates/{template} says it must be there"),
                    _ => format!("it differs from templates/{template}"),
                };
                changes.push(Change::new(*path, before, after, ctx.because(reason)));
            }
        }
        Ok(changes)
    }

    async fn differences(&self, probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<Vec<Difference>, StepError> {
        let mut found = vec![];
        for (path, template) in FILES.into_iter().filter(|_| wanted(ctx)) {
            found.extend(Difference::of_file(probe, path, ctx.render(template)?).await?);
        }
        Ok(found)
    }

    async fn makes(&self, _probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<BTreeMap<String, Digest>, StepError> {
        let files = FILES.into_iter().filter(|_| wanted(ctx));
        files
            .map(|(path, template)| Ok((path.to_owned(), Digest::of(ctx.render(template)?.as_bytes()))))
            .collect()
    }

    async fn apply(&self, mutate: &Mutate<'_>, ctx: &Ctx<'_>, _changes: &[Change]) -> Result<(), StepError> {
        if !wanted(ctx) {
            return give_back(mutate).await;
        }
        // one that is there is the package's
        if mutate.stat(DIR).await?.is_none() {
            mutate.make_dir(DIR, 0o755).await?;
        }
        for (path, template) in FILES {
            file::put_right(mutate, path, ctx.render(template)?.into_bytes(), Mode::FILE).await?;
        }
        reload(mutate).await
    }
}

/// Has a chrony that stays read the distribution's settings again.
pub(super) async fn give_back(mutate: &Mutate<'_>) -> Result<(), StepError> {
    if mutate.stat(ARGUMENTS).await?.is_some() || mutate.stat(DROP_IN).await?.is_some() {
        mutate.remove(DROP_IN).await?;
        reload(mutate).await?;
        unit::give_back(mutate, UNIT).await?;
        // a site's own may have failed before, and may again
        mutate.run(Command::new(["systemctl", "try-restart", UNIT]).timeout(180)).await?;
    }
    mutate.remove(SETTINGS).await?;
    Ok(mutate.remove(ARGUMENTS).await?)
}

async fn reload(mutate: &Mutate<'_>) -> Result<(), StepError> {
    well(mutate, Command::new(["systemctl", "daemon-reload"]).timeout(180)).await.map(drop)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::Templates;

    fn settings(nodes: &[(&str, &str)], own: &str, servers: &[&str]) -> String {
        let nodes: Vec<_> = nodes
            .iter()
            .enumerate()
            .map(|(at, (name, role))| json!({"name": name, "role": role, "ssh": {"address": format!("10.0.0.{at}")}}))
            .collect();
        let node = nodes.iter().find(|node| node["name"] == own).unwrap();
        let context = json!({"cluster": {"nodes": nodes, "os": {"timeServers": servers}}, "node": node});
        let text = Templates::embedded().unwrap().render("chrony/chrony.conf.j2", &context).unwrap();
        text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("|")
    }

    const LAST: &str = "makestep 1 3|driftfile /var/lib/chrony/chrony.drift|rtcsync";

    #[test]
    fn control_planes_ask_each_other_and_the_site_and_workers_ask_them() {
        let one = [("a", "control-plane"), ("w", "worker")];
        assert_eq!(settings(&one, "a", &[]), format!("local stratum 10|allow 10.0.0.1|{LAST}"));
        assert_eq!(settings(&one, "w", &["10.9.9.9"]), format!("server 10.0.0.0 iburst|{LAST}"));
        let three = [("a", "control-plane"), ("b", "control-plane"), ("c", "control-plane")];
        let ways = "server 10.0.0.0 iburst|server 10.0.0.2 iburst|server 10.9.9.9 iburst";
        let others = "allow 10.0.0.0|allow 10.0.0.2";
        let wanted = format!("{ways}|local stratum 10 orphan|{others}|{LAST}");
        assert_eq!(settings(&three, "b", &["10.9.9.9"]), wanted);
    }
}
