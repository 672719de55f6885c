//! Switching a node on, cutting its power or its network, and waiting until it is up.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Node;
use crate::program::run;
use crate::{cgroup, exe};

impl Node {
    /// Switches the node on and returns at once; no effect when it is on.
    pub fn switch_on(&self) -> Result<()> {
        if self.supervisor().is_some() {
            return Ok(());
        }
        // What an ended supervisor may have left running would fight the new one for the disk.
        cgroup::end_all(self.cgroups())?;
        let log = self.dir().join("supervisor.log");
        let out = OpenOptions::new().create(true).append(true).open(&log);
        let out = out.with_context(|| format!("opening {}", log.display()))?;
        let mut command = Command::new(exe::lab()?);
        command.arg("supervise").arg("--dir").arg(&self.scene_dir).arg("--node").arg(self.name());
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        let mut child =
            command.spawn().with_context(|| format!("starting the supervisor of node {}", self.name()))?;
        // Reaped here when this process is still there by then, so that it does not stay a zombie.
        std::thread::spawn(move || child.wait());
        self.wait_for(Duration::from_secs(30), "has no PID 1 yet", || Ok(self.leader().is_some()))
    }

    /// Cuts the power: everything in the node is gone at this instruction. Returns when it is off.
    pub fn power_cut(&self) -> Result<()> {
        let leader = self.leader().with_context(|| format!("node {} is off already", self.name()))?;
        let supervisor = self.supervisor();
        leader.end()?;
        if let Some(supervisor) = supervisor {
            supervisor.wait_gone(Duration::from_secs(30))?;
        }
        cgroup::end_all(self.cgroups()).map(drop)
    }

    /// Ends the node and its supervisor, in whatever state they are.
    pub(crate) fn end(&self) -> Result<()> {
        if let Some(supervisor) = self.supervisor() {
            supervisor.end()?;
        }
        if let Some(leader) = self.leader() {
            leader.end()?;
        }
        cgroup::end_all(self.cgroups())?;
        cgroup::remove(self.cgroups())
    }

    /// Pulls the network cable out of a running node.
    pub fn network_cut(&self) -> Result<()> {
        self.net.set_link(&self.cable()?, false)
    }

    /// Puts the network cable back.
    pub fn network_heal(&self) -> Result<()> {
        self.net.set_link(&self.cable()?, true)
    }

    /// The bridge's end of the node's cable. Asked by number because nspawn shortens long names.
    pub fn cable(&self) -> Result<String> {
        let number = self.exec(&["cat", "/sys/class/net/host0/iflink"])?;
        let links = run(&["ip", "-n", &self.scene_name, "-j", "link", "show", "master", "br0"])?;
        let links: Vec<serde_json::Value> =
            serde_json::from_str(&links).context("understanding ip's list of links")?;
        let number: u64 = number.trim().parse().with_context(|| format!("reading link number {number:?}"))?;
        let link = links.iter().find(|link| link["ifindex"] == number);
        let name = link.and_then(|link| link["ifname"].as_str());
        Ok(name.with_context(|| format!("finding the cable of node {}", self.name()))?.to_owned())
    }

    /// Waits until the operator can log in and systemd says `running`; `degraded` is an error that names the units.
    pub fn wait_ready(&self, limit: Duration) -> Result<()> {
        let ready = self.shell().wait_running(self.name(), limit);
        ready.with_context(|| format!("its console is in {}", self.dir().display()))
    }

    /// Waits until the node is off (it powered off, or its power was cut).
    pub fn wait_off(&self, limit: Duration) -> Result<()> {
        self.wait_for(limit, "is still on", || Ok(self.leader().is_none() && self.supervisor().is_none()))
    }

    fn wait_for(&self, limit: Duration, else_it: &str, done: impl Fn() -> Result<bool>) -> Result<()> {
        let start = Instant::now();
        while !done()? {
            if start.elapsed() > limit {
                let log = tail(&self.dir().join("supervisor.log"));
                bail!("node {} {else_it} after {limit:?}; its supervisor said: {log}", self.name());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join(" | ")
}
