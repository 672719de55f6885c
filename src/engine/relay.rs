//! Which way a blob takes to a node: over the operator's link, or from a node that has it already.
//!
//! Each blob goes over the operator's link once, to whoever asks first; the others wait for that one and take it from
//! there, then from each other. A node gives to few at once, so that the third taker finds a second giver soon. What goes
//! wrong between two nodes is remembered, and the operator's link is always the way that is left.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sealift_node::{Giver, Mutate, RelayKey};
use sealift_stream::Digest;
use tokio::sync::watch;

use crate::{Site, StepError};

/// A smaller one is sent sooner than a giver is found.
const LEAST: u64 = 256 << 10;
/// Takers of one giver at once.
const AT_ONCE: usize = 3;
/// Two nodes that failed each other so often are left alone.
const FAILURES: u32 = 2;
/// Shorter transfers say little about a rate.
const MEASURED: u64 = 1 << 20;

/// The ways of one run.
pub(crate) struct Relay {
    key: RelayKey,
    state: Mutex<State>,
    /// Moves whenever waiting may be over.
    changed: watch::Sender<()>,
    /// Where nodes give, each under a lock of its own: one that does not answer holds nobody up but its takers.
    listening: Mutex<BTreeMap<String, Arc<Listening>>>,
}

/// Where a node gives, once it does.
type Listening = tokio::sync::Mutex<Option<SocketAddr>>;

#[derive(Default)]
struct State {
    /// Nobody gives anything.
    off: bool,
    blobs: HashMap<Digest, Blob>,
    /// Takers by giver.
    takers: BTreeMap<String, usize>,
    /// What is known of giver and taker.
    pairs: BTreeMap<(String, String), Pair>,
    /// Bytes per second of one transfer over the operator's link, the last one, by node.
    sent: BTreeMap<String, f64>,
}

#[derive(Default)]
struct Blob {
    /// Nodes that have it whole.
    at: BTreeSet<String>,
    /// Transfers under way, whichever way.
    coming: usize,
}

#[derive(Default)]
struct Pair {
    failures: u32,
    /// Bytes per second of the last transfer.
    rate: Option<f64>,
}

/// The way a blob shall take now. It counts as under way until this is dropped.
pub(crate) struct Way<'a> {
    relay: &'a Relay,
    digest: Digest,
    to: String,
    pub(crate) from: Source,
}

/// Where a blob comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The bundle, over the operator's link.
    Operator,
    /// Another node.
    Node(String),
}

impl Relay {
    pub(crate) fn new() -> Self {
        Self {
            key: RelayKey::new(),
            state: Mutex::default(),
            changed: watch::Sender::new(()),
            listening: Mutex::default(),
        }
    }

    /// From now on everything goes over the operator's link.
    pub(crate) fn off(&self) {
        self.state().off = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A node has a blob, wherever from.
    pub(crate) fn has(&self, node: &str, digest: Digest) {
        self.state().blobs.entry(digest).or_default().at.insert(node.to_owned());
        self.changed.send_replace(());
    }

    /// The way of a blob to a node that lacks it; waits where somebody will soon have it for less.
    pub(crate) async fn way(&self, to: &str, digest: Digest, size: u64) -> Way<'_> {
        let mut changed = self.changed.subscribe();
        loop {
            let found = self.state().begin(to, digest, size);
            if let Some(from) = found {
                return Way { relay: self, digest, to: to.to_owned(), from };
            }
            // the sender lives as long as this does
            let _ = changed.changed().await;
        }
    }

    /// Where a node gives; it begins to when it does not yet.
    pub(crate) async fn giver(&self, site: &Site, node: &str) -> Result<Giver, StepError> {
        let listening = self.listening(node);
        let mut listening = listening.lock().await;
        let address = if let Some(address) = *listening {
            address
        } else {
            let lacks = || StepError::NoHost { node: node.to_owned() };
            let at = site.cluster.node(node).ok_or_else(lacks)?.ssh.address;
            *listening.insert(Mutate::new(site.host(node)?).give_blobs(at, self.key.clone()).await?)
        };
        Ok(Giver { node: node.to_owned(), address, key: self.key.clone() })
    }

