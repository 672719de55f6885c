//! Which way a blob takes to a node: over the operator's link, or from a node that has it already.
//!
//! Each blob goes over the operator's link once, to whoever asks first; the others take it from there, then from each
//! other: a file while it comes, an image's blob once it is whole (containerd shows no half ones). A node gives to few at
//! once, so that the third taker finds a second giver soon. What goes wrong between two nodes is remembered, and the
//! operator's link is always the way that is left.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sealift_node::{BlobTarget, Giver, Mutate, RelayKey};
use sealift_stream::Digest;
use tokio::sync::watch;

use crate::{Site, StepError};

/// A smaller one is sent sooner than a giver is found.
const LEAST: u64 = 256 << 10;
/// Takers of one giver at once.
const AT_ONCE: usize = 3;
/// The same of one that is still being sent the blob: what it gives is no more than what comes in.
const BEHIND: usize = 8;
/// Two nodes that failed each other so often are left alone.
const FAILURES: u32 = 2;
/// Shorter transfers say more about disks and processors than about a rate.
const MEASURED: u64 = 16 << 20;
/// A giver that was so often in a row slower than half the operator's link is left alone: once, it may have been the
/// moment.
const SLOW: u32 = 2;

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
    /// Transfers under way, by where they come from.
    takers: BTreeMap<Source, usize>,
    /// What is known of giver and taker.
    pairs: BTreeMap<(String, String), Pair>,
    /// What the operator's link last carried, in bytes per second over all its transfers, by node.
    sent: BTreeMap<String, f64>,
}

#[derive(Default)]
struct Blob {
    /// Nodes that have it whole.
    at: BTreeSet<String>,
    /// Transfers under way, whichever way, those behind another one aside.
    coming: usize,
    /// Nodes that are sent it by the operator just now, and can give what has come.
    growing: BTreeSet<String>,
}

#[derive(Default)]
struct Pair {
    failures: u32,
    /// What the giver last gave, in bytes per second over all its takers.
    rate: Option<f64>,
    /// How often in a row that was less than half of what the operator's link carries.
    slow: u32,
}

/// The way a blob shall take now. It counts as under way until this is dropped.
pub(crate) struct Way<'a> {
    relay: &'a Relay,
    digest: Digest,
    to: String,
    pub(crate) from: Source,
    /// Whether that node is still being sent it.
    pub(crate) growing: bool,
    /// Transfers from there at its beginning, this one included.
    beside: usize,
}

