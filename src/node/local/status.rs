//! How a program ended, as one number.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use nix::sys::signal::Signal;

/// The shell's convention: the exit status, or 128 + the signal.
pub(super) fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

/// What a job left in its `status` file: systemd's `$SERVICE_RESULT $EXIT_CODE $EXIT_STATUS`
/// (systemd.exec(5), "Environment Variables Set or Propagated by the Service Manager").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct JobEnd {
    pub(super) status: i32,
    pub(super) timed_out: bool,
}

/// Reads a `status` file; `None` when it is not one.
pub(super) fn parse(text: &str) -> Option<JobEnd> {
    let mut words = text.split_whitespace();
    let (result, how, what) = (words.next()?, words.next()?, words.next()?);
    let status = match how {
        "exited" => what.parse().ok()?,
        _ => 128 + format!("SIG{what}").parse::<Signal>().map_or(0, |signal| signal as i32),
    };
    Some(JobEnd { status, timed_out: result == "timeout" })
}

#[cfg(test)]
mod tests {
    use super::{JobEnd, parse};

    #[test]
    fn reads_what_systemd_leaves() {
        let end = |status, timed_out| Some(JobEnd { status, timed_out });
        assert_eq!(parse("success exited 0\n"), end(0, false));
        assert_eq!(parse("exit-code exited 203\n"), end(203, false));
        assert_eq!(parse("timeout killed TERM\n"), end(143, true));
        assert_eq!(parse("core-dump dumped SEGV\n"), end(139, false));
        for text in ["", "success", "success exited", "success exited x"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
