//! One execution of a plan.

use crate::schedule::{Gates, Lane, Task, in_lanes};
use crate::{Change, Compiled, Event, JournalError, Outcome, Plan, Site, StepError, Stop};

/// How a run goes about it.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Nodes worked on at once.
    pub parallel: usize,
    /// What to do about changes that the plan did not have.
    pub new_changes: NewChanges,
    /// Ends the run between two steps.
    pub stop: Stop,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { parallel: 32, new_changes: NewChanges::Stop, stop: Stop::new() }
    }
}

/// What to do about changes that the plan did not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewChanges {
    /// Stop before that step: nobody agreed to it.
    Stop,
    /// Go on: the operator said beforehand that whatever is needed may be done.
    Accept,
}

/// One execution of a plan.
pub struct Run<'a> {
    /// The playbook the plan was made from.
    pub compiled: &'a Compiled,
    /// What was agreed to.
    pub plan: &'a Plan,
    /// The site, with its connections and events.
    pub site: &'a Site,
    /// How.
    pub options: RunOptions,
}

/// What a run did.
#[derive(Debug, Clone, Default)]
pub struct RunReport {
    /// Changes applied and verified.
    pub changes: usize,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Every step that ended well, for the waterfall.
    pub steps: Vec<StepTime>,
}

/// When a step ran.
#[derive(Debug, Clone, PartialEq)]
pub struct StepTime {
    /// The play.
    pub play: String,
    /// The node, or `cluster`.
    pub node: String,
    /// The step's name.
    pub step: String,
    /// Seconds since the run began.
    pub started: f64,
    /// Seconds it took.
    pub seconds: f64,
    /// Changes it applied.
    pub changes: usize,
}

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
    #[error("stopped as asked, between two steps; running the same command again goes on from here")]
    Interrupted {
        /// What was done until then.
        report: RunReport,
    },
    /// The journal could not be written; the run stopped rather than go on unrecorded.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl RunError {
    /// The steps that failed, for whoever decides the exit code by what is below them.
    pub fn failures(&self) -> &[Failure] {
        if let Self::Failed { failures, .. } = self { failures } else { &[] }
    }
}

/// How a lane ended.
struct LaneEnd {
    times: Vec<StepTime>,
    failed: Option<(String, StepError)>,
    interrupted: bool,
}

