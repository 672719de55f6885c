//! Why a step could not be observed or applied.

use sealift_node::{HostError, Output};

use crate::{Change, TemplateError};

/// Why a step could not be observed or applied. Who prints it adds node, step and state.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The node could not be reached, or refused.
    #[error(transparent)]
    Host(#[from] HostError),

    /// Cannot be asked before something else has been done. A plan shows `expect` as "after step ...";
    /// in a run, where everything before has been done, it is a failure.
    #[error("{why}")]
    NotYet {
        /// What is missing, as a whole clause, e.g. `containerd does not answer`.
        why: String,
        /// The changes this step would make as far as they can be told without asking; may be empty.
        expect: Vec<Change>,
    },

    /// It was made so before, and cannot be asked now. A plan says that it is looked at later; in a run, where
    /// everything before has been done, it is a failure.
    #[error("{why}")]
    Later {
        /// What is in the way, as a whole clause, e.g. `containerd does not answer`.
        why: String,
    },

    /// Asked, and it cannot be: the node, the cluster or the bundle is not as it must be.
    #[error("{what}: {why}{}", next.as_ref().map(|n| format!("; {n}")).unwrap_or_default())]
    Refused {
        /// The thing, e.g. `/proc/sys/net/bridge`.
        what: String,
        /// What is wrong with it.
        why: String,
        /// What to do about it.
        next: Option<String>,
    },

    /// A program on the node ended badly.
    #[error("running {program} on the node: exit status {status}: {tail}")]
    Program {
        /// The program and its arguments.
        program: String,
        /// Exit status, 128 + signal when killed.
        status: i32,
        /// The last lines of what it said.
        tail: String,
    },

    /// A template is wrong: a bug of ours, or a bundle that lacks what the template names.
    #[error(transparent)]
    Template(#[from] TemplateError),

    /// Something below failed: the bundle, the API, a file here.
    #[error("{doing}")]
    Below {
        /// A lower-case gerund naming the object, e.g. `reading image registry.k8s.io/pause:3.10.2 from the bundle`.
        doing: String,
        /// What failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A step needs the bundle and this run has none.
    #[error("{what} is needed from a bundle, and this run was given none")]
    NoBundle {
        /// What was wanted.
        what: String,
    },

    /// A step needs a node or a control plane which the run does not have.
    #[error("no connection to {node} in this run")]
    NoHost {
        /// The node's name.
        node: String,
    },

    /// The journal could not be kept: what nobody can read up on is not done.
    #[error("the journal cannot be written; nothing of this step was applied")]
    Unrecorded,

    /// Somebody asked the run to end while this step could be left: what it did so far is kept.
    #[error("left as asked; what was done is kept")]
    Stopped,

    /// The link was lost and did not come back; whatever is below says where and doing what.
    #[error("{lost}; it did not come back within {waited} s{}", goes_on.as_ref().map(|unit| format!("; what it works on goes on there by itself (unit {unit}), and the same command waits for it")).unwrap_or_default())]
    LinkGone {
        /// Seconds it was waited for.
        waited: u64,
        /// The unit that goes on without us, if the step has one.
        goes_on: Option<String>,
        /// What the loss cut off.
        lost: Box<StepError>,
    },

    /// Applied, and when asked again things still differed.
    #[error("applied, yet still to change: {}", still.iter().map(|c| format!("{} is {}, not {}", c.what, c.before, c.after)).collect::<Vec<_>>().join("; "))]
    Unverified {
        /// What a second look found.
        still: Vec<Change>,
    },

    /// Something that was not in the plan the operator agreed to.
    #[error("not in the plan: {}; nothing of this step was applied", fresh.iter().map(|c| format!("{} ({} -> {}) because {}", c.what, c.before, c.after, c.reason)).collect::<Vec<_>>().join("; "))]
    Unplanned {
        /// The changes which the plan did not have.
        fresh: Vec<Change>,
    },
}

impl StepError {
    /// Whether the node could not be reached, or not any more: nobody said no.
    pub(crate) fn link_lost(&self) -> bool {
        std::iter::successors(Some(self as &dyn std::error::Error), |error| error.source())
            .filter_map(|error| error.downcast_ref::<HostError>())
            .chain(if let Self::Host(error) = self { Some(error) } else { None })
            .any(HostError::is_transient)
    }

    /// [`StepError::NotYet`] with nothing to expect.
    pub fn not_yet(why: impl Into<String>) -> Self {
        Self::NotYet { why: why.into(), expect: vec![] }
    }

    /// [`StepError::Later`].
    pub fn later(why: impl Into<String>) -> Self {
        Self::Later { why: why.into() }
    }

    /// [`StepError::Refused`] without advice.
    pub fn refused(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Refused { what: what.into(), why: why.into(), next: None }
    }

    /// Wraps an error from below: `.map_err(StepError::below("reading the release record"))`.
    pub fn below<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        doing: impl Into<String>,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Below { doing: doing.into(), source: source.into() }
    }

    /// The error of a program that ended badly; keeps the last lines of its output.
    pub fn program(argv: &[String], output: &Output) -> Self {
        let said = if output.stderr.trim().is_empty() { &output.stdout } else { &output.stderr };
        let lines: Vec<&str> = said.trim_end().lines().collect();
        let tail = lines[lines.len().saturating_sub(20)..].join("\n");
        Self::Program { program: argv.join(" "), status: output.status, tail }
    }
}
