//! Programs: argv arrays, a clean environment, an end.

use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::LocalHost;
use super::status::code;
use crate::error::Context as _;
use crate::{Command, HostError, Output};

/// How much of each output is kept: its end, where the error is.
pub(super) const TAIL: usize = 64 * 1024;

impl LocalHost {
    /// Runs to the end; ends it with all its children when time is up, or when the caller goes away.
    pub(super) async fn run(&self, command: Command) -> Result<Output, HostError> {
        self.run_fed(&command, &command.stdin[..]).await
    }

    /// The same, with what it reads from elsewhere.
    pub(crate) async fn run_fed(
        &self,
        command: &Command,
        mut input: impl AsyncRead + Unpin,
    ) -> Result<Output, HostError> {
        let name = command.program().to_owned();
        let what = || format!("running {name}");
        let program = self.root.program(&name).ok_or("no such program on this node").on(&self.name, what)?;
        let mut child = tokio::process::Command::new(program);
        child.args(command.argv.iter().skip(1)).env_clear();
        child.env("PATH", self.root.path_variable()).env("LC_ALL", "C.UTF-8").env("HOME", "/root");
        child.envs(command.env.iter().map(|(key, value)| (key, value)));
        child.current_dir(self.root.dir().unwrap_or(std::path::Path::new("/")));
        if let Some(dir) = self.root.dir() {
            child.env("SEALIFT_ROOT", dir);
        }
        child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.process_group(0).kill_on_drop(true).spawn().on(&self.name, what)?;
        let group = Group(child.id());
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let feed = async {
            if let Some(mut stdin) = stdin {
                // A program that does not read its input to the end is its own master.
                let _ = tokio::io::copy(&mut input, &mut stdin).await;
            }
        };
        let work = async {
            let ((), stdout, stderr, status) = tokio::join!(feed, tail(stdout), tail(stderr), child.wait());
            Ok(Output { status: code(status?), stdout, stderr })
        };
        let limit = Duration::from_secs(command.timeout_s);
        let Ok(done) = tokio::time::timeout(limit, work).await else {
            drop(group);
            return Err(HostError::Timeout {
                host: self.name.to_string(),
                doing: what(),
                seconds: command.timeout_s,
            });
        };
        let output: std::io::Result<Output> = done;
        group.leave();
        output.on(&self.name, what)
    }
}

/// A process group, ended when dropped.
struct Group(Option<u32>);

impl Group {
    fn leave(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.0.and_then(|id| i32::try_from(id).ok()) {
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
    }
}

/// Reads to the end, keeping the last [`TAIL`] bytes.
async fn tail(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let mut kept = vec![];
    let mut buffer = vec![0; 8192];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..count]);
        if kept.len() > 2 * TAIL {
            kept.drain(..kept.len() - TAIL);
        }
    }
    last(&kept)
}

/// The last [`TAIL`] bytes as text.
pub(super) fn last(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(TAIL)..]).into_owned()
}
