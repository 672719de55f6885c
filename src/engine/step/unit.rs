//! A systemd unit: its file, whether it starts at boot, whether it runs, and runs what is there now.

use std::collections::BTreeMap;

use sealift_node::{Command, Mutate, Probe, UnitState};
use sealift_stream::Digest;
use serde::{Deserialize, Serialize};

use super::act::NodeAct;
use super::mode::Mode;
use super::{file, receipt};
use crate::{Change, Ctx, Difference, StepError};

/// A systemd unit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unit {
    /// With its ending, e.g. `containerd.service`.
    name: String,
    /// The template of its file in `/etc/systemd/system`; none when the unit comes with the system.
    #[serde(default)]
    template: Option<String>,
    /// Templates of drop-ins, by file name, e.g. `10-kubeadm.conf`.
    #[serde(default)]
    drop_ins: BTreeMap<String, String>,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    state: State,
    /// Files, beside its own, that it reads when it starts: when one differs from what it was started with,
    /// it is restarted.
    #[serde(default)]
    restart_on: Vec<String>,
}

fn yes() -> bool {
    true
}

/// What the unit should be doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    #[default]
    Running,
    Stopped,
    /// Somebody else starts it (kubeadm starts kubelet).
    Any,
}

/// What a unit was last started with. A digest is sturdier than comparing the files' times with the unit's
/// start: archives and copies bring old times along, clocks jump, and a file that was written again with the
/// same content needs no restart. Lost, or left behind by a kill between restart and receipt, it costs one
/// restart more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    schema: u32,
    /// Digest of each file it was started with; none for one that was not there.
    inputs: BTreeMap<String, Option<Digest>>,
}

pub(crate) struct Seen {
    unit: UnitState,
    files: BTreeMap<String, file::Seen>,
    inputs: BTreeMap<String, Option<Digest>>,
    receipt: Option<Receipt>,
}

impl Unit {
    fn receipt(&self) -> String {
        format!("unit-{}", self.name)
    }

    /// Our own files of it: path -> template.
    fn files(&self) -> BTreeMap<String, &str> {
        let own = self.template.iter().map(|t| (format!("/etc/systemd/system/{}", self.name), t.as_str()));
        let more = self
            .drop_ins
            .iter()
            .map(|(file, t)| (format!("/etc/systemd/system/{}.d/{file}", self.name), t.as_str()));
        own.chain(more).collect()
    }

    /// Why it must be restarted, given what it was started with and what is there or will be.
    fn stale(seen: &Seen, ctx: &Ctx<'_>) -> Option<String> {
        let soon = seen.inputs.keys().find(|path| ctx.will_change(path));
        if let Some(path) = soon {
            return Some(format!("{path} changes and is read at start only"));
        }
        let Some(receipt) = &seen.receipt else {
            let why = "nothing says which configuration it was started with";
            return (!seen.inputs.is_empty()).then(|| why.to_owned());
        };
        let differs = seen.inputs.iter().find(|(path, digest)| receipt.inputs.get(*path) != Some(digest));
        differs.map(|(path, _)| format!("{path} is not what it was started with"))
    }
}

impl NodeAct for Unit {
    type Seen = Seen;

    async fn observe(&self, probe: &Probe<'_>, _ctx: &Ctx<'_>) -> Result<Seen, StepError> {
        let (mut files, mut inputs) = (BTreeMap::new(), BTreeMap::new());
        for path in self.files().into_keys() {
            let seen = file::Seen::of(probe, &path).await?;
            inputs.insert(path.clone(), seen.digest);
            files.insert(path, seen);
        }
        for path in &self.restart_on {
            inputs.insert(path.clone(), probe.hash_file(path).await?);
        }
        let unit = probe.unit(&self.name).await?;
        Ok(Seen { unit, files, inputs, receipt: receipt::read(probe, &self.receipt()).await? })
    }

