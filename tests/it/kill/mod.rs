//! The kill chain over one control plane and two workers: sealift killed at every event of its journal, the helper at
//! every line of its own, a node's power cut in every play; and after each chain the cluster is that of an unbroken run.

mod attempt;
mod book;
mod chain;
mod moment;
mod serve;
pub(super) mod whole;

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use sealift_stream::Digest;
use serde::{Deserialize, Serialize};

use super::disks::Disks;
use super::kit::{SEALIFT, room, stick};
use super::place::Place;
use book::Book;
use chain::{Watch, round};
use whole::{MayDiffer, State, differences, state};

/// How long a finished cluster may take until every pod of it has settled.
const SETTLE: Duration = Duration::from_mins(4);

/// What an unbroken run sees and leaves.
#[derive(Serialize, Deserialize)]
struct Unbroken {
    moments: BTreeSet<String>,
    state: State,
}

/// A seeded tenth of all moments, in one chain.
#[test]
fn the_cluster_is_the_same_whoever_was_killed_at_a_seeded_tenth() {
    let seed = number("SEALIFT_TEST_SEED").unwrap_or(1);
    let began = Instant::now();
    let file = room().join("kill-tenth.json");
    let _ = fs::remove_file(&file);
    let place = Place::with_workers("it-kill", "10.82.0", 2);
    let scene = Scene::of(&place);
    let want = scene.unbroken();
    eprintln!("{} moments in an unbroken install; {:?}", want.moments.len(), began.elapsed());
    scene.reset();
    let mut book = Book::open(file, 10, seed, None);
    book.set_reference(want.moments);
    let watch = chain::chain(&place, &mut book, &|watch| drop(scene.settled(Some(&want.state), watch)));
    eprintln!("seed {seed} (SEALIFT_TEST_SEED): {}", book.coverage());
    eprintln!("{} installs; {:?} in all", watch.installs, began.elapsed());
    assert!(book.missing().is_empty(), "nobody died at {:#?}", book.missing());
    scene.reset();
}

/// All of them, in two chains on machines of their own. What was covered is kept below `target`, for this very program and
/// bundle: `SEALIFT_KILL_MINUTES` ends a shard, and the next one goes on.
#[test]
#[ignore = "an hour: part of make test-full"]
fn the_cluster_is_the_same_whoever_was_killed_at_any_moment() {
    let until =
        number("SEALIFT_KILL_MINUTES").map(|minutes| Instant::now() + Duration::from_secs(60 * minutes));
    let inputs = [fs::read(*SEALIFT).unwrap(), fs::read(stick().bundle.join("manifest.json")).unwrap()];
    let key = Digest::of(&inputs.concat()).short();
    let missing: usize = std::thread::scope(|scope| {
        let chains: [(&str, &[&'static str]); 2] =
            [("sealift", &["sealift"]), ("nodes", &["helper", "power"])];
        let chains = chains.map(|(name, kinds)| {
            let key = format!("{key}-{name}");
            scope.spawn(move || everyone(kinds, name, &key, until))
        });
        chains.into_iter().map(|chain| chain.join().unwrap()).sum()
    });
    assert_eq!(missing, 0, "run it again: nobody died yet at so many moments");
}

/// Kills at all moments of these kinds, kind by kind. Says how many are still to come.
#[expect(clippy::print_stderr, reason = "the test's log keeps its figures")]
fn everyone(kinds: &[&'static str], name: &str, key: &str, until: Option<Instant>) -> usize {
    let place = Place::with_workers(&format!("it-kill-{name}"), "10.82.0", 2);
    let scene = Scene::of(&place);
    let mut book = Book::open(room().join(format!("kill-{key}.json")), 1, 0, until);
    let want = scene.reference(key);
    book.set_reference(want.moments.clone());
    for kind in kinds {
        book.only(&[kind]);
        if book.missing().is_empty() || book.closed() {
            continue;
        }
        let began = Instant::now();
        let watch = chain::chain(&place, &mut book, &|watch| drop(scene.settled(Some(&want.state), watch)));
        eprintln!("{kind}: {} installs in {:?}; {}", watch.installs, began.elapsed(), book.coverage());
        scene.reset();
    }
    book.only(kinds);
    eprintln!("{}", book.coverage());
    let missing = book.missing();
    if !missing.is_empty() {
        eprintln!("nobody died yet at {missing:#?}");
    }
    missing.len()
}

/// The machines, how they were before, and what may differ.
struct Scene<'a> {
    place: &'a Place,
    before: Disks,
    rules: MayDiffer,
}

impl<'a> Scene<'a> {
    fn of(place: &'a Place) -> Self {
        Self { place, before: place.listings(), rules: MayDiffer::documented() }
    }

    /// Everything is taken away, and nothing is left. Then the machines boot.
    fn reset(&self) {
        self.place.verb("reset").expect(0);
        self.place.is_as_before(&self.before, "reset");
        chain::boot(self.place);
    }

    /// The unbroken run of this program and bundle: kept, or made now and taken away again.
    fn reference(&self, key: &str) -> Unbroken {
        let file = room().join(format!("kill-{key}.unbroken.json"));
        if let Some(kept) = fs::read(&file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            return kept;
        }
        let unbroken = self.unbroken();
        fs::write(file, serde_json::to_vec_pretty(&unbroken).unwrap()).unwrap();
        self.reset();
        unbroken
    }

    fn unbroken(&self) -> Unbroken {
        let mut watch = Watch::begin(self.place);
        let moments = round(self.place, &mut Book::nobody(), &mut watch);
        Unbroken { moments, state: self.settled(None, &watch) }
    }

    /// Waits until the cluster's end state is `want`, or, without one, until every pod of it runs. It serves, too.
    fn settled(&self, want: Option<&State>, watch: &Watch) -> State {
        self.place.keeps_a_kubeconfig();
        let began = Instant::now();
        let found = loop {
            let found = state(self.place, &self.before, &self.rules);
            let ready = match want {
                Some(want) => differences(want, &found).is_empty(),
                None => {
                    !found.values().any(|how| how.contains("ready false") || how.contains("leaving true"))
                }
            };
            if ready || began.elapsed() > SETTLE {
                break found;
            }
            std::thread::sleep(Duration::from_secs(2));
        };
        if let Some(want) = want {
            equal(want, &found);
        }
        if let Some(inits) = watch.inits(self.place) {
            assert_eq!(inits, 1, "kubeadm init ran more than once");
        }
        serve::answers(self.place);
        found
    }
}

#[track_caller]
fn equal(want: &State, found: &State) {
    let differences = differences(want, found);
    assert!(differences.is_empty(), "not as after an unbroken run:\n{}", differences.join("\n"));
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}
