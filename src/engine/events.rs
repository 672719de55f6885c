//! What happens in a run, as data: one stream for the terminal, `--json`, the journal and the audit record.

use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};

use sealift_stream::Digest;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::journal::{Journal, JournalError};
use crate::{AtWork, Change, time};

/// Something that happened. `node` is a node's name, or `cluster` for a step that concerns all of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Event {
    /// A run begins.
    RunStarted {
        /// Number of this stream's format.
        schema: u32,
        /// The playbook's name, e.g. `install`.
        verb: String,
        /// The cluster's name.
        cluster: String,
        /// Digest of the plan that is executed.
        plan: Digest,
        /// Changes in the plan.
        changes: usize,
    },
    /// Findings of preflight that somebody answers for, with `--skip` or in the cluster file.
    PreflightOverridden {
        /// Which, and what was seen.
        findings: Vec<Overridden>,
    },
    /// A play begins on some nodes.
    PlayStarted {
        /// The play's name.
        play: String,
        /// Where.
        nodes: Vec<String>,
        /// How many steps each of them takes.
        steps: usize,
    },
    /// A step begins on a node.
    StepStarted {
        /// The play.
        play: String,
        /// Where.
        node: String,
        /// The step's name.
        step: String,
    },
    /// A difference that is being applied now.
    StepChange {
        /// Where.
        node: String,
        /// The step's name.
        step: String,
        /// The difference.
        change: Change,
    },
    /// How far a long step is, in bytes or things. Not journaled.
    StepProgress {
        /// Where.
        node: String,
        /// The step's name.
        step: String,
        /// So much is done.
        done: u64,
        /// Of so much.
        total: u64,
    },
    /// A remark of a step.
    StepNote {
        /// Where.
        node: String,
        /// The step's name.
        step: String,
        /// A sentence for people.
        text: String,
    },
    /// A step ended well.
    StepFinished {
        /// The play.
        play: String,
        /// Where.
        node: String,
        /// The step's name.
        step: String,
        /// Whether it changed something.
        outcome: Outcome,
        /// How many changes it applied.
        changes: usize,
        /// Seconds since the run began.
        started: f64,
        /// How long it took, in seconds.
        seconds: f64,
    },
    /// A step failed; its node goes no further.
    StepFailed {
        /// The play.
        play: String,
        /// Where.
        node: String,
        /// The step's name.
        step: String,
        /// The error and its causes, outermost first.
        error: Vec<String>,
        /// Seconds since the run began.
        started: f64,
        /// How long it took, in seconds.
        seconds: f64,
    },
    /// A step was left where it may be left: somebody asked the run to end.
    StepStopped {
        /// The play.
        play: String,
        /// Where.
        node: String,
        /// The step's name.
        step: String,
        /// Seconds since the run began.
        started: f64,
        /// How long it took, in seconds.
        seconds: f64,
    },
    /// Somebody asked the run to end at its next safe point.
    StopAsked {
        /// Who, e.g. `SIGINT`.
        by: String,
        /// What it waits for until then.
        waiting: Vec<AtWork>,
    },
    /// A play ended on all its nodes.
    PlayFinished {
        /// The play.
        play: String,
        /// How long it took, in seconds.
        seconds: f64,
    },
    /// The run ended.
    RunFinished {
        /// Whether everything was done.
        ok: bool,
        /// Whether it was asked to stop.
        interrupted: bool,
        /// Changes applied.
        changes: usize,
        /// How long it took, in seconds.
        seconds: f64,
    },
    /// What a later sealift calls by a name that this one does not know; read and passed over, never sent.
    #[serde(other)]
    Later,
}

/// A finding of preflight that somebody answers for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overridden {
    /// The check's id.
    pub check: String,
    /// Which node; none when it is about several.
    pub node: Option<String>,
    /// What was seen.
    pub evidence: Vec<String>,
}

/// How a step that did not fail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing to do.
    Unchanged,
    /// Applied and verified.
    Changed,
}

/// An event with its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// RFC 3339, UTC, milliseconds.
    pub time: String,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Where events go: to whoever listens, and to the journal.
#[derive(Debug, Clone)]
pub struct Events(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    began: Instant,
    listener: Option<mpsc::UnboundedSender<Record>>,
    /// None also behind a line that could not be written whole: more of it could not be read.
    journal: Mutex<Option<Journal>>,
    /// The error of the journal: a run must not go on unrecorded.
    broken: Mutex<Option<JournalError>>,
}

impl Events {
    /// A stream into `listener` (the terminal or `--json`) and `journal`, each if there is one.
    pub fn new(listener: Option<mpsc::UnboundedSender<Record>>, journal: Option<Journal>) -> Self {
        Self(Arc::new(Inner {
            began: Instant::now(),
            listener,
            journal: Mutex::new(journal),
            broken: Mutex::new(None),
        }))
    }

    /// A stream that nobody reads, for a plan.
    pub fn unheard() -> Self {
        Self::new(None, None)
    }

    /// Seconds since the stream began.
    pub(crate) fn elapsed(&self) -> f64 {
        self.0.began.elapsed().as_secs_f64()
    }

    /// Records an event: on disk first, so that what a person saw is in the journal.
    pub(crate) fn send(&self, event: Event) {
        let record = Record { time: time::rfc3339(SystemTime::now()), event };
        if !matches!(record.event, Event::StepProgress { .. })
            && let Ok(mut journal) = self.0.journal.lock()
            && let Some(open) = journal.as_mut()
            && let Err(error) = open.write(&record)
            && let Ok(mut broken) = self.0.broken.lock()
        {
            *journal = None;
            *broken = Some(error);
        }
        if let Some(listener) = &self.0.listener {
            // a listener that went away (a closed pipe) is no reason to stop in the middle of a node
            let _ = listener.send(record);
        }
    }

    /// Whether the journal could not be kept, and nobody took the error yet.
    pub(crate) fn unrecorded(&self) -> bool {
        self.0.broken.lock().is_ok_and(|broken| broken.is_some())
    }

    /// The journal's error, once.
    pub(crate) fn journal_error(&self) -> Option<JournalError> {
        self.0.broken.lock().ok().and_then(|mut broken| broken.take())
    }
}