    /// A node's helper may have been started anew, and listen elsewhere or not at all.
    fn forget(&self, node: &str) {
        self.ears().remove(node);
    }

    fn listening(&self, node: &str) -> Arc<Listening> {
        Arc::clone(self.ears().entry(node.to_owned()).or_default())
    }

    fn ears(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Listening>>> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Begins a transfer. None: it is better to wait.
    fn begin(&mut self, to: &str, digest: Digest, size: u64) -> Option<Source> {
        let from = self.choose(to, digest, size)?;
        self.blobs.entry(digest).or_default().coming += 1;
        if let Source::Node(from) = &from {
            *self.takers.entry(from.clone()).or_default() += 1;
        }
        Some(from)
    }

    fn choose(&self, to: &str, digest: Digest, size: u64) -> Option<Source> {
        if self.off || size < LEAST {
            return Some(Source::Operator);
        }
        let blob = self.blobs.get(&digest);
        let open: Vec<&String> = blob
            .iter()
            .flat_map(|blob| &blob.at)
            .filter(|from| *from != to && self.is_open(from, to))
            .collect();
        if open.is_empty() {
            let coming = blob.is_some_and(|blob| blob.coming > 0);
            return (!coming).then_some(Source::Operator);
        }
        let free = open.into_iter().filter(|from| self.taken(from) < AT_ONCE);
        let best = free.max_by(|a, b| self.worth(a, to).total_cmp(&self.worth(b, to)))?;
        Some(Source::Node(best.clone()))
    }

    fn taken(&self, from: &str) -> usize {
        self.takers.get(from).copied().unwrap_or(0)
    }

    fn pair(&self, from: &str, to: &str) -> Option<&Pair> {
        self.pairs.get(&(from.to_owned(), to.to_owned()))
    }

    /// Whether a node may take from that one: they found each other, and it is not slower than the operator's link.
    fn is_open(&self, from: &str, to: &str) -> bool {
        let Some(pair) = self.pair(from, to) else { return true };
        let faster = pair.rate.zip(self.sent.get(to)).is_some_and(|(rate, sent)| rate * 2.0 < *sent);
        pair.failures < FAILURES && !faster
    }

    /// What a giver can be expected to give, in bytes per second. One that was not tried is worth a try.
    fn worth(&self, from: &str, to: &str) -> f64 {
        let takers = u32::try_from(self.taken(from)).unwrap_or(u32::MAX);
        self.pair(from, to).and_then(|pair| pair.rate).unwrap_or(1e12) / f64::from(takers.saturating_add(1))
    }
}

impl Way<'_> {
    /// The blob is there; so many bytes of it came this way, in that time.
    pub(crate) fn arrived(self, bytes: u64, took: Duration) {
        let mut state = self.relay.state();
        state.blobs.entry(self.digest).or_default().at.insert(self.to.clone());
        if bytes >= MEASURED {
            #[expect(clippy::cast_precision_loss, reason = "a rate need not be exact")]
            let rate = bytes as f64 / took.as_secs_f64().max(1e-6);
            match &self.from {
                Source::Node(from) => {
                    state.pairs.entry((from.clone(), self.to.clone())).or_default().rate = Some(rate);
                }
                Source::Operator => drop(state.sent.insert(self.to.clone(), rate)),
            }
        }
    }

    /// The node that was to give it does not have it any more.
    pub(crate) fn gone(self) {
        let Source::Node(from) = &self.from else { return };
        self.relay.state().blobs.entry(self.digest).or_default().at.remove(from);
    }

    /// It did not come from the node that was to give it. That is something between these two: others may ask it.
    pub(crate) fn failed(self) {
        let Source::Node(from) = self.from.clone() else { return };
        self.relay.forget(&from);
        let mut state = self.relay.state();
        state.pairs.entry((from, self.to.clone())).or_default().failures += 1;
    }
}

