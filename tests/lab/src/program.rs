//! Runs a program and says, when it fails, which one, how, and what it printed.

use std::ffi::OsStr;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

/// A command from an argv, without standard input.
pub fn command<S: AsRef<OsStr>>(argv: &[S]) -> Command {
    let mut words = argv.iter();
    let mut command = Command::new(words.next().map_or(OsStr::new("false"), AsRef::as_ref));
    command.args(words).stdin(Stdio::null());
    command
}

/// Runs an argv to its end and returns its standard output; a status other than 0 is an error.
pub fn run<S: AsRef<OsStr>>(argv: &[S]) -> Result<String> {
    finish(command(argv))
}

/// Runs a prepared command to its end and returns its standard output; a status other than 0 is an error.
pub fn finish(mut command: Command) -> Result<String> {
    let shown = show(&command);
    let output = command.output().with_context(|| format!("starting `{shown}`"))?;
    if !output.status.success() {
        bail!("`{shown}` ended with {}: {}", output.status, said(&output));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs an argv to its end as [`run`] does; when this process is killed meanwhile, so is the program and all that it
/// started, lest it goes on writing where the next command cleans up.
pub fn run_bound<S: AsRef<str>>(argv: &[S]) -> Result<String> {
    let mut words: Vec<&str> = vec!["setpriv", "--pdeathsig", "KILL", "--"];
    // Process 1 of a namespace takes every other process of it along.
    words.extend(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]);
    words.extend(argv.iter().map(AsRef::as_ref));
    run(&words)
}

/// Runs an argv whose failure does not matter (something to remove is not there); its success is returned.
pub fn attempt<S: AsRef<OsStr>>(argv: &[S]) -> bool {
    command(argv).output().is_ok_and(|output| output.status.success())
}

/// What a program printed, for an error: standard error, and the output when there is none.
pub fn said(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    if error.trim().is_empty() {
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    } else {
        error.trim().to_owned()
    }
}

fn show(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(OsStr::to_string_lossy));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_program_its_status_and_its_words() {
        let error = run(&["sh", "-c", "echo broken >&2; exit 3"]).unwrap_err().to_string();
        assert!(error.contains("sh -c") && error.contains('3') && error.contains("broken"), "{error}");
    }

    /// Needs root, as all that is run so does.
    #[test]
    fn a_bound_program_dies_with_the_process_that_runs_it() {
        if std::env::var_os("LAB_TEST_BOUND").is_some() {
            run_bound(&["sh", "-c", "sleep 4242 & wait"]).unwrap();
        }
        let me = std::env::current_exe().unwrap();
        let mut inner = command(&[me.as_os_str()]);
        inner.arg("a_bound_program_dies_with_the_process_that_runs_it").env("LAB_TEST_BOUND", "1");
        let mut inner = inner.stdout(Stdio::null()).spawn().unwrap();
        let sleeps = || {
            let processes = std::fs::read_dir("/proc").unwrap().flatten();
            let mut lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
            lines.any(|line| line == b"sleep\x004242\0")
        };
        let wait = |there: bool| {
            let tries = (0..500).find(|_| {
                std::thread::sleep(std::time::Duration::from_millis(10));
                sleeps() == there
            });
            tries.is_some()
        };
        assert!(wait(true), "the inner program did not start");
        inner.kill().unwrap();
        inner.wait().unwrap();
        assert!(wait(false), "the inner program outlived its runner");
    }

    #[test]
    fn a_missing_program_is_an_error_not_a_panic() {
        assert!(run(&["/nonexistent/program"]).is_err());
        assert!(!attempt(&["/nonexistent/program"]));
    }
}
