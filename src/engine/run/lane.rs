//! One node's steps of a play, in their order.

use sealift_node::Probe;
use tokio::time::{Instant, sleep, timeout};

use super::error::chain;
use super::{NewChanges, Run, StepTime};
use crate::schedule::{Gates, Lane, Task};
use crate::stop::AtWork;
use crate::{Change, Event, Outcome, StepError};

/// Losses that one step is carried over; a link that comes and goes is no link.
const LOSSES: usize = 3;

/// How a lane ended.
pub(super) struct LaneEnd {
    pub(super) times: Vec<StepTime>,
    pub(super) failed: Option<(String, StepError)>,
    pub(super) interrupted: bool,
}

impl Run<'_> {
    pub(super) async fn lane(&self, play: &str, lane: &Lane<'_>, gates: &Gates) -> LaneEnd {
        let mut end = LaneEnd { times: vec![], failed: None, interrupted: false };
        for task in &lane.tasks {
            let _permit = gates.enter(task).await;
            if self.site.stop.asked().is_some() || self.site.events.unrecorded() {
                end.interrupted = true;
                break;
            }
            let (play, node, step) = (play.to_owned(), lane.name.to_owned(), task.name().to_owned());
            let events = &self.site.events;
            let started = events.elapsed();
            events.send(Event::StepStarted { play: play.clone(), node: node.clone(), step: step.clone() });
            let result = {
                let work = AtWork { node: node.clone(), step: step.clone(), job: task.job() };
                let _working = self.site.stop.working(work);
                self.over_losses(&play, lane.name, task).await
            };
            let seconds = events.elapsed() - started;
            let changes = match result {
                Ok(changes) => changes,
                Err(StepError::Stopped) => {
                    events.send(Event::StepStopped { play, node, step, started, seconds });
                    end.interrupted = true;
                    break;
                }
                Err(error) => {
                    let (name, said) = (step.clone(), chain(&error));
                    events.send(Event::StepFailed { play, node, step, error: said, started, seconds });
                    end.failed = Some((name, error));
                    break;
                }
            };
            events.send(Event::StepFinished {
                play: play.clone(),
                node: node.clone(),
                step: step.clone(),
                outcome: if changes == 0 { Outcome::Unchanged } else { Outcome::Changed },
                changes,
                started,
                seconds,
            });
            end.times.push(StepTime { play, node, step, started, seconds, changes });
        }
        end
    }

    /// A step whose link was lost is looked at again when the node answers. Its changes converge as after a kill; a
    /// program in a unit of its own has not noticed anything.
    async fn over_losses(&self, play: &str, lane: &str, task: &Task<'_>) -> Result<usize, StepError> {
        let (link, mut losses) = (self.options.link, 0);
        loop {
            let error = match self.step(play, lane, task).await {
                Err(error) if error.link_lost() => error,
                other => return other,
            };
            losses += 1;
            if losses <= LOSSES {
                let (node, step) = (lane.to_owned(), task.name().to_owned());
                let text = format!("the link was lost; waiting up to {} s for it", link.as_secs());
                self.site.events.send(Event::StepNote { node, step, text });
                if self.answers(lane).await {
                    continue;
                }
            }
            let goes_on = task.job().map(|job| job.unit);
            return Err(StepError::LinkGone { waited: link.as_secs(), goes_on, lost: Box::new(error) });
        }
    }

    /// Whether a node answers (again) in time.
    async fn answers(&self, lane: &str) -> bool {
        let name =
            self.site.cluster.node(lane).unwrap_or(self.site.cluster.first_control_plane()).name.as_str();
        let Some(host) = self.site.hosts.get(name) else { return false };
        let until = Instant::now() + self.options.link;
        // a lost link may refuse at once, so that no time-out ever fires: the clock is asked as well
        while self.site.stop.asked().is_none() && Instant::now() < until {
            let left = until.saturating_duration_since(Instant::now());
            match timeout(left, Probe::new(host.as_ref()).stat("/")).await {
                Err(_) => return false,
                Ok(Err(error)) if error.is_transient() => sleep(self.options.link / 15).await,
                // whatever else it says is said again, and better, by the step
                Ok(_) => return true,
            }
        }
        false
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
        if self.site.events.unrecorded() {
            return Err(StepError::Unrecorded);
        }
        task.apply(self.site, &changes).await?;
        let still = task.changes(self.site, None).await?;
        if still.is_empty() { Ok(changes.len()) } else { Err(StepError::Unverified { still }) }
    }
}
