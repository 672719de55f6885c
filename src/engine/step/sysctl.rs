//! Kernel parameters: now, and after the next boot.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sealift_node::{Command, Mutate, Probe};
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
        Ok(Seen { file: file::Seen::of(probe, &self.file).await?, live })
    }

    fn diff(&self, seen: &Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let mut changes = vec![];
        if let Some((before, after)) =
            seen.file.against(&self.file, Digest::of(self.text().as_bytes()), Mode::FILE, true)?
        {
            changes.push(Change::new(&self.file, before, after, "the values must come back after a reboot"));
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

    async fn differences(&self, probe: &Probe<'_>, _ctx: &Ctx<'_>) -> Result<Vec<Difference>, StepError> {
        Ok(Difference::of_file(probe, &self.file, self.text()).await?.into_iter().collect())
    }

    /// Each value goes through the kernel's own file by tee(1), which every system has: sysctl(8) is a
    /// package that a bare one may lack, and a write by temporary file and rename is not possible there.
    async fn apply(&self, mutate: &Mutate<'_>, ctx: &Ctx<'_>, _changes: &[Change]) -> Result<(), StepError> {
        mutate.write_file(&self.file, self.text().into_bytes(), Mode::FILE.bits()).await?;
        let seen = self.observe(mutate, ctx).await?;
        for (key, want, _) in self.differing(&seen.live) {
            let command = Command::new(["tee".to_owned(), proc_path(key)]).stdin(want.as_bytes().to_vec());
            let output = mutate.run(command.clone()).await?;
            if output.status != 0 {
                return Err(StepError::program(&command.argv, &output));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::proc_path;

    #[test]
    fn names_parameters_as_sysctl_does() {
        assert_eq!(proc_path("net.ipv4.ip_forward"), "/proc/sys/net/ipv4/ip_forward");
        assert_eq!(
            proc_path("net/ipv4/conf/eth0.100/forwarding"),
            "/proc/sys/net/ipv4/conf/eth0.100/forwarding"
        );
    }
}
