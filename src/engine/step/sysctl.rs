//! Kernel parameters: now, and after the next boot.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sealift_node::{Command, Mutate, PathKind, Probe};
use sealift_stream::Digest;
use serde::{Deserialize, Serialize};

use super::act::NodeAct;
use super::file;
use super::mode::Mode;
use crate::{Change, Ctx, Difference, StepError};

/// Kernel parameters, by their dotted names.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sysctl {
    values: BTreeMap<String, String>,
    /// What sets them at boot.
    #[serde(default = "default_file")]
    file: String,
}

fn default_file() -> String {
    "/etc/sysctl.d/90-sealift.conf".to_owned()
}

pub(crate) struct Seen {
    file: file::Seen,
    /// The running kernel's values, blanks made one space; none where the kernel has no such parameter.
    live: BTreeMap<String, Option<String>>,
    /// Somebody else's files that are read after ours and set a value otherwise: path, and text without that.
    later: Vec<(String, String)>,
}

/// Before a line of somebody else's file that we switched off: a reset takes it away again.
pub(crate) const MARK: &str = "#sealift-sysctl# ";
const FOLDER: &str = "/etc/sysctl.d";
/// Read last of all where it is read: by sysctl(8), and by systemd where a distribution links it into the folder.
const LAST: &str = "/etc/sysctl.conf";

/// Files of sysctl(8) that a person may have written: those of the folder that are no links, and the old one.
pub(crate) async fn foreign_files(probe: &Probe<'_>) -> Result<Vec<String>, StepError> {
    let mut found = vec![];
    let names = probe.list_dir(FOLDER).await?.unwrap_or_default();
    let names = names.into_iter().filter(|name| name.strip_suffix(".conf").is_some());
    for path in names.map(|name| format!("{FOLDER}/{name}")).chain([LAST.to_owned()]) {
        if probe.stat(&path).await?.is_some_and(|stat| stat.kind == PathKind::File) {
            found.push(path);
        }
    }
    Ok(found)
}

/// Values are short; a table such as `net.ipv4.ip_local_reserved_ports` may have some KiB.
const LIMIT: u64 = 64 << 10;

/// The parameter's file. As in sysctl(8): dots part the name, unless its first separator is a slash
/// (`net/ipv4/conf/eth0.100/forwarding`).
fn proc_path(key: &str) -> String {
    let slashes = key.find(['.', '/']).is_some_and(|at| key[at..].starts_with('/'));
    let path = if slashes { key.to_owned() } else { key.replace('.', "/") };
    format!("/proc/sys/{path}")
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Sysctl {
    fn text(&self) -> String {
        self.values.iter().fold("# written by sealift\n".to_owned(), |mut text, (key, value)| {
            let _ = writeln!(text, "{key} = {value}");
            text
        })
    }

    /// Somebody else's text with the lines commented out that set one of our values otherwise; none when none does.
    fn switched_off(&self, text: &str) -> Option<String> {
        let otherwise = |line: &str| {
            let (key, value) = line.trim().trim_start_matches('-').split_once('=')?;
            let key = proc_path(key.trim());
            let ours = self.values.iter().find(|(ours, _)| proc_path(ours) == key)?;
            (squeeze(value) != squeeze(ours.1)).then_some(())
        };
        let comment = |line: &str| line.trim_start().starts_with(['#', ';']);
        let mut found = false;
        let lines = text.split_inclusive('\n').map(|line| {
            let off = !comment(line) && otherwise(line).is_some();
            found |= off;
            format!("{}{line}", if off { MARK } else { "" })
        });
        let lines: String = lines.collect();
        found.then_some(lines)
    }

    fn differing<'a>(
        &'a self,
        live: &'a BTreeMap<String, Option<String>>,
    ) -> impl Iterator<Item = (&'a str, &'a str, Option<&'a str>)> {
        self.values.iter().filter_map(|(key, want)| {
            let found = live.get(key).and_then(Option::as_deref);
            (found != Some(squeeze(want).as_str())).then_some((key.as_str(), want.as_str(), found))
        })
    }
}

impl NodeAct for Sysctl {
    type Seen = Seen;

