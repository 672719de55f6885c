//! Control groups of a node: one of its own in every hierarchy of cgroup v1 and in the unified one, so that the node's
//! systemd, kubelet and containerd find a tree that they may write. They lie below the group `lab up` ran in.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use crate::process::Process;

const ROOT: &str = "/sys/fs/cgroup";

/// The groups a machine of this name gets below the caller's own.
pub fn plan(machine: &str) -> Result<Vec<PathBuf>> {
    let own = fs::read_to_string("/proc/self/cgroup").context("reading /proc/self/cgroup")?;
    let groups: Vec<PathBuf> = bases(&own)
        .into_iter()
        .filter(|(base, _)| Path::new(ROOT).join(base).is_dir())
        .map(|(base, below)| Path::new(ROOT).join(base).join(below).join(format!("lab-{machine}")))
        .collect();
    if groups.is_empty() {
        bail!("found no cgroup hierarchy below {ROOT}: nodes need cgroup v1 mounted there");
    }
    Ok(groups)
}

/// Hierarchy folder and path below it for each line of /proc/self/cgroup.
fn bases(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        let base = match controllers.strip_prefix("name=") {
            Some(name) => name,
            None if controllers.is_empty() => "unified",
            None => controllers,
        };
        found.push((base.to_owned(), path.trim_start_matches('/').to_owned()));
    }
    found
}

/// Makes the groups empty and new: what a boot finds.
pub fn renew(groups: &[PathBuf]) -> Result<()> {
    remove(groups)?;
    for group in groups {
        fs::create_dir_all(group).with_context(|| format!("making cgroup {}", group.display()))?;
        if group.join("cpuset.cpus").exists() {
            // A new cpuset is empty and takes no process until it has what its parent has.
            let parent = group.parent().unwrap_or(Path::new(ROOT));
            for key in ["cpuset.cpus", "cpuset.mems"] {
                let value = fs::read_to_string(parent.join(key))
                    .with_context(|| format!("reading the parent's {key}"))?;
                write(&group.join(key), value.trim())?;
            }
            write(&group.join("cgroup.clone_children"), "1")?;
        }
    }
    Ok(())
}

/// Ends every process in the groups: only a node's own can be there. Returns how many there were.
pub fn end_all(groups: &[PathBuf]) -> Result<usize> {
    let start = Instant::now();
    let mut ended = BTreeSet::new();
    loop {
        let pids = processes(groups);
        if pids.is_empty() {
            return Ok(ended.len());
        }
        for pid in pids {
            if let Ok(process) = Process::of(pid) {
                process.signal(Signal::SIGKILL)?;
                ended.insert(pid);
            }
        }
        if start.elapsed() > Duration::from_secs(30) {
            bail!("processes {:?} of the node do not end", processes(groups));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Living processes in the groups, at any depth.
pub fn processes(groups: &[PathBuf]) -> BTreeSet<i32> {
    let mut found = BTreeSet::new();
    for group in groups {
        walk(group, &mut |folder| {
            let list = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
            found.extend(list.lines().filter_map(|line| line.parse::<i32>().ok()));
        });
    }
    found.retain(|&pid| Process::of(pid).is_ok_and(Process::alive));
    found
}

/// Removes the groups and all below them; they must hold no process.
pub fn remove(groups: &[PathBuf]) -> Result<()> {
    for group in groups {
        let start = Instant::now();
        // The kernel lets go of a group a moment after its last process.
        while group.exists() {
            walk(group, &mut |folder| {
                fs::remove_dir(folder).ok();
            });
            if group.exists() {
                if start.elapsed() > Duration::from_secs(10) {
                    bail!("cgroup {} stays busy", group.display());
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
    Ok(())
}

/// Calls `visit` on every folder below and then on the folder itself.
fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&entry.path(), visit);
        }
    }
    visit(folder);
}

fn write(path: &Path, value: &str) -> Result<()> {
    fs::write(path, value).with_context(|| format!("writing {value:?} to {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hierarchy_has_its_folder() {
        let text = "9:name=systemd:/\n4:memory:/a/b\n3:cpu,cpuacct:/x\n0::/\nnonsense\n";
        let expected = [("systemd", ""), ("memory", "a/b"), ("cpu,cpuacct", "x"), ("unified", "")];
        let found = bases(text);
        assert_eq!(found.len(), expected.len());
        for ((base, path), (want, below)) in found.iter().zip(expected) {
            assert_eq!((base.as_str(), path.as_str()), (want, below));
        }
    }
}
