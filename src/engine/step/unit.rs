//! A systemd unit: its files and no others, whether it starts at boot, whether it runs, and runs what is there now.

mod started;

use std::collections::BTreeMap;

use sealift_node::{Command, Mutate, Probe, UnitState};
use sealift_stream::Digest;
use serde::{Deserialize, Serialize};

use super::act::NodeAct;
use super::mode::Mode;
use super::{file, kubeadm};
use crate::{Change, Ctx, Difference, StepError};
#[cfg(test)]
pub(crate) use started::Receipt;
use started::{Before, Started};

/// A systemd unit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unit {
    /// With its ending, e.g. `containerd.service`.
    name: String,
    /// The template of its file in `/etc/systemd/system`; none when it is another step's, or comes with the system.
    #[serde(default)]
    template: Option<String>,
    /// Templates of drop-ins, by file name, e.g. `10-kubeadm.conf`.
    #[serde(default)]
    drop_ins: BTreeMap<String, String>,
    /// Whether it starts at boot; `null` when that is another step's matter.
    #[serde(default = "yes")]
    enabled: Option<bool>,
    #[serde(default)]
    state: State,
    /// It comes with the system: the site's drop-ins of it stay, and it must once have been started by us, whoever started
    /// it before and with what (times of files tell nothing where a clock was set).
    #[serde(default)]
    foreign: bool,
    /// Files, beside its own, that it reads when it starts: when it was started with other ones, it is restarted.
    #[serde(default)]
    restart_on: Vec<String>,
}

#[expect(clippy::unnecessary_wraps, reason = "serde wants the field's type")]
fn yes() -> Option<bool> {
    Some(true)
}

/// What the unit should be doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    #[default]
    Running,
    Stopped,
    /// Another step's matter, or somebody else's.
    Any,
    /// Running, once kubeadm has come to its end on this node; until then kubeadm starts and stops it.
    Joined,
}

pub(crate) struct Seen {
    unit: UnitState,
    files: BTreeMap<String, file::Seen>,
    /// Drop-ins that somebody else put into the unit's own folders.
    strangers: Vec<String>,
    started: Started,
    /// What it should be doing, now that the node has been asked.
    state: State,
}

impl Unit {
    fn path(&self) -> String {
        format!("/etc/systemd/system/{}", self.name)
    }

    /// Our own files of it: path -> template.
    fn files(&self) -> BTreeMap<String, &str> {
        let own = self.template.iter().map(|t| (self.path(), t.as_str()));
        let more = self.drop_ins.iter().map(|(file, t)| (format!("{}.d/{file}", self.path()), t.as_str()));
        own.chain(more).collect()
    }

    fn rendered(&self, ctx: &Ctx<'_>) -> Result<BTreeMap<String, Digest>, StepError> {
        let files = self.files().into_iter();
        files.map(|(path, template)| Ok((path, Digest::of(ctx.render(template)?.as_bytes())))).collect()
    }

    /// Drop-ins in the unit's own folders that are not ours, whether systemd has read them or will. What a distribution
    /// brings (`/usr/lib`), what holds for all services, and limits set by `systemctl set-property` are left alone.
    async fn strangers(&self, probe: &Probe<'_>) -> Result<Vec<String>, StepError> {
        let (ours, mut found) = (self.files(), vec![]);
        if self.foreign {
            return Ok(found);
        }
        for folder in ["/etc/systemd/system", "/run/systemd/system"] {
            let folder = format!("{folder}/{}.d", self.name);
            for name in probe.list_dir(&folder).await?.unwrap_or_default() {
                let path = format!("{folder}/{name}");
                let read = name.strip_suffix(".conf").is_some() && !name.starts_with('.');
                if read && !ours.contains_key(&path) && !self.restart_on.contains(&path) {
                    found.push(path);
                }
            }
        }
        Ok(found)
    }

