//! Exit codes: how a script learns what happened.

use std::process::ExitCode;

/// How a run of sealift ended. The numbers are an interface: `docs/reference/exit-codes.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything asked for is done.
    Done = 0,
    /// A node or the cluster refused.
    Refused = 1,
    /// The command line or the cluster file is wrong.
    Usage = 2,
    /// Signature, digest, rollback, or an image that is not in the bundle.
    Integrity = 3,
    /// `plan` or `status` found changes.
    Pending = 4,
    /// Preflight found something.
    Findings = 5,
    /// A host key is unknown or has changed.
    HostIdentity = 6,
    /// A bug of ours.
    Bug = 70,
    /// Ctrl-C or SIGTERM.
    Interrupted = 130,
}

/// An error whose exit code is decided where it is made, by an op.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// How the process ends.
    pub(crate) exit: Exit,
    /// What happened, where, why, and what state things are in.
    pub(crate) message: String,
    /// The next command or action, printed as `next: ...`.
    pub(crate) next: Option<String>,
}

impl Failure {
    /// An error with an exit code.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), next: None }
    }

    /// Adds what to do next.
    #[must_use]
    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

impl Exit {
    /// The exit code of an error: the first cause in its chain that decides one.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        error.chain().find_map(Self::of_cause).unwrap_or(Self::Refused)
    }

    fn of_cause(cause: &(dyn std::error::Error + 'static)) -> Option<Self> {
        cause.downcast_ref::<Failure>().map(|failure| failure.exit)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::{Exit, Failure};

    #[test]
    fn an_error_keeps_its_code_under_context() {
        let error = anyhow::Error::new(Failure::new(Exit::Integrity, "bad chunk")).context("reading the bundle");
        assert_eq!(Exit::of(&error), Exit::Integrity);
        assert_eq!(Exit::of(&anyhow::anyhow!("anything")), Exit::Refused);
    }
}
