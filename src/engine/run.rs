//! One execution of a plan.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::schedule::{Gates, Lane, in_lanes};
use crate::{Compiled, Event, Journal, Keeper, Overridden, Plan, Site};

mod error;
mod lane;
mod report;

use lane::LaneEnd;

pub use error::{Failure, RunError};
pub use report::{RunReport, StepTime};

use error::PlayEnd;

/// How a run goes about it.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Nodes worked on at once.
    pub parallel: usize,
    /// What to do about changes that the plan did not have.
    pub new_changes: NewChanges,
    /// How long a lost link is waited for. It counts from when the loss is noticed, 20 s after the last sign of life.
    pub link: Duration,
    /// What keeps the site's record; none for a run after which there is no site (reset).
    pub keeper: Option<Keeper>,
    /// Findings of preflight that somebody answers for: they are written down first.
    pub overridden: Vec<Overridden>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            parallel: 32,
            new_changes: NewChanges::Stop,
            link: Duration::from_secs(30),
            keeper: None,
            overridden: vec![],
        }
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

impl Run<'_> {
    /// Does it. Every step is observed again right before, and again after it was applied.
    pub async fn execute(&self) -> Result<RunReport, RunError> {
        let events = &self.site.events;
        self.site.stop.run_begins();
        events.send(Event::RunStarted {
            schema: Journal::SCHEMA,
            verb: self.plan.verb.clone(),
            cluster: self.plan.cluster.clone(),
            plan: self.plan.digest,
            changes: self.plan.changes(),
        });
        if !self.options.overridden.is_empty() {
            events.send(Event::PreflightOverridden { findings: self.options.overridden.clone() });
        }
        let began = events.elapsed();
        let mut report = RunReport::default();
        let told = AtomicBool::new(false);
        let result = tokio::select! {
            biased;
            never = self.tell_when_asked(&told) => match never {},
            result = self.recorded(&mut report) => result,
        };
        // a run that could stop at once, in the middle of that look at both, is told about all the same
        if let Some(by) = self.site.stop.asked().filter(|_| !told.load(Ordering::Relaxed)) {
            events.send(Event::StopAsked { by, waiting: vec![] });
        }
        report.seconds = events.elapsed() - began;
        let interrupted = matches!(result, Err(PlayEnd::Interrupted { .. }));
        let (changes, seconds) = (report.changes, report.seconds);
        events.send(Event::RunFinished { ok: result.is_ok(), interrupted, changes, seconds });
        if let Some(keeper) = &self.options.keeper {
            keeper.ship(self.site).await;
        }
        if let Some(error) = events.journal_error() {
            return Err(error.into());
        }
        match result {
            Ok(()) => Ok(report),
            Err(PlayEnd::Interrupted { state }) => Err(RunError::Interrupted { state, report }),
            Err(PlayEnd::Journal(error)) => Err(error.into()),
            Err(PlayEnd::Record { state, source }) => Err(RunError::Record { state, source }),
            Err(PlayEnd::Failed { failures, state }) => Err(RunError::Failed { failures, state, report }),
        }
    }

    /// The plays between the first and the last line of the site's record.
    async fn recorded(&self, report: &mut RunReport) -> Result<(), PlayEnd> {
        if let Some(error) = self.site.events.journal_error() {
            return Err(PlayEnd::Journal(error));
        }
        let Some(keeper) = &self.options.keeper else { return self.plays(report).await };
        let fail = |state| move |source| PlayEnd::Record { state, source };
        keeper.write(self.site).await.map_err(fail("nothing else was changed"))?;
        self.plays(report).await?;
        keeper.finish(self.site).await.map_err(fail("everything else is done"))
    }

    /// Says what is waited for as soon as somebody asks the run to end.
    async fn tell_when_asked(&self, told: &AtomicBool) -> std::convert::Infallible {
        let by = self.site.stop.wait().await;
        told.store(true, Ordering::Relaxed);
        self.site.events.send(Event::StopAsked { by, waiting: self.site.stop.at_work() });
        std::future::pending().await
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
            let seconds = self.site.events.elapsed() - began;
            self.site.events.send(Event::PlayFinished { play: play.name.clone(), seconds });
            if let Some(error) = self.site.events.journal_error() {
                return Err(PlayEnd::Journal(error));
            }
            judge(&play.name, &lanes, ends, report)?;
            if let Some(keeper) = &self.options.keeper {
                keeper.ship(self.site).await;
            }
        }
        Ok(())
    }
}

/// What the ends of a play's lanes mean for the run.
fn judge(play: &str, lanes: &[Lane<'_>], ends: Vec<LaneEnd>, report: &mut RunReport) -> Result<(), PlayEnd> {
    let (mut failures, mut stopped, mut whole) = (vec![], vec![], vec![]);
    for (lane, end) in lanes.iter().zip(ends) {
        let last = end.times.last().map(|time| time.step.clone());
        report.changes += end.times.iter().map(|time| time.changes).sum::<usize>();
        report.steps.extend(end.times);
        match end.failed {
            Some((step, error)) => {
                failures.push(Failure { play: play.to_owned(), node: lane.name.to_owned(), step, error });
            }
            None if end.interrupted => stopped.push((lane.name.to_owned(), last)),
            None => whole.push(lane.name),
        }
    }
    if !failures.is_empty() {
        return Err(PlayEnd::failed(play, failures, &whole));
    }
    if !stopped.is_empty() {
        return Err(PlayEnd::interrupted(play, &stopped, &whole));
    }
    Ok(())
}

#[cfg(test)]
mod kill_tests;
#[cfg(test)]
mod link_tests;
#[cfg(test)]
mod tests;
