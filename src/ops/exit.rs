//! Exit codes: how a script learns what happened.

use std::error::Error;
use std::process::ExitCode;

use sealift_bundle::BundleError;
use sealift_engine::{PlanError, RunError};
use sealift_node::HostError;

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
    /// `preflight` found what install would refuse.
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
    /// All of them.
    pub(crate) const ALL: [Self; 9] = [
        Self::Done,
        Self::Refused,
        Self::Usage,
        Self::Integrity,
        Self::Pending,
        Self::Findings,
        Self::HostIdentity,
        Self::Bug,
        Self::Interrupted,
    ];

    /// What it means, as in `docs/reference/exit-codes.md`.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "a node or the cluster refused",
            Self::Usage => "usage or configuration",
            Self::Integrity => {
                "integrity: signature, digest, an image that is not in the bundle, a release older than the installed one"
            }
            Self::Pending => {
                "changes pending (`plan`, `status` with drift; `install --plan` with changes that the plan lacks)"
            }
            Self::Findings => "preflight findings that install refuses",
            Self::HostIdentity => {
                "host identity: a host key is unknown or changed, or this machine is not the one that `ssh: local` names"
            }
            Self::Bug => "a bug of ours",
            Self::Interrupted => "interrupted, or a person said no to a plan (`enroll`: 6)",
        }
    }

    /// What to do about it, as in `docs/reference/exit-codes.md`.
    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Self::Done => "",
            Self::Refused => "read the cause; fix it; run the same command again",
            Self::Usage => "the message names file, line and column",
            Self::Integrity => "copy the stick again, or take another; nothing was put into use",
            Self::Pending => "`sealift install`, or plan again",
            Self::Findings => {
                "do what each finding says; `sealift explain ID` says more; `--skip ID` takes the responsibility"
            }
            Self::HostIdentity => "compare fingerprints at the machine's console, then `sealift enroll`",
            Self::Bug => "keep the journal",
            Self::Interrupted => "run the same command again",
        }
    }

    /// The exit code of an error: the first cause in its chain that decides one.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        error.chain().find_map(Self::of_cause).unwrap_or(Self::Refused)
    }

    fn of_cause(cause: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return Some(failure.exit);
        }
        if let Some(host) = cause.downcast_ref::<HostError>() {
            return host.is_identity().then_some(Self::HostIdentity);
        }
        if let Some(bundle) = cause.downcast_ref::<BundleError>() {
            return bundle.is_integrity().then_some(Self::Integrity);
        }
        if let Some(PlanError::Observe { failures }) = cause.downcast_ref::<PlanError>() {
            return Self::of_failures(failures);
        }
        match cause.downcast_ref::<RunError>() {
            Some(RunError::Interrupted { .. }) => Some(Self::Interrupted),
            Some(RunError::Failed { failures, .. }) => Self::of_failures(failures),
            _ => None,
        }
    }

    /// Several nodes may have failed, each for its own reason: the gravest decides.
    fn of_failures(failures: &[sealift_engine::Failure]) -> Option<Self> {
        let causes = failures.iter().flat_map(causes);
        causes
            .filter_map(Self::of_cause)
            .max_by_key(|exit| (*exit == Self::Integrity, *exit == Self::HostIdentity))
    }
}

/// An error and what caused it, outermost first.
fn causes(failure: &sealift_engine::Failure) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let mut next: Option<&(dyn Error + 'static)> = Some(failure);
    std::iter::from_fn(move || {
        let now = next?;
        next = now.source();
        Some(now)
    })
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
    fn the_reference_says_the_same() {
        let page = include_str!("../../docs/reference/exit-codes.md");
        for exit in Exit::ALL {
            let row = format!("| {} | {} | {} |", exit as u8, exit.meaning(), exit.remedy());
            assert!(page.contains(&row.replace("|  |", "| |")), "exit-codes.md lacks: {row}");
        }
    }

    #[test]
    fn an_error_keeps_its_code_under_context() {
        let error =
            anyhow::Error::new(Failure::new(Exit::Integrity, "bad chunk")).context("reading the bundle");
        assert_eq!(Exit::of(&error), Exit::Integrity);
        assert_eq!(Exit::of(&anyhow::anyhow!("anything")), Exit::Refused);
    }
}
