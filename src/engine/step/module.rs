//! Kernel modules: loaded now, and at the next boot.

use sealift_node::{Command, Mutate, Probe};
use sealift_stream::Digest;
use serde::{Deserialize, Serialize};

use super::act::NodeAct;
use super::file;
use super::mode::Mode;
use crate::{Change, Ctx, Difference, StepError};

/// Kernel modules.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Module {
    modules: Vec<Want>,
    /// What loads them at boot.
    #[serde(default = "default_file")]
    file: String,
}

/// A module and how to tell that the kernel can do what it is for, be it loaded or built in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Want {
    name: String,
    /// A path that is there when it works, e.g. `/proc/sys/net/bridge`.
    #[serde(default)]
    path: Option<String>,
    /// A name in `/proc/filesystems`, e.g. `overlay`.
    #[serde(default)]
    filesystem: Option<String>,
}

fn default_file() -> String {
    "/etc/modules-load.d/sealift.conf".to_owned()
}

/// `modules.builtin` of a distribution's kernel has about 10 KiB; `/proc/modules` about 20.
const LIMIT: u64 = 1 << 20;

pub(crate) struct Seen {
    file: file::Seen,
    /// In the order of the wanted modules.
    works: Vec<bool>,
}

impl Module {
    fn text(&self) -> String {
        let names: Vec<&str> = self.modules.iter().map(|module| module.name.as_str()).collect();
        format!("# written by sealift\n{}\n", names.join("\n"))
    }
}

impl Want {
    /// The feature itself is the truth where we know how to see it; otherwise `/sys/module` (loaded, or built
    /// in with parameters), `/proc/modules`, and the kernel's list of what is built in.
    async fn works(&self, probe: &Probe<'_>) -> Result<bool, StepError> {
        if let Some(path) = &self.path {
            return Ok(probe.stat(path).await?.is_some());
        }
        if let Some(filesystem) = &self.filesystem {
            let list = text(probe, "/proc/filesystems").await?;
            return Ok(list.lines().any(|line| line.split_whitespace().last() == Some(filesystem)));
        }
        // the kernel says `_` where file names may say `-`
        let name = self.name.replace('-', "_");
        if probe.stat(&format!("/sys/module/{name}")).await?.is_some() {
            return Ok(true);
        }
        if text(probe, "/proc/modules").await?.lines().any(|line| line.split(' ').next() == Some(&name)) {
            return Ok(true);
        }
        // a kernel built without modules has no such file: what it can do is built in, and nothing could be loaded
        if probe.stat("/proc/modules").await?.is_none() {
            return Ok(true);
        }
        let release = text(probe, "/proc/sys/kernel/osrelease").await?;
        let builtin = text(probe, &format!("/lib/modules/{}/modules.builtin", release.trim())).await?;
        let file = |line: &str| {
            line.rsplit('/').next().unwrap_or_default().trim_end_matches(".ko").replace('-', "_")
        };
        Ok(builtin.lines().any(|line| file(line) == name))
    }
}

async fn text(probe: &Probe<'_>, path: &str) -> Result<String, StepError> {
    let bytes = probe.read_file(path, LIMIT).await?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl NodeAct for Module {
    type Seen = Seen;

    async fn observe(&self, probe: &Probe<'_>, _ctx: &Ctx<'_>) -> Result<Seen, StepError> {
        let mut works = vec![];
        for module in &self.modules {
            works.push(module.works(probe).await?);
        }
        Ok(Seen { file: file::Seen::of(probe, &self.file).await?, works })
    }

    fn diff(&self, seen: &Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let mut changes = vec![];
        if let Some((before, after)) =
            seen.file.against(&self.file, Digest::of(self.text().as_bytes()), Mode::FILE, true)?
        {
            changes.push(Change::new(&self.file, before, after, "the modules must come back after a reboot"));
        }
        for (module, _) in self.modules.iter().zip(&seen.works).filter(|(_, works)| !**works) {
            let reason = ctx.because("neither loaded nor built into this kernel".to_owned());
            changes.push(Change::new(
                format!("kernel module {}", module.name),
                "not loaded",
                "loaded",
                reason,
            ));
        }
        Ok(changes)
    }

    async fn differences(&self, probe: &Probe<'_>, _ctx: &Ctx<'_>) -> Result<Vec<Difference>, StepError> {
        Ok(Difference::of_file(probe, &self.file, self.text()).await?.into_iter().collect())
    }

    async fn apply(&self, mutate: &Mutate<'_>, _ctx: &Ctx<'_>, _changes: &[Change]) -> Result<(), StepError> {
        file::put_right(mutate, &self.file, self.text().into_bytes(), Mode::FILE).await?;
        for module in &self.modules {
            if module.works(mutate).await? {
                continue;
            }
            let output = mutate.run(Command::new(["modprobe", &module.name])).await?;
            if output.status != 0 || !module.works(mutate).await? {
                return Err(StepError::Refused {
                    what: format!("kernel module {}", module.name),
                    why: format!(
                        "cannot be loaded (modprobe: status {}, {})",
                        output.status,
                        output.stderr.trim()
                    ),
                    next: Some(
                        "boot a kernel that has it, or install its package (linux-modules-extra on Ubuntu)"
                            .to_owned(),
                    ),
                });
            }
        }
        Ok(())
    }
}