    /// Whether this step has the unit's files, and so takes strangers out of their folder.
    fn has_files(&self) -> bool {
        self.template.is_some() || !self.drop_ins.is_empty()
    }

    /// What is wrong with its files.
    fn files_changes(&self, seen: &Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let mut changes = vec![];
        for (path, template) in self.files() {
            let digest = Digest::of(ctx.render(template)?.as_bytes());
            let wrong =
                seen.files.get(&path).map_or(Ok(None), |f| f.against(&path, digest, Mode::FILE, true))?;
            if let Some((before, after)) = wrong {
                let masked = seen.unit.load == "masked" && path == self.path();
                let (before, reason) = if masked {
                    ("masked".to_owned(), "masked, it could not be started".to_owned())
                } else {
                    (before, format!("it differs from templates/{template}"))
                };
                changes.push(Change::new(path, before, after, reason));
            }
        }
        for path in seen.strangers.iter().filter(|_| self.has_files()) {
            let reason = "it lays itself over the unit's own settings";
            changes.push(Change::new(path, "somebody else's drop-in", "set aside beside it", reason));
        }
        Ok(changes)
    }

    /// What is wrong with whether it starts at boot; `fresh` when its own file is made anew, which says nothing of it.
    fn boot_change(&self, seen: &Seen, fresh: bool, ctx: &Ctx<'_>) -> Option<Change> {
        let want = self.enabled?;
        let is = starts_at_boot(&seen.unit);
        let rightly_gone = seen.unit.load == "not-found" && !want;
        let masked = fresh && seen.unit.load == "masked";
        if want == is || seen.unit.enabled == "static" || rightly_gone || masked {
            return None;
        }
        let word = |starts: bool| if starts { "started at boot" } else { "not started at boot" };
        let reason = ctx.because("a reboot must bring the node back as it was".to_owned());
        Some(Change::new(format!("{} at boot", self.name), word(is), word(want), reason))
    }

    /// What is wrong with what it is doing.
    fn run_change(&self, seen: &Seen, ctx: &Ctx<'_>) -> Result<Option<Change>, StepError> {
        let active = seen.unit.active.as_str();
        let runs = runs(&seen.unit);
        let change =
            |before: &str, after: &str, why: String| Some(Change::new(&self.name, before, after, why));
        Ok(match seen.state {
            State::Running if !runs => change(active, "running", ctx.because("it must run".to_owned())),
            State::Stopped if runs || active == "activating" => {
                change(active, "stopped", ctx.because("it must not run".to_owned()))
            }
            State::Running if self.foreign && !seen.started.was_ever_ours() => change(
                "running",
                "restarted",
                ctx.because("it was never started with these settings".to_owned()),
            ),
            State::Running => seen
                .started
                .stale(&seen.unit, &self.rendered(ctx)?, ctx)
                .and_then(|reason| change("running", "restarted", reason)),
            State::Stopped | State::Any | State::Joined => None,
        })
    }
}

impl NodeAct for Unit {
    type Seen = Seen;

