//! Sending to the disk while the rest is still fetched: a system that gathers all that is written until the one sync at
//! the end makes everybody wait there.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::task::spawn_blocking;

use super::workspace::Workspace;

/// How much is written between two syncs.
const STRETCH: u64 = 64 << 20;

/// What is on its way to the disk.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    written: AtomicU64,
    busy: AtomicBool,
    /// A system tells a failed write to one sync only; the next would succeed.
    failed: Mutex<Option<io::Error>>,
}

impl Ahead {
    /// So many bytes more are written; at the end of a stretch it is synced beside the work, one at a time.
    pub(crate) fn wrote(workspace: &Arc<Workspace>, bytes: u64) {
        let ahead = &workspace.ahead;
        let before = ahead.written.fetch_add(bytes, Ordering::Relaxed);
        if before / STRETCH == (before + bytes) / STRETCH || ahead.busy.swap(true, Ordering::Acquire) {
            return;
        }
        let workspace = Arc::clone(workspace);
        spawn_blocking(move || {
            if let Err(error) = workspace.volumes.sync() {
                *workspace.ahead.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
            workspace.ahead.busy.store(false, Ordering::Release);
        });
    }

    /// The first failure of a sync on the way.
    pub(crate) fn failure(&self) -> io::Result<()> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }
}
