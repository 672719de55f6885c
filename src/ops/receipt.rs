//! The facts of one run for whoever was not there: data of the report and of the signed receipt.

use std::collections::HashMap;
use std::path::Path;
use std::time::SystemTime;

use sealift_engine::{Change, Event, Journal, Outcome, Record, RunReport, rfc3339_seconds};
use sealift_stream::Digest;
use serde::Serialize;

use super::Exit;
use super::course::{Course, Input};
use super::receipt_site::{self, Item, Node, Release};
use super::site::SiteFiles;

/// One run: what, where, when, how it ended. Documented in `docs/reference/receipt.md`; holds no secret.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Receipt {
    pub(crate) schema: u32,
    pub(crate) r#type: &'static str,
    pub(crate) sealift: &'static str,
    pub(crate) verb: &'static str,
    pub(crate) cluster: String,
    pub(crate) outcome: End,
    pub(crate) error: Vec<String>,
    pub(crate) began: String,
    pub(crate) ended: String,
    pub(crate) seconds: f64,
    pub(crate) inputs: Vec<Input>,
    pub(crate) release: Option<Release>,
    pub(crate) plan: Option<Agreed>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) items: Vec<Item>,
    pub(crate) changes: Vec<Applied>,
    pub(crate) steps: Vec<Timing>,
    pub(crate) journal: Option<String>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum End {
    /// Everything is as it should be, and something was changed for it.
    Done,
    /// Everything was as it should be.
    Unchanged,
    /// A person said no to the plan.
    Declined,
    /// Somebody stopped it.
    Interrupted,
    /// Something failed.
    Failed,
}

/// The plan that was carried out.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Agreed {
    pub(crate) digest: Digest,
    pub(crate) changes: usize,
}

/// A change that was begun.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Applied {
    pub(crate) play: String,
    pub(crate) node: String,
    pub(crate) step: String,
    #[serde(flatten)]
    pub(crate) change: Change,
    pub(crate) state: State,
}

/// How far a change came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// Applied, and seen to be so.
    Verified,
    /// Its step failed: look before you rely on it.
    Failed,
    /// The run was cut off meanwhile.
    Begun,
}

/// A step that ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Timing {
    pub(crate) play: String,
    pub(crate) node: String,
    pub(crate) step: String,
    pub(crate) state: StepState,
    pub(crate) started: f64,
    pub(crate) seconds: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) error: Vec<String>,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StepState {
    Unchanged,
    Changed,
    Failed,
}

impl Receipt {
    /// Schema of the document.
    pub(crate) const SCHEMA: u32 = 1;
    /// Its type.
    pub(crate) const TYPE: &str = "sealift.dev/receipt";

    /// Writes down a run of `verb` that has just ended.
    pub(crate) fn of(
        verb: &'static str,
        files: &SiteFiles,
        course: &Course,
        done: &anyhow::Result<Option<RunReport>>,
    ) -> Self {
        let now = SystemTime::now();
        let mut error: Vec<String> = done
            .as_ref()
            .err()
            .map(|error| error.chain().map(ToString::to_string).collect())
            .unwrap_or_default();
        let records = course.journal.as_deref().map_or(Ok(vec![]), records);
        // no reason to have no report: the rest is still true. Nor to be silent about what is missing.
        let records = records.unwrap_or_else(|why| {
            error.push(why);
            vec![]
        });
        let (changes, steps) = journaled(&records);
        Self {
            schema: Self::SCHEMA,
            r#type: Self::TYPE,
            sealift: env!("CARGO_PKG_VERSION"),
            verb,
            cluster: files.cluster.name().to_string(),
            outcome: End::of(done),
            error,
            began: rfc3339_seconds(course.began),
            ended: rfc3339_seconds(now),
            seconds: now.duration_since(course.began).unwrap_or_default().as_secs_f64(),
            inputs: course.inputs.clone(),
            release: files.bundle().map(Release::of),
            plan: course.plan.as_ref().map(|plan| Agreed { digest: plan.digest, changes: plan.changes() }),
            nodes: receipt_site::nodes(files, course),
            items: files.bundle().map(receipt_site::items).unwrap_or_default(),
            changes,
            steps,
            journal: course.journal.as_ref().map(|path| path.display().to_string()),
        }
    }
}

impl End {
    fn of(done: &anyhow::Result<Option<RunReport>>) -> Self {
        match done {
            Ok(Some(report)) if report.changes == 0 => Self::Unchanged,
            Ok(Some(_)) => Self::Done,
            Ok(None) => Self::Declined,
            Err(error) if Exit::of(error) == Exit::Interrupted => Self::Interrupted,
            Err(_) => Self::Failed,
        }
    }
}

fn records(journal: &Path) -> Result<Vec<Record>, String> {
    let text = std::fs::read_to_string(journal).map_err(|error| error.to_string());
    text.and_then(|text| Journal::parse(&text).map_err(|error| error.to_string())).map_err(|why| {
        format!("reading the journal {}: {why}; changes and steps are missing here", journal.display())
    })
}

