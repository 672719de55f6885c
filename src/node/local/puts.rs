//! One transfer of a blob at a time: a newer one ends the older, whose link may long be dead.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sealift_stream::Digest;
use tokio::sync::{OwnedMutexGuard, watch};

/// Who is sending what. A slot stays when its transfer is over; there are as many as blobs of a bundle.
#[derive(Debug, Default)]
pub(super) struct Puts {
    slots: Mutex<HashMap<Digest, Slot>>,
}

#[derive(Debug, Clone)]
struct Slot {
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Counts newcomers; whoever holds the turn leaves when it moves.
    newcomers: Arc<watch::Sender<u64>>,
}

/// The right to write one blob, until [`taken`](Self::taken) returns.
#[derive(Debug)]
pub(super) struct Turn {
    _guard: OwnedMutexGuard<()>,
    newcomers: watch::Receiver<u64>,
}

impl Puts {
    /// Asks the present holder to leave, and waits until it has.
    pub(super) async fn take_over(&self, digest: Digest) -> Turn {
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            let new = || Slot { turn: Arc::default(), newcomers: Arc::new(watch::Sender::new(0)) };
            slots.entry(digest).or_insert_with(new).clone()
        };
        slot.newcomers.send_modify(|count| *count += 1);
        let newcomers = slot.newcomers.subscribe();
        Turn { _guard: slot.turn.lock_owned().await, newcomers }
    }
}

impl Turn {
    /// Returns when somebody newer wants to write.
    pub(super) async fn taken(&self) {
        // The sender lives in the map for as long as the host; an error cannot happen and would end a
        // transfer, not damage it.
        let _ = self.newcomers.clone().changed().await;
    }
}

#[cfg(test)]
mod tests {
    use sealift_stream::Digest;

    use super::Puts;

    #[tokio::test]
    async fn the_newer_transfer_ends_the_older() {
        let puts = std::sync::Arc::new(Puts::default());
        let digest = Digest::of(b"x");
        let old = puts.take_over(digest).await;
        let waiting = tokio::spawn({
            let puts = std::sync::Arc::clone(&puts);
            async move { puts.take_over(digest).await }
        });
        old.taken().await;
        assert!(!waiting.is_finished());
        drop(old);
        waiting.await.unwrap();
    }
}