/// Where a blob comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
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
    pub(crate) async fn way(&self, to: &str, target: &BlobTarget) -> Way<'_> {
        let mut changed = self.changed.subscribe();
        loop {
            let found = self.state().begin(to, target);
            if let Some(begun) = found {
                let Begun { from, growing, beside } = begun;
                return Way {
                    relay: self,
                    digest: target.digest(),
                    to: to.to_owned(),
                    from,
                    growing,
                    beside,
                };
            }
            // the sender lives as long as this does
            let _ = changed.changed().await;
        }
    }

    /// Where a node gives, whole blobs or a growing one; it begins to when it does not yet.
    pub(crate) async fn giver(&self, site: &Site, node: &str, growing: bool) -> Result<Giver, StepError> {
        let listening = self.listening(node);
        let mut listening = listening.lock().await;
        let address = if let Some(address) = *listening {
            address
        } else {
            let lacks = || StepError::NoHost { node: node.to_owned() };
            let at = site.cluster.node(node).ok_or_else(lacks)?.ssh.address;
            *listening.insert(Mutate::new(site.host(node)?).give_blobs(at, self.key.clone()).await?)
        };
        Ok(Giver { node: node.to_owned(), address, key: self.key.clone(), growing })
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

/// A transfer that has begun, as the way says it.
struct Begun {
    from: Source,
    growing: bool,
    beside: usize,
}

impl State {
    /// Begins a transfer. None: it is better to wait.
    fn begin(&mut self, to: &str, target: &BlobTarget) -> Option<Begun> {
        let (from, growing) = self.choose(to, target)?;
        let blob = self.blobs.entry(target.digest()).or_default();
        // who follows another one cannot go on without it, and nobody waits for it
        blob.coming += usize::from(!growing);
        if from == Source::Operator && matches!(target, BlobTarget::File { .. }) {
            blob.growing.insert(to.to_owned());
        }
        let takers = self.takers.entry(from.clone()).or_default();
        *takers += 1;
        Some(Begun { beside: *takers, from, growing })
    }

    /// Where from, and whether that one is still being sent it.
    fn choose(&self, to: &str, target: &BlobTarget) -> Option<(Source, bool)> {
        if self.off || target.size() < LEAST {
            return Some((Source::Operator, false));
        }
        let Some(blob) = self.blobs.get(&target.digest()) else { return Some((Source::Operator, false)) };
        let open = |from: &&String| *from != to && self.is_open(from, to);
        let best = |nodes: &BTreeSet<String>, most: usize| {
            let free = nodes.iter().filter(open).filter(|from| self.given(from) < most);
            free.max_by(|a, b| self.worth(a, to).total_cmp(&self.worth(b, to))).cloned()
        };
        if let Some(from) = best(&blob.at, AT_ONCE) {
            return Some((Source::Node(from), false));
        }
        if let Some(from) = best(&blob.growing, BEHIND) {
            return Some((Source::Node(from), true));
        }
        let nobody = blob.coming == 0 && !blob.at.iter().any(|from| open(&from));
        nobody.then_some((Source::Operator, false))
    }

    /// Takers of a node.
    fn given(&self, from: &str) -> usize {
        self.taken(&Source::Node(from.to_owned()))
    }

    fn taken(&self, from: &Source) -> usize {
        self.takers.get(from).copied().unwrap_or(0)
    }

    fn pair(&self, from: &str, to: &str) -> Option<&Pair> {
        self.pairs.get(&(from.to_owned(), to.to_owned()))
    }

    /// Whether a node may take from that one: they found each other, and it is not slower than the operator's link.
    fn is_open(&self, from: &str, to: &str) -> bool {
        self.pair(from, to).is_none_or(|pair| pair.failures < FAILURES && pair.slow < SLOW)
    }

    /// Keeps what a giver gave in all, in bytes per second.
    fn measured(&mut self, from: &str, to: &str, rate: f64) {
        let slower = self.sent.get(to).is_some_and(|sent| rate * 2.0 < *sent);
        let pair = self.pairs.entry((from.to_owned(), to.to_owned())).or_default();
        pair.rate = Some(rate);
        pair.slow = if slower { pair.slow + 1 } else { 0 };
    }

    /// What a giver can be expected to give one more, in bytes per second. One that was not tried is worth a try.
    fn worth(&self, from: &str, to: &str) -> f64 {
        let takers = u32::try_from(self.given(from)).unwrap_or(u32::MAX);
        self.pair(from, to).and_then(|pair| pair.rate).unwrap_or(1e12) / f64::from(takers.saturating_add(1))
    }
}

impl Way<'_> {
    /// The blob is there; so many bytes of it came this way, in that time.
    pub(crate) fn arrived(self, bytes: u64, took: Duration) {
        let mut state = self.relay.state();
        state.blobs.entry(self.digest).or_default().at.insert(self.to.clone());
        if bytes >= MEASURED && !self.growing {
            // one of three takers is no slower than three times its share; how many there were is known of its beginning
            // and its end, and in doubt nodes are the faster ones
            let (then, now) = (self.beside, state.taken(&self.from));
            let beside = if self.from == Source::Operator { then.min(now) } else { then.max(now) };
            #[expect(clippy::cast_precision_loss, reason = "a rate need not be exact")]
            let rate = bytes as f64 * beside as f64 / took.as_secs_f64().max(1e-6);
            match &self.from {
                Source::Node(from) => state.measured(from, &self.to, rate),
                Source::Operator => drop(state.sent.insert(self.to.clone(), rate)),
            }
        }
    }

    /// The node that was to give it does not have it any more.
    pub(crate) fn gone(self) {
        let Source::Node(from) = &self.from else { return };
        let mut state = self.relay.state();
        let blob = state.blobs.entry(self.digest).or_default();
        blob.at.remove(from);
        blob.growing.remove(from);
    }

    /// It did not come from the node that was to give it. That is something between these two: others may ask it.
    pub(crate) fn failed(self) {
        let Source::Node(from) = self.from.clone() else { return };
        self.relay.forget(&from);
        let mut state = self.relay.state();
        // behind one that was cut off itself there was nothing to come
        let cut = self.growing && !state.blobs.entry(self.digest).or_default().growing.contains(&from);
        state.pairs.entry((from, self.to.clone())).or_default().failures += u32::from(!cut);
    }
}

impl Drop for Way<'_> {
    fn drop(&mut self) {
        let mut state = self.relay.state();
        let blob = state.blobs.entry(self.digest).or_default();
        blob.coming = blob.coming.saturating_sub(usize::from(!self.growing));
        if self.from == Source::Operator {
            blob.growing.remove(&self.to);
        }
        let takers = state.takers.entry(self.from.clone()).or_default();
        *takers = takers.saturating_sub(1);
        drop(state);
        self.relay.changed.send_replace(());
    }
}

#[cfg(test)]
mod tests;