impl Drop for Way<'_> {
    fn drop(&mut self) {
        let mut state = self.relay.state();
        let blob = state.blobs.entry(self.digest).or_default();
        blob.coming = blob.coming.saturating_sub(1);
        if let Source::Node(from) = &self.from {
            let takers = state.takers.entry(from.clone()).or_default();
            *takers = takers.saturating_sub(1);
        }
        drop(state);
        self.relay.changed.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt as _;
    use sealift_stream::Digest;

    use super::{AT_ONCE, LEAST, Relay, Source, Way};

    const SIZE: u64 = 8 << 20;

    fn blob() -> Digest {
        Digest::of(b"blob")
    }

    fn node(name: &str) -> Source {
        Source::Node(name.to_owned())
    }

    /// The way, unless it has to be waited for.
    fn now<'a>(relay: &'a Relay, to: &str, size: u64) -> Option<Way<'a>> {
        relay.way(to, blob(), size).now_or_never()
    }

    #[test]
    fn the_first_gets_it_from_the_operator_and_the_others_from_each_other() {
        let relay = Relay::new();
        let first = now(&relay, "a", SIZE).unwrap();
        assert_eq!(first.from, Source::Operator);
        assert!(now(&relay, "b", SIZE).is_none(), "it is on its way to a");
        first.arrived(SIZE, Duration::from_secs(1));
        let second = now(&relay, "b", SIZE).unwrap();
        assert_eq!(second.from, node("a"));
        second.arrived(SIZE, Duration::from_millis(10));
        // a gives nothing now; b was never tried by c, and neither was a: the one with fewer takers
        let third = now(&relay, "c", SIZE).unwrap();
        let fourth = now(&relay, "d", SIZE).unwrap();
        assert_ne!(third.from, fourth.from);
    }

    #[test]
    fn a_transfer_that_ends_without_its_blob_makes_room_for_the_next() {
        let relay = Relay::new();
        drop(now(&relay, "a", SIZE).unwrap());
        assert_eq!(now(&relay, "b", SIZE).unwrap().from, Source::Operator);
    }

    #[test]
    fn small_ones_wait_for_nobody_and_neither_does_anybody_without_a_relay() {
        let relay = Relay::new();
        let _first = now(&relay, "a", LEAST - 1).unwrap();
        assert_eq!(now(&relay, "b", LEAST - 1).unwrap().from, Source::Operator);
        relay.off();
        let _first = now(&relay, "a", SIZE).unwrap();
        assert_eq!(now(&relay, "b", SIZE).unwrap().from, Source::Operator);
    }

    #[test]
    fn a_giver_has_few_takers() {
        let relay = Relay::new();
        relay.has("a", blob());
        let takers: Vec<_> = (0..AT_ONCE).map(|n| now(&relay, &format!("t{n}"), SIZE).unwrap()).collect();
        assert!(takers.iter().all(|way| way.from == node("a")));
        assert!(now(&relay, "late", SIZE).is_none());
        drop(takers);
        assert!(now(&relay, "late", SIZE).is_some());
    }

    #[test]
    fn nodes_that_fail_each_other_leave_it_to_the_operator() {
        let relay = Relay::new();
        relay.has("a", blob());
        for _ in 0..2 {
            let way = now(&relay, "b", SIZE).unwrap();
            assert_eq!(way.from, node("a"));
            way.failed();
        }
        assert_eq!(now(&relay, "b", SIZE).unwrap().from, Source::Operator);
        assert_eq!(now(&relay, "c", SIZE).unwrap().from, node("a"), "c and a have not tried");
    }

    #[test]
    fn a_giver_that_is_slower_than_the_operator_is_not_asked_again() {
        let relay = Relay::new();
        let other = Digest::of(b"other");
        let sent = relay.way("b", other, SIZE).now_or_never().unwrap();
        sent.arrived(SIZE, Duration::from_millis(10));
        relay.has("a", blob());
        now(&relay, "b", SIZE).unwrap().arrived(SIZE, Duration::from_secs(9));
        let third = Digest::of(b"third");
        relay.has("a", third);
        assert_eq!(relay.way("b", third, SIZE).now_or_never().unwrap().from, Source::Operator);
    }
}
