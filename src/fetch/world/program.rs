//! A child process without the caller's environment, and with an end.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;

use super::WorldError;

/// Rendering a large chart takes seconds.
const LIMIT: Duration = Duration::from_mins(2);

/// Between two tries to start a program whose file is still open for writing.
const BUSY: Duration = Duration::from_millis(20);

/// A program on its way.
pub(super) struct Program(Command);

impl Program {
    /// `home` is all it knows of this machine: no caller's plugins, proxies or kubeconfig.
    pub(super) fn new(program: &Path, home: &Path) -> Self {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", home)
            .env("PATH", "/nonexistent")
            .env("KUBECONFIG", home.join("no-kubeconfig"));
        command
            .current_dir(home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Self(command)
    }

    pub(super) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.0.arg(arg);
        self
    }

    pub(super) fn args<const N: usize>(mut self, args: [&str; N]) -> Self {
        self.0.args(args);
        self
    }

    /// What it writes to standard output, if it succeeds.
    pub(super) async fn output(mut self, doing: &str) -> Result<String, WorldError> {
        let bad = |reason: String| WorldError::Program { doing: doing.to_owned(), reason };
        let output = match tokio::time::timeout(LIMIT, self.run()).await {
            Err(_) => return Err(bad(format!("no end after {} s", LIMIT.as_secs()))),
            Ok(output) => output.map_err(|error| bad(format!("starting the program: {error}")))?,
        };
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            let last: Vec<&str> = words.lines().rev().take(5).collect();
            let last: Vec<&str> = last.into_iter().rev().collect();
            return Err(bad(format!("{}: {}", output.status, last.join("\n"))));
        }
        String::from_utf8(output.stdout).map_err(|_| bad("its output is not text".into()))
    }

    /// Waits out `ETXTBSY`: the program was written a moment ago, and any other thread that started a child meanwhile
    /// lent it our writing descriptor until that child's `exec` closed it (<https://github.com/golang/go/issues/22315>).
    async fn run(&mut self) -> io::Result<Output> {
        loop {
            match self.0.output().await {
                Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                    tokio::time::sleep(BUSY).await;
                }
                done => return done,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn a_program_that_is_still_open_for_writing_is_waited_for() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("program");
        std::fs::copy("/bin/true", &path).expect("copies");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("executable");
        let writer = std::fs::OpenOptions::new().append(true).open(&path).expect("opens");
        let lent = tokio::spawn(async move {
            tokio::time::sleep(5 * BUSY).await;
            drop(writer);
        });
        let began = std::time::Instant::now();
        assert_eq!(Program::new(&path, dir.path()).output("trying").await.expect("runs"), "");
        assert!(began.elapsed() >= 5 * BUSY, "it ran while it was being written");
        lent.await.expect("drops");
    }
}