/// Changes and steps of a journal. A change stands in it before it is applied; how its step ended says how it went.
fn journaled(records: &[Record]) -> (Vec<Applied>, Vec<Timing>) {
    let (mut changes, mut steps): (Vec<Applied>, Vec<Timing>) = (vec![], vec![]);
    let mut plays: HashMap<&str, &str> = HashMap::new();
    for record in records {
        match &record.event {
            Event::StepStarted { play, node, .. } => drop(plays.insert(node, play)),
            Event::StepChange { node, step, change } => changes.push(Applied {
                play: plays.get(node.as_str()).copied().unwrap_or_default().to_owned(),
                node: node.clone(),
                step: step.clone(),
                change: change.clone(),
                state: State::Begun,
            }),
            Event::StepFinished { play, node, step, outcome, started, seconds, .. } => {
                let state = match outcome {
                    Outcome::Unchanged => StepState::Unchanged,
                    Outcome::Changed => StepState::Changed,
                };
                settle(&mut changes, play, node, step, State::Verified);
                steps.push(Timing::new(play, node, step, state, (*started, *seconds), &[]));
            }
            Event::StepFailed { play, node, step, error, started, seconds } => {
                settle(&mut changes, play, node, step, State::Failed);
                steps.push(Timing::new(play, node, step, StepState::Failed, (*started, *seconds), error));
            }
            _ => {}
        }
    }
    (changes, steps)
}

fn settle(changes: &mut [Applied], play: &str, node: &str, step: &str, state: State) {
    for change in changes.iter_mut().filter(|c| c.play == play && c.node == node && c.step == step) {
        change.state = state;
    }
}

impl Timing {
    fn new(play: &str, node: &str, step: &str, state: StepState, time: (f64, f64), error: &[String]) -> Self {
        let (play, node, step) = (play.to_owned(), node.to_owned(), step.to_owned());
        Self { play, node, step, state, started: time.0, seconds: time.1, error: error.to_vec() }
    }
}

/// A run in which nothing was to do.
#[cfg(test)]
pub(crate) fn example() -> Receipt {
    Receipt {
        schema: Receipt::SCHEMA,
        r#type: Receipt::TYPE,
        sealift: "0.1.0",
        verb: "install",
        cluster: "plant-7".to_owned(),
        outcome: End::Unchanged,
        error: vec![],
        began: rfc3339_seconds(SystemTime::UNIX_EPOCH),
        ended: rfc3339_seconds(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1)),
        seconds: 1.0,
        inputs: vec![],
        release: None,
        plan: None,
        nodes: vec![],
        items: vec![],
        changes: vec![],
        steps: vec![],
        journal: None,
    }
}

#[cfg(test)]
mod tests {
    use sealift_engine::{Change, Event, Outcome, Record};

    use super::{State, StepState, journaled, records};

    #[test]
    fn a_journal_that_cannot_be_read_is_no_empty_one() {
        let dir = tempfile::tempdir().unwrap();
        let journal = dir.path().join("j.jsonl");
        assert!(records(&journal).unwrap_err().contains("changes and steps are missing"));
        std::fs::write(&journal, "x\n").unwrap();
        assert!(records(&journal).unwrap_err().contains("j.jsonl"));
    }

    #[test]
    fn a_change_is_as_sure_as_the_end_of_its_step() {
        let own = str::to_owned;
        let started = |step| Event::StepStarted { play: own("p"), node: own("cp1"), step: own(step) };
        let change = |step| Event::StepChange {
            node: own("cp1"),
            step: own(step),
            change: Change::new("x", "a", "b", "c"),
        };
        let events = [
            started("good"),
            change("good"),
            Event::StepFinished {
                play: own("p"),
                node: own("cp1"),
                step: own("good"),
                outcome: Outcome::Changed,
                changes: 1,
                started: 0.0,
                seconds: 1.0,
            },
            started("bad"),
            change("bad"),
            Event::StepFailed {
                play: own("p"),
                node: own("cp1"),
                step: own("bad"),
                error: vec![own("no space")],
                started: 1.0,
                seconds: 2.0,
            },
            started("cut"),
            change("cut"),
        ];
        let records: Vec<Record> =
            events.into_iter().map(|event| Record { time: String::new(), event }).collect();
        let (changes, steps) = journaled(&records);
        let states: Vec<State> = changes.iter().map(|change| change.state).collect();
        assert_eq!(states, [State::Verified, State::Failed, State::Begun]);
        assert!(changes.iter().all(|change| change.play == "p"));
        assert_eq!(steps.len(), 2);
        assert_eq!((steps[1].state, steps[1].error.as_slice()), (StepState::Failed, &[own("no space")][..]));
    }
}