    async fn observe(&self, probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<Seen, StepError> {
        let mut files = BTreeMap::new();
        for path in self.files().into_keys() {
            let seen = file::Seen::of(probe, &path).await?;
            files.insert(path, seen);
        }
        let unit = probe.unit(&self.name).await?;
        let strangers = self.strangers(probe).await?;
        let inputs = files.keys().chain(&self.restart_on).cloned().collect::<Vec<_>>();
        let started = Started::of(probe, &self.name, inputs, &strangers).await?;
        let state = match self.state {
            State::Joined if kubeadm::finished(probe, ctx).await? => State::Running,
            State::Joined => State::Any,
            other => other,
        };
        Ok(Seen { unit, files, strangers, started, state })
    }

    fn diff(&self, seen: &Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let mut changes = self.files_changes(seen, ctx)?;
        let fresh = changes.iter().any(|change| change.what == self.path());
        if !fresh && !ctx.will_change(&self.path()) && seen.state != State::Stopped {
            let refused = |why: &str, next: String| {
                Err(StepError::Refused { what: self.name.clone(), why: why.to_owned(), next: Some(next) })
            };
            match seen.unit.load.as_str() {
                "not-found" if self.template.is_none() => {
                    let why = format!("there is no unit {}", self.name);
                    return Err(StepError::NotYet { why, expect: vec![] });
                }
                "masked" => {
                    let next = format!("systemctl unmask {}", self.name);
                    return refused("is masked: somebody does not want it to run", next);
                }
                _ => {}
            }
        }
        let files = !changes.is_empty();
        changes.extend(self.boot_change(seen, fresh, ctx));
        changes.extend(self.run_change(seen, ctx)?);
        if seen.unit.needs_reload && !files && (self.has_files() || self.foreign) {
            let reason = "unit files on disk have changed";
            changes.push(Change::new("systemd", "has an older unit file in memory", "reloaded", reason));
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

    async fn makes(&self, _probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<BTreeMap<String, Digest>, StepError> {
        self.rendered(ctx)
    }

    async fn apply(&self, mutate: &Mutate<'_>, ctx: &Ctx<'_>, changes: &[Change]) -> Result<(), StepError> {
        let wanted = |what: &str| changes.iter().any(|change| change.what == what);
        let boot = format!("{} at boot", self.name);
        for (path, template) in self.files() {
            if wanted(&path) {
                file::put_right(mutate, &path, ctx.render(template)?.into_bytes(), Mode::FILE).await?;
            }
        }
        let seen = self.observe(mutate, ctx).await?;
        if self.foreign {
            let before = Before { starts_at_boot: starts_at_boot(&seen.unit), runs: runs(&seen.unit) };
            seen.started.remember(mutate, &self.name, before).await?;
        }
        for path in seen.strangers.iter().filter(|path| wanted(path)) {
            if seen.started.may_have_read(path, &seen.unit) {
                Started::doubt(mutate, &self.name).await?;
            }
            mutate.set_aside(path).await?;
        }
        // a run that was cut may have written files that systemd has not read
        if seen.unit.needs_reload
            || changes.iter().any(|change| change.what != self.name && change.what != boot)
        {
            systemctl(mutate, &["daemon-reload"]).await?;
        }
        match self.enabled {
            Some(true) if wanted(&boot) || wanted(&self.path()) => {
                systemctl(mutate, &["enable", &self.name]).await?;
            }
            Some(false) if wanted(&boot) => systemctl(mutate, &["disable", &self.name]).await?,
            _ => {}
        }
        if !wanted(&self.name) {
            return Ok(());
        }
        let verb = if self.state == State::Stopped { "stop" } else { "restart" };
        // a unit that failed too often is refused its next start until this is forgotten; it may also be unknown
        mutate.run(Command::new(["systemctl", "reset-failed", &self.name])).await?;
        systemctl(mutate, &[verb, &self.name]).await?;
        if self.state != State::Stopped {
            self.observe(mutate, ctx).await?.started.record(mutate, &self.name).await?;
        }
        Ok(())
    }
}

fn starts_at_boot(unit: &UnitState) -> bool {
    matches!(unit.enabled.as_str(), "enabled" | "enabled-runtime" | "static" | "alias" | "generated")
}

fn runs(unit: &UnitState) -> bool {
    matches!(unit.active.as_str(), "active" | "reloading")
}

/// Has a unit of the system's own do what it did before us. Its package may be gone by now, and it with it.
pub(super) async fn give_back(mutate: &Mutate<'_>, name: &str) -> Result<(), StepError> {
    let Some(before) = Started::before(mutate, name).await? else { return Ok(()) };
    for (was, undo) in [(before.starts_at_boot, "disable"), (before.runs, "stop")] {
        if !was {
            mutate.run(Command::new(["systemctl", undo, name]).timeout(180)).await?;
        }
    }
    Ok(())
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
