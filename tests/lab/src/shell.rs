//! Logging in to a machine of a scene, from the operator's place in the namespace, with the scene's key.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::net::Net;
use crate::program::{finish, said};

/// The way to one machine's SSH server.
#[derive(Debug, Clone)]
pub(crate) struct Shell {
    /// The scene's folder, where its key and its known hosts are.
    pub(crate) scene_dir: PathBuf,
    /// The namespace that the machine can be reached from.
    pub(crate) net: Net,
    /// The machine's address.
    pub(crate) address: Ipv4Addr,
    /// Seconds within which its server must have said its first words.
    pub(crate) within: u8,
}

impl Shell {
    /// An argv on the machine as this user. The far shell joins the words: they must not need quoting.
    pub(crate) fn command<S: AsRef<str>>(&self, user: &str, argv: &[S]) -> Command {
        let known = self.scene_dir.join("ssh/known_hosts").display().to_string();
        let key = self.scene_dir.join("ssh/id_ed25519").display().to_string();
        let mut words: Vec<String> = ["ssh", "-F", "none", "-i", &key].map(str::to_owned).to_vec();
        for option in ["BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=yes"] {
            words.extend(["-o".to_owned(), option.to_owned()]);
        }
        words.extend(["-o".to_owned(), format!("ConnectTimeout={}", self.within)]);
        words.extend(["-o".to_owned(), format!("UserKnownHostsFile={known}")]);
        words.push(format!("{user}@{}", self.address));
        words.extend(argv.iter().map(|word| word.as_ref().to_owned()));
        self.net.enter(&words)
    }

    /// Waits until the operator can log in and systemd says `running`; `degraded` is an error that names the units.
    pub(crate) fn wait_running(&self, name: &str, limit: Duration) -> Result<()> {
        let mut last = String::new();
        let start = Instant::now();
        while start.elapsed() < limit {
            let asked = ["systemctl", "is-system-running", "--wait"];
            let output = self.command("ops", &asked).output().context("starting ssh")?;
            let state = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            match state.as_str() {
                "running" => return Ok(()),
                "degraded" => {
                    let failed =
                        finish(self.command("ops", &["systemctl", "--failed", "--no-legend", "--plain"]))?;
                    bail!("node {name} is degraded, failed units: {}", failed.trim());
                }
                _ => last = format!("{state} {}", said(&output)),
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        bail!("node {name} is not up after {limit:?}; last answer: {last}")
    }
}
