//! Power and cables of a machine.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{Machine, note};
use crate::process::Process;
use crate::state::write_whole;

impl Machine {
    /// Switches the machine on and returns at once; no effect when it is on.
    pub fn switch_on(&mut self) -> Result<()> {
        if self.is_on() {
            return Ok(());
        }
        let child = self.boot()?;
        let process = Process::of(i32::try_from(child.id())?)?;
        self.qemu = Some(child);
        write_whole(&note(&self.dir), &serde_json::to_string(&process)?)
    }

    /// Whether QEMU runs.
    pub fn is_on(&self) -> bool {
        let pid = self.qemu.as_ref().and_then(|child| i32::try_from(child.id()).ok());
        pid.and_then(|pid| Process::of(pid).ok()).is_some_and(Process::alive)
    }

    /// Cuts the power: what the machine had not written to its disk is gone.
    pub fn power_cut(&mut self) -> Result<()> {
        let Some(mut child) = self.qemu.take() else { return Ok(()) };
        child.kill().with_context(|| format!("ending QEMU of machine {}", self.spec.name))?;
        child.wait().context("waiting for QEMU").map(drop)
    }

    /// Has the system shut down and start again; returns when it is up. Nothing but the kernel's own reset ends it.
    pub fn reboot(&self, limit: Duration) -> Result<()> {
        let (before, start) = (self.boot_id()?, Instant::now());
        self.exec(&["systemctl", "--no-block", "reboot"])?;
        while self.boot_id().map_or(true, |now| now == before) {
            if start.elapsed() > limit {
                bail!("machine {} has not started again after {limit:?}", self.spec.name);
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        self.wait_ready(limit.saturating_sub(start.elapsed()))
    }

    /// Has the system shut down and waits until the machine is off.
    pub fn power_off(&mut self, limit: Duration) -> Result<()> {
        self.exec(&["systemctl", "--no-block", "poweroff"])?;
        let start = Instant::now();
        while self.is_on() {
            if start.elapsed() > limit {
                bail!("machine {} is still on after {limit:?}", self.spec.name);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        // It is a zombie by now; this takes it away.
        self.power_cut()
    }

    /// Pulls a card's cable out.
    pub fn network_cut(&self, card: u8) -> Result<()> {
        self.set_link(card, false)
    }

    /// Puts it back.
    pub fn network_heal(&self, card: u8) -> Result<()> {
        self.set_link(card, true)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Err(error) = self.power_cut() {
            crate::say::say(format!("machine {} was not ended: {error:#}", self.spec.name));
        }
    }
}
