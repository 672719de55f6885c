//! Jobs: long programs in units of their own. Neither the helper's end nor a lost link touches them.
//!
//! `/var/lib/sealift/jobs/NAME/` holds `started` (before the unit is), `stdout`, `stderr`, and, written by
//! systemd itself when the program has ended, `status`. No unit and no `status`: the node went down under it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::LocalHost;
use super::file::{present, write_whole};
use super::program::last;
use super::status::{JobEnd, parse};
use crate::error::Context as _;
use crate::{Answer, Command, HostError, JobState, Output, paths};

/// How often the end is looked for; how often systemd is asked whether there still is something to end.
const LOOK: Duration = Duration::from_millis(100);
const ASK: Duration = Duration::from_secs(2);
/// How often one that somebody else started is looked at: each look asks systemd.
const SEE: Duration = Duration::from_millis(500);
/// systemd sets the three variables for `ExecStopPost`, which it runs whatever way the program ended.
const EPILOGUE: &str = r#"cd "${0%/*}" || exit
rm -f stdin
echo "$SERVICE_RESULT $EXIT_CODE $EXIT_STATUS" > status.part && mv status.part status
"#;

impl LocalHost {
    fn job_dir(&self, name: &str) -> Result<PathBuf, HostError> {
        let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.starts_with('-') || !name.chars().all(fine) {
            return Err(HostError::refused(
                &self.name,
                format!("using job name '{name}'"),
                "want a-z, 0-9 and '-'",
            ));
        }
        Ok(self.root.path(paths::JOBS).join(name))
    }

    pub(super) async fn job_state(&self, name: &str) -> Result<Answer, HostError> {
        let dir = self.job_dir(name)?;
        if !dir.join("started").exists() {
            return Ok(Answer::Missing);
        }
        // The unit first: systemd writes `status` before the unit becomes inactive.
        let running = self.job_runs(name).await?;
        let end = read_end(&dir).on(&self.name, || format!("looking at job {name}"))?;
        Ok(Answer::Job(match end {
            _ if running => JobState::Running,
            Some((_, output)) => JobState::Ended(output),
            None => JobState::Lost,
        }))
    }

    /// Waits until a job is no longer running.
    pub(super) async fn job_end(&self, name: &str) -> Result<Answer, HostError> {
        loop {
            match self.job_state(name).await? {
                Answer::Job(JobState::Running) => tokio::time::sleep(SEE).await,
                over => return Ok(over),
            }
        }
    }

    /// Attaches to the job of this name that is running, or starts one; waits for its end.
    pub(super) async fn job(&self, name: &str, command: Command) -> Result<Output, HostError> {
        let what = || format!("running job {name}");
        let dir = self.job_dir(name)?;
        if !self.job_runs(name).await? {
            prepare(&dir, &command.stdin).on(&self.name, what)?;
            if self.root.dir().is_some() {
                return self.job_as_child(&dir, name, command).await;
            }
            self.start_unit(&dir, name, &command).await?;
        }
        let mut asked = Instant::now();
        loop {
            tokio::time::sleep(LOOK).await;
            let end = read_end(&dir).on(&self.name, what)?;
            let over = asked.elapsed() > ASK && {
                asked = Instant::now();
                !self.job_runs(name).await?
            };
            match end {
                Some((JobEnd { timed_out: true, .. }, _)) => {
                    let (host, seconds) = (self.name.to_string(), command.timeout_s);
                    return Err(HostError::Timeout { host, doing: what(), seconds });
                }
                Some((_, output)) => return Ok(output),
                None if over && read_end(&dir).on(&self.name, what)?.is_none() => {
                    return Err(HostError::refused(
                        &self.name,
                        what(),
                        "its unit is gone and left no exit status",
                    ));
                }
                None => {}
            }
        }
    }

    async fn job_runs(&self, name: &str) -> Result<bool, HostError> {
        if self.root.dir().is_some() {
            return Ok(false);
        }
        let unit = self.unit(&format!("sealift-job-{name}.service")).await?;
        Ok(!matches!(unit.active.as_str(), "inactive" | "failed"))
    }

    async fn start_unit(&self, dir: &Path, name: &str, command: &Command) -> Result<(), HostError> {
        let what = || format!("starting job {name}");
        let program = self.root.program(command.program()).ok_or("no such program on this node");
        let program = program.on(&self.name, what)?;
        let at = dir.to_string_lossy();
        // A file and not an argument of `sh -c`: on a daemon-reload (kubeadm does one) systemd reads its own transient
        // unit again, and what it wrote there for an argument with quotes and `$` is not what it was given.
        let epilogue = dir.join("epilogue");
        write_whole(&epilogue, EPILOGUE.as_bytes(), 0o600).on(&self.name, what)?;
        let mut argv = vec![
            "systemd-run".to_owned(),
            format!("--unit=sealift-job-{name}"),
            "--collect".to_owned(),
            "--quiet".to_owned(),
            format!("--description=sealift job {name}"),
            format!("--property=StandardInput=file:{at}/stdin"),
            format!("--property=StandardOutput=file:{at}/stdout"),
            format!("--property=StandardError=file:{at}/stderr"),
            format!("--property=RuntimeMaxSec={}", command.timeout_s),
            format!("--property=ExecStopPost=/bin/sh {at}/epilogue"),
            "--setenv=LC_ALL=C.UTF-8".to_owned(),
            "--setenv=HOME=/root".to_owned(),
            format!("--setenv=PATH={}", self.root.path_variable()),
        ];
        argv.extend(command.env.iter().map(|(key, value)| format!("--setenv={key}={value}")));
        argv.push("--".to_owned());
        argv.push(program.to_string_lossy().into_owned());
        argv.extend(command.argv.iter().skip(1).cloned());
        let started = self.run(Command::new(argv)).await?;
        if started.status != 0 {
            return Err(HostError::refused(&self.name, what(), started.stderr.trim()));
        }
        Ok(())
    }

    /// In a directory that stands for a machine there is no systemd: a plain child, the same files.
    async fn job_as_child(&self, dir: &Path, name: &str, command: Command) -> Result<Output, HostError> {
        let output = self.run(command).await?;
        let files = [
            ("stdout", output.stdout.clone()),
            ("stderr", output.stderr.clone()),
            ("status", format!("child exited {}\n", output.status)),
        ];
        for (file, text) in files {
            write_whole(&dir.join(file), text.as_bytes(), 0o600)
                .on(&self.name, || format!("running job {name}"))?;
        }
        Ok(output)
    }
}

/// Clears what the last job of this name left, then says that one is about to start.
fn prepare(dir: &Path, stdin: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    for file in ["started", "status", "stdout", "stderr", "stdin"] {
        present(fs::remove_file(dir.join(file)))?;
    }
    write_whole(&dir.join("stdin"), stdin, 0o600)?;
    write_whole(&dir.join("started"), b"", 0o600)
}

fn read_end(dir: &Path) -> io::Result<Option<(JobEnd, Output)>> {
    let Some(text) = present(fs::read_to_string(dir.join("status")))? else { return Ok(None) };
    let Some(end) = parse(&text) else { return Ok(None) };
    let out = |file: &str| present(fs::read(dir.join(file))).map(|bytes| last(&bytes.unwrap_or_default()));
    Ok(Some((end, Output { status: end.status, stdout: out("stdout")?, stderr: out("stderr")? })))
}