    fn diff(&self, seen: &Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let mut changes = vec![];
        for (path, template) in self.files() {
            let digest = Digest::of(ctx.render(template)?.as_bytes());
            if let Some((before, after)) =
                seen.files.get(&path).map_or(Ok(None), |f| f.against(&path, digest, Mode::FILE, true))?
            {
                changes.push(Change::new(
                    path,
                    before,
                    after,
                    format!("it differs from templates/{template}"),
                ));
            }
        }
        let will_have_file = self.template.is_some();
        if !will_have_file && seen.unit.load == "not-found" && self.state != State::Stopped {
            return Err(StepError::NotYet { why: format!("there is no unit {}", self.name), expect: vec![] });
        }
        if seen.unit.load == "masked" && self.state != State::Stopped {
            return Err(StepError::Refused {
                what: self.name.clone(),
                why: "is masked: somebody does not want it to run".to_owned(),
                next: Some(format!("systemctl unmask {}", self.name)),
            });
        }
        let is_enabled = matches!(
            seen.unit.enabled.as_str(),
            "enabled" | "enabled-runtime" | "static" | "alias" | "generated"
        );
        let is_static = seen.unit.enabled == "static";
        let rightly_gone = seen.unit.load == "not-found" && !self.enabled;
        if self.enabled != is_enabled && !is_static && !rightly_gone {
            let (before, after) = if self.enabled {
                ("not started at boot", "started at boot")
            } else {
                ("started at boot", "not started at boot")
            };
            changes.push(Change::new(
                format!("{} at boot", self.name),
                before,
                after,
                ctx.because("a reboot must bring the node back as it was".to_owned()),
            ));
        }
        let runs = matches!(seen.unit.active.as_str(), "active" | "reloading");
        let lives = runs || seen.unit.active == "activating";
        let fresh_file =
            !changes.is_empty() && changes.iter().any(|change| seen.files.contains_key(&change.what));
        match self.state {
            State::Running if !runs => {
                changes.push(Change::new(
                    &self.name,
                    &seen.unit.active,
                    "running",
                    ctx.because("it must run".to_owned()),
                ));
            }
            State::Stopped if lives => {
                changes.push(Change::new(
                    &self.name,
                    &seen.unit.active,
                    "stopped",
                    ctx.because("it must not run".to_owned()),
                ));
            }
            State::Running | State::Any if lives => {
                let stale = if fresh_file {
                    Some("its unit file changes".to_owned())
                } else {
                    Self::stale(seen, ctx)
                };
                if let Some(reason) = stale {
                    changes.push(Change::new(&self.name, "running", "restarted", reason));
                }
            }
            _ => {}
        }
        if seen.unit.needs_reload && !fresh_file {
            changes.push(Change::new(
                "systemd",
                "has an older unit file in memory",
                "reloaded",
                "unit files on disk have changed",
            ));
        }
        // it is not running (kubeadm will start it) and a kill had lost the receipt: without one, the next run
        // would restart it for nothing
        let silent = self.state == State::Any && !lives && changes.is_empty();
        if silent && let Some(reason) = Self::stale(seen, ctx) {
            changes.push(Change::new(receipt::path(&self.receipt()), "absent or old", "written", reason));
        }
        Ok(changes)
    }

    async fn differences(&self, probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<Vec<Difference>, StepError> {
        let mut found = vec![];
        for (path, template) in self.files() {
            found.extend(Difference::of_file(probe, &path, ctx.render(template)?).await?);
        }
        Ok(found)
    }

    async fn apply(&self, mutate: &Mutate<'_>, ctx: &Ctx<'_>, changes: &[Change]) -> Result<(), StepError> {
        let files = self.files();
        for (path, template) in &files {
            if changes.iter().any(|change| change.what == *path) {
                mutate.write_file(path, ctx.render(template)?.into_bytes(), Mode::FILE.bits()).await?;
            }
        }
        systemctl(mutate, &["daemon-reload"]).await?;
        if self.enabled {
            systemctl(mutate, &["enable", &self.name]).await?;
        } else if changes.iter().any(|change| change.what.ends_with(" at boot")) {
            systemctl(mutate, &["disable", &self.name]).await?;
        }
        if changes.iter().any(|change| change.what == self.name) {
            let verb = if self.state == State::Stopped { "stop" } else { "restart" };
            // a unit that failed too often is refused its next start until this is forgotten; it may also be unknown
            mutate.run(Command::new(["systemctl", "reset-failed", &self.name])).await?;
            systemctl(mutate, &[verb, &self.name]).await?;
        }
        if self.state != State::Stopped {
            let inputs = self.observe(mutate, ctx).await?.inputs;
            receipt::write(mutate, &self.receipt(), &Receipt { schema: receipt::SCHEMA, inputs }).await?;
        }
        Ok(())
    }
}

/// A unit that does not start says why in its journal only: two lines of it are worth more than systemctl's
/// advice to look there.
async fn systemctl(mutate: &Mutate<'_>, args: &[&str]) -> Result<(), StepError> {
    let command = Command::new(std::iter::once("systemctl").chain(args.iter().copied())).timeout(180);
    let output = mutate.run(command.clone()).await?;
    if output.status == 0 {
        return Ok(());
    }
    if let [_, unit] = args {
        let log =
            mutate.run(Command::new(["journalctl", "--no-pager", "-n", "10", "-o", "cat", "-u", unit])).await;
        let log = log.map_or_else(|error| error.to_string(), |output| output.stdout);
        return Err(StepError::Program {
            program: command.argv.join(" "),
            status: output.status,
            tail: format!("{}\n{}", output.stderr.trim_end(), log.trim_end()),
        });
    }
    Err(StepError::program(&command.argv, &output))
}
