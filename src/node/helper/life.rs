//! When a helper ends: nobody connected for a while, its operator says so, or a newcomer finds it orphaned.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// Without a beat for this long the operator counts as gone. Beats come every [`BEAT`].
const ALIVE: Duration = Duration::from_secs(15);

/// How often the operator says that it is alive.
pub(crate) const BEAT: Duration = Duration::from_secs(4);

/// Why a helper ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Its operator said so: the run is over, well or not.
    Dismissed,
    /// Its operator is gone without a word: the run was cut off.
    Orphaned,
}

/// Shared by all connections of one helper.
#[derive(Debug)]
pub(super) struct Life {
    connections: AtomicUsize,
    /// Short work that is not dropped in the middle. A job is not: it goes on without the helper.
    acts: AtomicUsize,
    last: Mutex<Instant>,
    beat: Mutex<Option<Instant>>,
    beating: AtomicUsize,
    end: Notify,
    dismissed: AtomicBool,
}

/// One of something counted, until dropped.
pub(super) struct Counted(Arc<Life>, fn(&Life) -> &AtomicUsize);

impl Drop for Counted {
    fn drop(&mut self) {
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        (self.1)(&self.0).fetch_sub(1, Ordering::SeqCst);
    }
}

/// A connection that beats.
pub(super) struct Beating(Arc<Life>);

impl Drop for Beating {
    fn drop(&mut self) {
        if self.0.beating.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.beat_at(None);
        }
    }
}

impl Life {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            connections: AtomicUsize::new(0),
            acts: AtomicUsize::new(0),
            last: Mutex::new(Instant::now()),
            beat: Mutex::new(None),
            beating: AtomicUsize::new(0),
            end: Notify::new(),
            dismissed: AtomicBool::new(false),
        })
    }

    pub(super) fn connection(self: &Arc<Self>) -> Counted {
        self.connections.fetch_add(1, Ordering::SeqCst);
        Counted(Arc::clone(self), |life| &life.connections)
    }

    pub(super) fn act(self: &Arc<Self>) -> Counted {
        self.acts.fetch_add(1, Ordering::SeqCst);
        Counted(Arc::clone(self), |life| &life.acts)
    }

    /// The operator was heard.
    pub(super) fn beat(&self) {
        self.beat_at(Some(Instant::now()));
    }

    /// A connection that beats, until dropped. When the last one hangs up the operator is gone; an earlier one whose
    /// dead link is noticed late says nothing about one that beats over a new link.
    pub(super) fn beating(self: &Arc<Self>) -> Beating {
        self.beating.fetch_add(1, Ordering::SeqCst);
        self.beat();
        Beating(Arc::clone(self))
    }

    fn beat_at(&self, at: Option<Instant>) {
        *self.beat.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// How long ago the operator was heard; none when it counts as gone.
    pub(super) fn heard(&self) -> Option<Duration> {
        let beat = *self.beat.lock().unwrap_or_else(PoisonError::into_inner);
        beat.map(|beat| beat.elapsed()).filter(|heard| *heard < ALIVE)
    }

    pub(super) fn end(&self, end: End) {
        self.dismissed.fetch_or(end == End::Dismissed, Ordering::SeqCst);
        self.end.notify_one();
    }

    /// Returns when the helper should end: asked to, or idle. Short work is waited for, a minute at most.
    pub(super) async fn over(&self, idle: Duration) -> End {
        let look = Duration::from_millis(200).min(idle);
        loop {
            tokio::select! {
                () = self.end.notified() => break,
                () = tokio::time::sleep(look) => {
                    let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
                    if self.connections.load(Ordering::SeqCst) == 0 && self.busy() == 0 && last.elapsed() >= idle {
                        break;
                    }
                }
            }
        }
        let since = Instant::now();
        while self.busy() > 0 && since.elapsed() < Duration::from_mins(1) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        if self.dismissed.load(Ordering::SeqCst) { End::Dismissed } else { End::Orphaned }
    }

    fn busy(&self) -> usize {
        self.acts.load(Ordering::SeqCst)
    }
}
