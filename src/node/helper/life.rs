//! When a helper ends: nobody connected for a while, its operator says so, or a newcomer finds it orphaned.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// Without a beat for this long the operator counts as gone. Beats come every [`BEAT`].
const ALIVE: Duration = Duration::from_secs(15);

/// How often the operator says that it is alive.
pub(crate) const BEAT: Duration = Duration::from_secs(4);

/// Shared by all connections of one helper.
#[derive(Debug)]
pub(super) struct Life {
    connections: AtomicUsize,
    /// Short work that is not dropped in the middle. A job is not: it goes on without the helper.
    acts: AtomicUsize,
    last: Mutex<Instant>,
    beat: Mutex<Option<Instant>>,
    end: Notify,
}

/// One of something counted, until dropped.
pub(super) struct Counted(Arc<Life>, fn(&Life) -> &AtomicUsize);

impl Drop for Counted {
    fn drop(&mut self) {
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        (self.1)(&self.0).fetch_sub(1, Ordering::SeqCst);
    }
}

impl Life {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            connections: AtomicUsize::new(0),
            acts: AtomicUsize::new(0),
            last: Mutex::new(Instant::now()),
            beat: Mutex::new(None),
            end: Notify::new(),
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

    /// The operator was heard (`true`), or has hung up (`false`).
    pub(super) fn beat(&self, alive: bool) {
        *self.beat.lock().unwrap_or_else(PoisonError::into_inner) = alive.then(Instant::now);
    }

    pub(super) fn operator_lives(&self) -> bool {
        self.beat.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|beat| beat.elapsed() < ALIVE)
    }

    pub(super) fn end(&self) {
        self.end.notify_one();
    }

    /// Returns when the helper should end: asked to, or idle. Short work is waited for, a minute at most.
    pub(super) async fn over(&self, idle: Duration) {
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
    }

    fn busy(&self) -> usize {
        self.acts.load(Ordering::SeqCst)
    }
}
