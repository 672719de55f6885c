//! Asking a run to end at its next safe point, and knowing what it waits for until then.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// Set by a signal; read between steps, where a node is never half done, and wherever a step may be left.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    by: watch::Sender<Option<String>>,
    at_work: Mutex<BTreeMap<String, AtWork>>,
    running: AtomicBool,
}

impl Default for Inner {
    fn default() -> Self {
        Self { by: watch::Sender::new(None), at_work: Mutex::default(), running: AtomicBool::new(false) }
    }
}

/// A step that works now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtWork {
    /// The node, or `cluster`.
    pub node: String,
    /// The step's name.
    pub step: String,
    /// The program of its own that it is, or may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
}

/// A program in a unit of its own on a node: neither the end of a link nor ours touches it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its systemd unit.
    pub unit: String,
    /// Seconds after which it is ended.
    pub limit: u64,
}

impl Stop {
    /// Nobody has asked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the run to end; `by` says who, e.g. `SIGINT`. The first one is remembered.
    pub fn ask(&self, by: &str) {
        self.0.by.send_if_modified(|asked| {
            let first = asked.is_none();
            asked.get_or_insert_with(|| by.to_owned());
            first
        });
    }

    /// Who asked, if anybody did.
    pub fn asked(&self) -> Option<String> {
        self.0.by.borrow().clone()
    }

    /// Returns when somebody asks, and who.
    pub async fn wait(&self) -> String {
        let mut asked = self.0.by.subscribe();
        match asked.wait_for(Option::is_some).await.map(|by| by.clone()) {
            Ok(Some(by)) => by,
            // the sender lives as long as we do
            _ => std::future::pending().await,
        }
    }

    /// Whether a run has begun: from then on it is the run that ends, at a safe point.
    pub fn running(&self) -> bool {
        self.0.running.load(Ordering::SeqCst)
    }

    /// A run begins.
    pub(crate) fn run_begins(&self) {
        self.0.running.store(true, Ordering::SeqCst);
    }

    /// What works now, by node.
    pub fn at_work(&self) -> Vec<AtWork> {
        self.lanes().values().cloned().collect()
    }

    /// Notes that a step works, until the guard is dropped.
    pub(crate) fn working(&self, work: AtWork) -> Working<'_> {
        let node = work.node.clone();
        self.lanes().insert(node.clone(), work);
        Working { stop: self, node }
    }

    fn lanes(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, AtWork>> {
        self.0.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A step that works until this is dropped.
pub(crate) struct Working<'a> {
    stop: &'a Stop,
    node: String,
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.stop.lanes().remove(&self.node);
    }
}

#[cfg(test)]
mod tests {
    use super::{AtWork, Stop};

    #[tokio::test]
    async fn who_asked_first_is_told_to_all_who_wait() {
        let stop = Stop::new();
        assert_eq!(stop.asked(), None);
        let waiter = stop.clone();
        let waiting = tokio::spawn(async move { waiter.wait().await });
        stop.ask("SIGINT");
        stop.ask("SIGTERM");
        assert_eq!(waiting.await.unwrap(), "SIGINT");
        assert_eq!(stop.wait().await, "SIGINT");
    }

    #[test]
    fn what_works_is_known_until_it_ends() {
        let stop = Stop::new();
        let work = |node: &str| AtWork { node: node.into(), step: "images".into(), job: None };
        let one = stop.working(work("cp1"));
        let other = stop.working(work("w1"));
        assert_eq!(stop.at_work(), [work("cp1"), work("w1")]);
        drop(one);
        assert_eq!(stop.at_work(), [work("w1")]);
        drop(other);
        assert!(stop.at_work().is_empty());
    }
}