impl Run<'_> {
    /// Does it. Every step is observed again right before, and again after it was applied.
    pub async fn execute(&self) -> Result<RunReport, RunError> {
        let events = &self.site.events;
        events.send(Event::RunStarted {
            schema: 1,
            verb: self.plan.verb.clone(),
            cluster: self.plan.cluster.clone(),
            plan: self.plan.digest,
            changes: self.plan.changes(),
        });
        let began = events.elapsed();
        let mut report = RunReport::default();
        let result = self.plays(&mut report).await;
        report.seconds = events.elapsed() - began;
        let interrupted = matches!(result, Err(PlayEnd::Interrupted));
        let (changes, seconds) = (report.changes, report.seconds);
        events.send(Event::RunFinished { ok: result.is_ok(), interrupted, changes, seconds });
        if let Some(error) = events.journal_error() {
            return Err(error.into());
        }
        match result {
            Ok(()) => Ok(report),
            Err(PlayEnd::Interrupted) => Err(RunError::Interrupted { report }),
            Err(PlayEnd::Journal(error)) => Err(error.into()),
            Err(PlayEnd::Failed { failures, state }) => Err(RunError::Failed { failures, state, report }),
        }
    }

    async fn plays(&self, report: &mut RunReport) -> Result<(), PlayEnd> {
        let gates = Gates::new();
        for play in &self.compiled.plays {
            let lanes = play.lanes(&self.site.cluster);
            let began = self.site.events.elapsed();
            self.site.events.send(Event::PlayStarted {
                play: play.name.clone(),
                nodes: lanes.iter().map(|lane| lane.name.to_owned()).collect(),
                steps: lanes.first().map_or(0, |lane| lane.tasks.len()),
            });
            let ends =
                in_lanes(&lanes, self.options.parallel, |lane| self.lane(&play.name, lane, &gates)).await;
            let (mut failures, mut interrupted, mut whole) = (vec![], false, vec![]);
            for (lane, end) in lanes.iter().zip(ends) {
                report.changes += end.times.iter().map(|time| time.changes).sum::<usize>();
                report.steps.extend(end.times);
                interrupted |= end.interrupted;
                match end.failed {
                    Some((step, error)) => {
                        failures.push(Failure {
                            play: play.name.clone(),
                            node: lane.name.to_owned(),
                            step,
                            error,
                        });
                    }
                    None if !end.interrupted => whole.push(lane.name),
                    None => {}
                }
            }
            let seconds = self.site.events.elapsed() - began;
            self.site.events.send(Event::PlayFinished { play: play.name.clone(), seconds });
            if let Some(error) = self.site.events.journal_error() {
                return Err(PlayEnd::Journal(error));
            }
            if !failures.is_empty() {
                return Err(PlayEnd::Failed { failures, state: state(&play.name, &whole) });
            }
            if interrupted {
                return Err(PlayEnd::Interrupted);
            }
        }
        Ok(())
    }

    async fn lane(&self, play: &str, lane: &Lane<'_>, gates: &Gates) -> LaneEnd {
        let mut end = LaneEnd { times: vec![], failed: None, interrupted: false };
        for task in &lane.tasks {
            if self.options.stop.asked() {
                end.interrupted = true;
                break;
            }
            let _permit = gates.enter(task).await;
            let (play, node, step) = (play.to_owned(), lane.name.to_owned(), task.name().to_owned());
            let started = self.site.events.elapsed();
            self.site.events.send(Event::StepStarted {
                play: play.clone(),
                node: node.clone(),
                step: step.clone(),
            });
            let result = self.step(&play, lane.name, task).await;
            let seconds = self.site.events.elapsed() - started;
            match result {
                Ok(changes) => {
                    let outcome = if changes == 0 { Outcome::Unchanged } else { Outcome::Changed };
                    self.site.events.send(Event::StepFinished {
                        play: play.clone(),
                        node: node.clone(),
                        step: step.clone(),
                        outcome,
                        changes,
                        started,
                        seconds,
                    });
                    end.times.push(StepTime { play, node, step, started, seconds, changes });
                }
                Err(error) => {
                    let said = chain(&error);
                    self.site.events.send(Event::StepFailed {
                        play,
                        node,
                        step: step.clone(),
                        error: said,
                        started,
                        seconds,
                    });
                    end.failed = Some((step, error));
                    break;
                }
            }
        }
        end
    }

    /// Observe, diff, apply, and look again. Returns how many changes were applied.
    async fn step(&self, play: &str, lane: &str, task: &Task<'_>) -> Result<usize, StepError> {
        let changes = task.changes(self.site, None).await?;
        if changes.is_empty() {
            return Ok(0);
        }
        let fresh = self.plan.unplanned(play, lane, task, &changes);
        if !fresh.is_empty() && self.options.new_changes == NewChanges::Stop {
            return Err(StepError::Unplanned { fresh });
        }
        for change in &changes {
            let (node, step): (String, String) = (lane.to_owned(), task.name().to_owned());
            self.site.events.send(Event::StepChange { node, step, change: Change::clone(change) });
        }
        task.apply(self.site, &changes).await?;
        let still = task.changes(self.site, None).await?;
        if still.is_empty() { Ok(changes.len()) } else { Err(StepError::Unverified { still }) }
    }
}

enum PlayEnd {
    Failed { failures: Vec<Failure>, state: String },
    Interrupted,
    Journal(JournalError),
}

/// In what state a failed play leaves things.
fn state(play: &str, whole: &[&str]) -> String {
    let others = if whole.is_empty() { String::new() } else { format!("; {} finished it", whole.join(", ")) };
    format!(
        "\nthe run stopped in play '{play}'{others}; later plays were not begun; a failed step is not half undone: running the same command again goes on from here"
    )
}

/// An error and its causes, outermost first.
fn chain(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect()
}

#[cfg(test)]
mod kill_tests;
#[cfg(test)]
mod tests;
