//! What a person, a shutdown or a terminal that went away wants of a run.

use std::future::Future;
use std::time::Duration;

use futures::future::select_all;
use sealift_engine::{AtWork, Stop};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

use super::{Exit, Failure};
use crate::shell::Shell;

/// Makes a kind of signal.
type Kind = fn() -> SignalKind;

/// What ends a run: the name, its number, how to listen to it.
const SIGNALS: [(&str, u32, Kind); 3] = [
    ("SIGINT", 2, SignalKind::interrupt),
    ("SIGTERM", 15, SignalKind::terminate),
    ("SIGHUP", 1, SignalKind::hangup),
];

/// Before a run there is nothing to finish; what blocks (a question, a slow stick) is not waited for longer.
const GRACE: Duration = Duration::from_secs(3);

/// Listens until dropped: the first signal asks the run to end at its next safe point, the second one ends us.
pub(crate) struct Signals(JoinHandle<()>);

impl Signals {
    /// Starts listening. A signal that was ignored when we were started (`nohup`) stays ignored.
    pub(crate) fn listen(stop: &Stop, shell: &Shell) -> anyhow::Result<Self> {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mut streams = vec![];
        for (name, number, kind) in SIGNALS {
            if !ignored(&status, number) {
                streams.push((name, signal(kind())?));
            }
        }
        Ok(Self(tokio::spawn(listen(stop.clone(), shell.clone(), streams))))
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn listen(stop: Stop, shell: Shell, mut streams: Vec<(&'static str, Signal)>) {
    if streams.is_empty() {
        return;
    }
    stop.ask(next(&mut streams).await);
    if !stop.running() {
        tokio::time::sleep(GRACE).await;
        if !stop.running() {
            shell.say("stopped before the first change; nothing was changed");
            std::process::exit(Exit::Interrupted as i32);
        }
    }
    // a terminal that goes away says so more than once: that is no second wish
    while next(&mut streams).await == "SIGHUP" {}
    shell.say(&left(&stop.at_work()));
    std::process::exit(Exit::Interrupted as i32);
}

async fn next(streams: &mut [(&'static str, Signal)]) -> &'static str {
    let waiting = streams.iter_mut().map(|(name, stream)| {
        Box::pin(async move {
            stream.recv().await;
            *name
        })
    });
    select_all(waiting).await.0
}

/// Whether a process with this `/proc/PID/status` ignores a signal.
fn ignored(status: &str, number: u32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask >> (number - 1) & 1 == 1)
}

/// What goes on without us, and what was cut.
fn left(at_work: &[AtWork]) -> String {
    let mut lines = vec!["left at once; every helper ends by itself within a minute".to_owned()];
    lines.extend(at_work.iter().map(|work| match &work.job {
        Some(job) => format!(
            "  {}: '{}' may go on by itself there, as unit {}; the same command waits for it",
            work.node, work.step, job.unit
        ),
        None => format!(
            "  {}: '{}' was cut off in the middle; the same command does the rest of it",
            work.node, work.step
        ),
    }));
    lines.push("next: run the same command again".to_owned());
    lines.join("\n")
}

/// Does what comes before the first change and may be left at any moment.
pub(crate) async fn unless_stopped<T>(
    stop: &Stop,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    tokio::select! {
        done = work => done,
        by = stop.wait() => {
            let message = format!("stopped by {by} before the first change; nothing was changed");
            Err(Failure::new(Exit::Interrupted, message).next("run the same command again when you want").into())
        }
    }
}

#[cfg(test)]
mod tests {
    use sealift_engine::{AtWork, Job};

    use super::{ignored, left};

    #[test]
    fn what_nohup_ignores_stays_ignored() {
        let status = "Name:\tsealift\nSigIgn:\t0000000000000001\nSigCgt:\t0000000000004002\n";
        assert!(ignored(status, 1));
        assert!(!ignored(status, 2) && !ignored(status, 15));
        assert!(!ignored("", 1));
    }

    #[test]
    fn who_leaves_at_once_is_told_what_goes_on() {
        let job = Some(Job { unit: "sealift-job-kubeadm-init".into(), limit: 2700 });
        let work = |node: &str, step: &str, job| AtWork { node: node.into(), step: step.into(), job };
        let text = left(&[work("cp1", "kubeadm init", job), work("w1", "images", None)]);
        assert!(
            text.contains("cp1: 'kubeadm init' may go on by itself there, as unit sealift-job-kubeadm-init")
        );
        assert!(text.contains("w1: 'images' was cut off"), "{text}");
    }
}
