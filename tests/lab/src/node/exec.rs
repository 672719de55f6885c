//! Looking into a node: as the host does it (independent of any SSH), and as the operator does it.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::Node;
use crate::program::finish;

const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Node {
    /// Runs an argv as root inside the node by entering its namespaces; returns standard output.
    /// It does not pass through sshd, so a test sees what is there, not what the product sees.
    pub fn exec<S: AsRef<str>>(&self, argv: &[S]) -> Result<String> {
        finish(self.command(argv)?).with_context(|| format!("looking into node {}", self.name()))
    }

    /// The command behind [`Node::exec`], for own handling of input, output and status.
    pub fn command<S: AsRef<str>>(&self, argv: &[S]) -> Result<Command> {
        let leader = self.leader().with_context(|| format!("node {} is off", self.name()))?;
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", leader.pid));
        command.args(["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd", "--"]);
        command.args(["env", "-i", PATH, "HOME=/root", "LANG=C.UTF-8"]);
        command.args(argv.iter().map(AsRef::as_ref)).stdin(Stdio::null());
        Ok(command)
    }

    /// An argv over SSH as the user `ops`, from the operator's place in the namespace, with the scene's key.
    /// The far shell joins the words: they must not need quoting.
    pub fn ssh<S: AsRef<str>>(&self, argv: &[S]) -> Result<Command> {
        Ok(self.shell().command("ops", argv))
    }

    /// The node's journal since its first boot, one line per message.
    pub fn journal(&self, unit: &str) -> Result<String> {
        self.exec(&["journalctl", "--no-pager", "-q", "-o", "short-iso", "-u", unit])
    }
}
