//! Processes that the lab started: a pid together with its start time, so that a pid used again by somebody
//! else's process is never signalled.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// One process, for good: its pid and the clock tick (since the machine's boot) at which it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The process id as this machine sees it.
    pub pid: i32,
    /// Field 22 of /proc/PID/stat, in clock ticks.
    pub started: u64,
}

impl Process {
    /// The process that has this pid now.
    pub fn of(pid: i32) -> Result<Self> {
        let path = format!("/proc/{pid}/stat");
        let stat = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
        let (_, started) = parse_stat(&stat).with_context(|| format!("understanding {path}"))?;
        Ok(Self { pid, started })
    }

    /// This very process.
    pub fn myself() -> Result<Self> {
        Self::of(i32::try_from(std::process::id()).context("holding a pid in an i32")?)
    }

    /// Whether it still runs; a zombie does not.
    pub fn alive(self) -> bool {
        self.state().is_some_and(|state| !matches!(state, 'Z' | 'X'))
    }

    /// Whether it waits for something.
    pub fn sleeps(self) -> bool {
        self.state() == Some('S')
    }

    /// Its letter in /proc/PID/stat (`proc_pid_stat(5)`); none when another process has the pid, or none.
    fn state(self) -> Option<char> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        let (state, started) = parse_stat(&stat).ok()?;
        (started == self.started).then_some(state)
    }

    /// Sends a signal, unless the process is gone already.
    pub fn signal(self, signal: Signal) -> Result<()> {
        if !self.alive() {
            return Ok(());
        }
        match kill(Pid::from_raw(self.pid), signal) {
            Ok(()) | Err(nix::errno::Errno::ESRCH) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("sending {signal} to process {}", self.pid)),
        }
    }

    /// Waits until it is gone.
    pub fn wait_gone(self, limit: Duration) -> Result<()> {
        let start = Instant::now();
        while self.alive() {
            if start.elapsed() > limit {
                bail!("process {} is still there after {limit:?}", self.pid);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Ends it at once (`SIGKILL`) and waits until it is gone.
    pub fn end(self) -> Result<()> {
        self.signal(Signal::SIGKILL)?;
        self.wait_gone(Duration::from_secs(20))
    }

    /// Its children, whichever of its threads forked them.
    pub fn children(self) -> Vec<i32> {
        let mut found = Vec::new();
        for task in fs::read_dir(format!("/proc/{}/task", self.pid)).into_iter().flatten().flatten() {
            let list = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(list.split_whitespace().filter_map(|word| word.parse::<i32>().ok()));
        }
        found
    }
}

/// Reads a process that was noted in a file; no file, or half a file, is no process.
pub fn noted(path: &Path) -> Option<Process> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

/// State and start time of a /proc/PID/stat line. The second field is the program's name in parentheses and may
/// itself hold blanks and parentheses, so counting starts behind the last one.
fn parse_stat(stat: &str) -> Result<(char, u64)> {
    let rest = stat.rsplit_once(')').context("finding the program's name")?.1;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let state = fields.first().and_then(|field| field.chars().next()).context("finding the state")?;
    let started =
        fields.get(19).context("finding the start time")?.parse().context("reading the start time")?;
    Ok((state, started))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_parentheses_does_not_shift_the_fields() {
        let stat = "7 (a ) S 1 (b) R 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2";
        assert_eq!(parse_stat(stat).unwrap(), ('R', 987_654));
    }

    #[test]
    fn nonsense_is_refused() {
        for stat in ["", "7 (sh", "7 (sh) S", "7 (sh) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 x"] {
            assert!(parse_stat(stat).is_err(), "{stat:?}");
        }
    }

    #[test]
    fn the_same_pid_with_another_start_time_is_another_process() {
        let me = Process::myself().unwrap();
        assert!(me.alive());
        assert!(!Process { started: me.started + 1, ..me }.alive());
    }

    #[test]
    fn a_zombie_is_not_alive_and_ending_it_is_no_error() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let process = Process::of(i32::try_from(child.id()).unwrap()).unwrap();
        process.end().unwrap();
        assert!(!process.alive());
        process.end().unwrap();
        child.wait().unwrap();
    }
}
