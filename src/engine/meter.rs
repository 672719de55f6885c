//! How far a long step is.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Event, Events};

/// Counts what a long step has done, also from a task of its own, and tells it.
#[derive(Debug)]
pub(crate) struct Meter {
    events: Events,
    node: String,
    step: String,
    done: AtomicU64,
    total: u64,
}

impl Meter {
    pub(crate) fn new(events: Events, node: &str, step: &str, total: u64) -> Self {
        Self { events, node: node.to_owned(), step: step.to_owned(), done: AtomicU64::new(0), total }
    }

    /// So much more is done.
    pub(crate) fn add(&self, amount: u64) {
        let done = self.done.fetch_add(amount, Ordering::Relaxed) + amount;
        self.tell(done);
    }

    /// So much turned out not to be done after all: what a cut link had taken in and not given on.
    pub(crate) fn take_back(&self, amount: u64) {
        self.done.fetch_sub(amount, Ordering::Relaxed);
    }

    fn tell(&self, done: u64) {
        let (node, step) = (self.node.clone(), self.step.clone());
        self.events.send(Event::StepProgress { node, step, done: done.min(self.total), total: self.total });
    }
}
