//! The recorder's process and files.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::Record;
use super::plant::Leak;
use crate::exe;
use crate::net::Net;
use crate::process::{Process, noted};
use crate::program::finish;
use crate::state::{SceneState, write_whole};

/// The recorder of a scene's folder.
#[derive(Debug, Clone)]
pub struct Recorder {
    dir: PathBuf,
}

/// A leak that was sent on purpose, as kept in `egress-planted.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planted {
    /// Where from: `node`, `pod`, ….
    pub origin: String,
}

impl Recorder {
    /// The recorder of the scene in this folder.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// One JSON record a line.
    pub fn records_file(&self) -> PathBuf {
        self.dir.join("egress.jsonl")
    }

    pub(super) fn note_file(&self) -> PathBuf {
        self.dir.join("egress-recorder.json")
    }

    fn planted_file(&self) -> PathBuf {
        self.dir.join("egress-planted.json")
    }

    fn log_file(&self) -> PathBuf {
        self.dir.join("egress-recorder.log")
    }

    /// Starts listening; returns when it does.
    pub(crate) fn start(&self, net: &Net) -> Result<()> {
        let log =
            File::create(self.log_file()).with_context(|| format!("making {}", self.log_file().display()))?;
        let (lab, dir) = (exe::lab()?.display().to_string(), self.dir.display().to_string());
        let mut command = net.enter(&[lab.as_str(), "egress", "record", "--dir", &dir]);
        command.stdout(Stdio::from(log.try_clone()?)).stderr(log);
        let mut child = command.spawn().context("starting the egress recorder")?;
        let start = Instant::now();
        while !self.listens() {
            if child.try_wait()?.is_some() || start.elapsed() > Duration::from_secs(10) {
                let said = fs::read_to_string(self.log_file()).unwrap_or_default();
                bail!("the egress recorder does not listen: {}", said.trim());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::spawn(move || child.wait());
        Ok(())
    }

    /// Whether it is listening now; when it is not, its records prove nothing.
    pub fn listens(&self) -> bool {
        noted(&self.note_file()).is_some_and(Process::alive)
    }

    pub(crate) fn stop(&self) -> Result<()> {
        noted(&self.note_file()).map_or(Ok(()), Process::end)
    }

    /// Removes its files.
    pub(crate) fn remove(&self) -> Result<()> {
        for path in [self.records_file(), self.note_file(), self.planted_file(), self.log_file()] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("removing {}", path.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// All that was recorded so far.
    pub fn records(&self) -> Result<Vec<Record>> {
        let path = self.records_file();
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        // The last line may be in the middle of being written.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole
            .lines()
            .map(|line| serde_json::from_str(line).with_context(|| format!("understanding record {line:?}")))
            .collect()
    }

    /// How many packets the kernel dropped because the recorder did not read them in time (no process can ask this of a
    /// socket that is another's, but `ss` can of all in the namespace).
    pub fn lost(&self) -> Result<u64> {
        self.counted('d')
    }

    /// Waits until everything that was sent before is in the records: nothing waits in the socket, and the recorder for
    /// the next packet. On a busy machine that takes a moment.
    pub fn catch_up(&self) -> Result<()> {
        let start = Instant::now();
        while self.listens()
            && (self.counted('r')? > 0 || !noted(&self.note_file()).is_some_and(Process::sleeps))
        {
            if start.elapsed() > Duration::from_secs(20) {
                bail!("waiting for the egress recorder: packets wait to be read for 20 s");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn counted(&self, field: char) -> Result<u64> {
        let scene = SceneState::read(&self.dir)?.context("reading the recorder's scene: it is down")?;
        let net = Net::new(&scene.name, scene.subnet);
        let list = finish(net.enter(&["ss", "--packet", "--memory", "--no-header"]))?;
        sum(&list, field).context("finding the recorder's socket in the list of `ss`")
    }

    /// The leaks that were sent on purpose.
    pub fn planted(&self) -> Result<Vec<Planted>> {
        match fs::read_to_string(self.planted_file()) {
            Ok(text) => serde_json::from_str(&text).context("understanding egress-planted.json"),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error).context("reading egress-planted.json"),
        }
    }

    /// Notes that a leak is about to be sent.
    pub(super) fn note(&self, leak: &Leak) -> Result<()> {
        let mut planted = self.planted()?;
        let new = Planted { origin: leak.origin().to_owned() };
        if !planted.contains(&new) {
            planted.push(new);
        }
        write_whole(&self.planted_file(), &serde_json::to_string(&planted)?)
    }
}

/// Sum of one counter over the sockets in `ss --memory`'s output, `skmem:(r0,rb212992,…,d0)`: r, bytes that wait to be
/// read; d, packets that were dropped. None without a socket.
fn sum(list: &str, field: char) -> Option<u64> {
    let counters = list.split("skmem:(").skip(1).filter_map(|rest| rest.split(')').next());
    let values = counters
        .map(|counter| counter.split(',').find_map(|one| one.strip_prefix(field)?.parse::<u64>().ok()));
    values.reduce(|sum, next| Some(sum? + next?)).flatten()
}

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn drops_are_summed_and_no_socket_is_not_zero_drops() {
        let one = "p_raw 0 0 *:* *     skmem:(r768,rb67108864,t0,tb212992,f0,w0,o928,bl0,d7)";
        assert_eq!((sum(one, 'd'), sum(one, 'r')), (Some(7), Some(768)));
        assert_eq!(sum(&format!("{one}\n{one}"), 'd'), Some(14));
        assert_eq!(sum("", 'd'), None);
        assert_eq!(sum("p_raw 0 0 *:* * skmem:(r0)", 'd'), None);
    }
}
