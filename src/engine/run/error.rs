//! Why a run ended before its end, and in what state that leaves things.

use sealift_node::HostError;

use super::RunReport;
use crate::{JournalError, StepError};

/// A step that could not be observed or applied.
#[derive(Debug, thiserror::Error)]
#[error("{node}: step '{step}' of play '{play}': {}", chain(error).join(": "))]
pub struct Failure {
    /// The play.
    pub play: String,
    /// The node, or `cluster`.
    pub node: String,
    /// The step's name.
    pub step: String,
    /// Why.
    #[source]
    pub error: StepError,
}

/// Why a run ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Steps failed. Other nodes of the same play went on to its end; later plays were not begun.
    #[error("{}{}", failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"), state)]
    Failed {
        /// All that failed, one per node at most.
        failures: Vec<Failure>,
        /// In what state things were left, as a sentence on a line of its own.
        state: String,
        /// What was done until then.
        report: RunReport,
    },
    /// Somebody asked it to stop; every node is between two steps.
    #[error("stopped as asked{state}")]
    Interrupted {
        /// In what state things were left.
        state: String,
        /// What was done until then.
        report: RunReport,
    },
    /// The journal could not be written; the run stopped rather than go on unrecorded.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A control plane did not take the site's record, with which another operator would go on.
    #[error("keeping the site's record: {source}; {state}")]
    Record {
        /// In what state things were left.
        state: &'static str,
        /// Why.
        source: HostError,
    },
}

impl RunError {
    /// The steps that failed, for whoever decides the exit code by what is below them.
    pub fn failures(&self) -> &[Failure] {
        if let Self::Failed { failures, .. } = self { failures } else { &[] }
    }
}

/// How plays end that do not end well.
pub(super) enum PlayEnd {
    Failed { failures: Vec<Failure>, state: String },
    Interrupted { state: String },
    Journal(JournalError),
    Record { state: &'static str, source: HostError },
}

impl PlayEnd {
    pub(super) fn failed(play: &str, failures: Vec<Failure>, whole: &[&str]) -> Self {
        let others = finished(whole);
        let state = format!(
            "\nthe run stopped in play '{play}'{others}; later plays were not begun; a failed step is not half undone: running the same command again goes on from here"
        );
        Self::Failed { failures, state }
    }

    /// `stopped`: each node with the last step it finished in this play.
    pub(super) fn interrupted(play: &str, stopped: &[(String, Option<String>)], whole: &[&str]) -> Self {
        let stands = stopped.iter().map(|(node, last)| match last {
            Some(step) => format!("{node} after '{step}'"),
            None => format!("{node} before its first step"),
        });
        let (stands, others) = (stands.collect::<Vec<_>>().join(", "), finished(whole));
        let state = format!(
            " in play '{play}': {stands}{others}; later plays were not begun; no node is in the middle of a step: running the same command again goes on from here"
        );
        Self::Interrupted { state }
    }
}

fn finished(whole: &[&str]) -> String {
    if whole.is_empty() { String::new() } else { format!("; {} finished it", whole.join(", ")) }
}

/// An error and its causes, outermost first.
pub(super) fn chain(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect()
}
