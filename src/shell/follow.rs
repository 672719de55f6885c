//! Follows a run: its event stream as JSON lines, as bars on a terminal, or as plain lines in a pipe.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use sealift_engine::{AtWork, Event, Outcome, Record};
use tokio::sync::mpsc::UnboundedReceiver;

use super::text::{plain, plain_lines};
use super::{Shell, Span, bytes_bar, waterfall};

/// How often a pipe gets a line about one long step.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// A step that works now.
struct Lane {
    step: String,
    bar: Option<ProgressBar>,
    since: Instant,
    told: Instant,
}

/// Prints events until the run has ended, then the waterfall.
pub(crate) async fn follow(shell: &Shell, mut records: UnboundedReceiver<Record>) -> anyhow::Result<()> {
    let mut follower = Follower::new(shell);
    while let Some(record) = records.recv().await {
        let last = matches!(record.event, Event::RunFinished { .. });
        if shell.json() {
            shell.event_json(&record)?;
        } else {
            follower.tell(record.event);
        }
        if last {
            break;
        }
    }
    if !shell.json() {
        follower.end();
    }
    Ok(())
}

struct Follower<'a> {
    shell: &'a Shell,
    bars: Option<MultiProgress>,
    lanes: HashMap<String, Lane>,
    spans: Vec<Span>,
}

impl<'a> Follower<'a> {
    fn new(shell: &'a Shell) -> Self {
        let bars = shell.terminal().then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));
        Self { shell, bars, lanes: HashMap::new(), spans: Vec::new() }
    }

    fn tell(&mut self, event: Event) {
        match event {
            Event::PlayStarted { play, nodes, .. } => {
                self.say(&format!("{} {}", self.shell.bold(&play), self.shell.dim(&nodes.join(" "))));
            }
            Event::StepStarted { node, step, .. } => {
                let now = Instant::now();
                let bar = self.bars.as_ref().map(|bars| spinner(bars, &node, &step));
                self.lanes.insert(node, Lane { step, bar, since: now, told: now });
            }
            Event::StepChange { node, change, .. } => {
                self.say(&format!("  {node:<8} {} {}", self.shell.yellow("~"), plain(&change.what)));
            }
            Event::StepProgress { node, done, total, .. } => self.progress(&node, done, total),
            Event::StepNote { node, text, .. } => self.say(&format!("  {node:<8}   {}", plain(&text))),
            Event::StepFinished { node, step, outcome, started, seconds, .. } => {
                self.close(&node);
                if outcome == Outcome::Changed {
                    let took = self.shell.dim(&format!("{seconds:.1} s"));
                    self.say(&format!("  {node:<8} {} {step} {took}", self.shell.green("✓")));
                }
                self.spans.push(Span { lane: node, name: step, from: started, to: started + seconds });
            }
            Event::StepFailed { node, step, error, started, seconds, .. } => {
                self.close(&node);
                let error = plain_lines(&error.join(": "));
                self.say(&format!("  {node:<8} {} {step}: {error}", self.shell.red("✗")));
                self.spans.push(Span { lane: node, name: step, from: started, to: started + seconds });
            }
            Event::StepStopped { node, step, started, seconds, .. } => {
                self.close(&node);
                self.say(&format!(
                    "  {node:<8} {} {step}: left as asked, what was done is kept",
                    self.shell.yellow("-")
                ));
                self.spans.push(Span { lane: node, name: step, from: started, to: started + seconds });
            }
            Event::StopAsked { by, waiting } => self.say(&stopping(self.shell, &by, &waiting)),
            Event::PreflightOverridden { findings } => {
                for one in findings {
                    let node = one.node.as_deref().unwrap_or("site");
                    let what = plain(&one.evidence.join("; "));
                    self.say(&format!(
                        "  {node:<8} {} {} overridden: {what}",
                        self.shell.yellow("!"),
                        one.check
                    ));
                }
            }
            Event::RunStarted { .. }
            | Event::PlayFinished { .. }
            | Event::RunFinished { .. }
            | Event::Later => {}
        }
    }

    fn progress(&mut self, node: &str, done: u64, total: u64) {
        let Some(lane) = self.lanes.get_mut(node) else { return };
        if let Some(bars) = &self.bars {
            let label = format!("{node} {}", lane.step);
            let bar = lane.bar.get_or_insert_with(|| bytes_bar(bars, &label, total));
            if bar.length() != Some(total) {
                bars.remove(bar);
                *bar = bytes_bar(bars, &label, total);
            }
            bar.set_position(done);
        } else if lane.told.elapsed() >= PLAIN_EVERY {
            lane.told = Instant::now();
            let text = super::progress::line(&format!("  {node:<8} {}", lane.step), done, total, lane.since);
            self.say(&text);
        }
    }

    fn close(&mut self, node: &str) {
        if let Some(lane) = self.lanes.remove(node)
            && let Some(bar) = lane.bar
        {
            bar.finish_and_clear();
        }
    }

    fn say(&self, text: &str) {
        match &self.bars {
            Some(bars) => bars.suspend(|| self.shell.say(text)),
            None => self.shell.say(text),
        }
    }

    fn end(&mut self) {
        for node in self.lanes.keys().cloned().collect::<Vec<_>>() {
            self.close(&node);
        }
        if self.spans.iter().any(|span| span.to - span.from > 1.0) {
            self.say(&format!(
                "\n{}\n{}",
                self.shell.bold("where the time went"),
                waterfall(&self.spans, self.shell.width())
            ));
        }
    }
}

/// What is waited for, and what a second signal would mean.
fn stopping(shell: &Shell, by: &str, waiting: &[AtWork]) -> String {
    let finishing = waiting.iter().map(|work| {
        let most = work.job.as_ref().map(|job| format!(" (up to {} min)", job.limit.div_ceil(60)));
        format!("'{}' on {}{}", work.step, work.node, most.unwrap_or_default())
    });
    let finishing: Vec<String> = finishing.collect();
    let what = if finishing.is_empty() { "what is at work".to_owned() } else { finishing.join(", ") };
    let again = if waiting.iter().any(|work| work.job.is_some()) {
        "Ctrl-C again to leave it running there"
    } else {
        "Ctrl-C again to leave at once"
    };
    format!("{} finishing {what}, then the run ends; {again}", shell.yellow(&format!("{by}:")))
}

fn spinner(bars: &MultiProgress, node: &str, step: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("  {prefix:<8!} {spinner} {msg} {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = bars.add(ProgressBar::new_spinner().with_style(style).with_prefix(node.to_owned()));
    bar.set_message(step.to_owned());
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