    async fn observe(&self, probe: &Probe<'_>, _ctx: &Ctx<'_>) -> Result<Seen, StepError> {
        let mut live = BTreeMap::new();
        for key in self.values.keys() {
            let found = probe.read_file(&proc_path(key), LIMIT).await?;
            live.insert(key.clone(), found.map(|bytes| squeeze(&String::from_utf8_lossy(&bytes))));
        }
        let mut later = vec![];
        for path in foreign_files(probe).await?.into_iter().filter(|path| *path > self.file || path == LAST) {
            let bytes = probe.read_file(&path, LIMIT).await?.unwrap_or_default();
            let off = self.switched_off(&String::from_utf8_lossy(&bytes));
            later.extend(off.map(|text| (path, text)));
        }
        Ok(Seen { file: file::Seen::of(probe, &self.file).await?, live, later })
    }

    fn diff(&self, seen: &Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let mut changes = vec![];
        if let Some((before, after)) =
            seen.file.against(&self.file, Digest::of(self.text().as_bytes()), Mode::FILE, true)?
        {
            changes.push(Change::new(&self.file, before, after, "the values must come back after a reboot"));
        }
        for (path, _) in &seen.later {
            let (before, after) = ("sets a value otherwise, after our file", "without those lines");
            changes.push(Change::new(path, before, after, "the values must come back after a reboot"));
        }
        let mut missing = vec![];
        for (key, want, found) in self.differing(&seen.live) {
            let reason = ctx.because("the running kernel has another value".to_owned());
            changes.push(Change::new(key, found.unwrap_or("absent"), want, reason));
            if found.is_none() {
                missing.push(key);
            }
        }
        if missing.is_empty() {
            return Ok(changes);
        }
        Err(StepError::NotYet {
            why: format!("this kernel has no {}: its module is not loaded", missing.join(", ")),
            expect: changes,
        })
    }

    async fn differences(&self, probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<Vec<Difference>, StepError> {
        let mut found: Vec<Difference> =
            Difference::of_file(probe, &self.file, self.text()).await?.into_iter().collect();
        for (path, text) in self.observe(probe, ctx).await?.later {
            found.extend(Difference::of_file(probe, &path, text).await?);
        }
        Ok(found)
    }

    async fn apply(&self, mutate: &Mutate<'_>, ctx: &Ctx<'_>, _changes: &[Change]) -> Result<(), StepError> {
        file::put_right(mutate, &self.file, self.text().into_bytes(), Mode::FILE).await?;
        let seen = self.observe(mutate, ctx).await?;
        for (path, text) in &seen.later {
            let mode = mutate.stat(path).await?.map_or(0o644, |stat| stat.mode & 0o777);
            mutate.write_file(path, text.clone().into_bytes(), mode).await?;
        }
        for (key, want, _) in self.differing(&seen.live) {
            set(mutate, &proc_path(key), want).await?;
        }
        Ok(())
    }
}

/// Gives a value to the kernel through its own file by tee(1), which every system has: sysctl(8) is a package that a
/// bare one may lack, and a write by temporary file and rename is not possible there.
pub(crate) async fn set(mutate: &Mutate<'_>, path: &str, value: &str) -> Result<(), StepError> {
    let command = Command::new(["tee", path]).stdin(value.as_bytes().to_vec());
    let output = mutate.run(command.clone()).await?;
    if output.status == 0 { Ok(()) } else { Err(StepError::program(&command.argv, &output)) }
}

#[cfg(test)]
mod tests {
    use super::{MARK, Sysctl, proc_path};

    #[test]
    fn only_lines_that_set_our_values_otherwise_are_switched_off() {
        let step: Sysctl =
            serde_json::from_str(r#"{"values": {"net.ipv4.ip_forward": "1", "a.range": "1 2"}}"#).unwrap();
        let text = "# net.ipv4.ip_forward = 0\nnet.ipv4.ip_forward=1\n-net/ipv4/ip_forward = 0\na.range = 1\t2\nother = 3";
        let off = text.replace("-net/", &format!("{MARK}-net/"));
        assert_eq!(step.switched_off(text), Some(off.clone()));
        assert_eq!(step.switched_off(&off), None, "once is enough");
    }

    #[test]
    fn names_parameters_as_sysctl_does() {
        assert_eq!(proc_path("net.ipv4.ip_forward"), "/proc/sys/net/ipv4/ip_forward");
        assert_eq!(
            proc_path("net/ipv4/conf/eth0.100/forwarding"),
            "/proc/sys/net/ipv4/conf/eth0.100/forwarding"
        );
    }
}
