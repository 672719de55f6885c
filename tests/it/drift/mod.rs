//! What somebody damages on a finished site: `status` and `plan` find exactly that, `install` mends exactly that and
//! touches nothing else, and then there is nothing to change.

mod damage;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant};

use lab::node::listing::Listing;
use sealift_stream::Digest;
use serde_json::Value;

use super::kill::whole::MayDiffer;
use super::kit::{Ran, demo_file_in, source};
use super::place::Place;
use damage::{ALL, Blind, Damage};

/// Step and node, as a plan names them.
type Named = BTreeSet<(String, String)>;

/// Rounds of `make test`; every damage that is not slow is done in one of them.
const ROUNDS: usize = 4;
/// How long a damage may take until it has taken effect, and a mend until the cluster shows it.
const PATIENCE: Duration = Duration::from_secs(90);
/// Where files are looked at one by one: everything that sealift installs and nothing rightly changes. A folder's time
/// says only that something in it was renamed.
const LOOKED_AT: &str = "find /etc /usr/local /opt/cni /var/lib/sealift/receipts /var/lib/kubelet/config.yaml \
    /var/lib/kubelet/kubeadm-flags.env -type d -printf '%p\\t%i %m %U:%G\\n' -o -printf '%p\\t%i %T@ %m %U:%G\\n'";

#[test]
fn several_damages_at_once_are_found_and_mended_and_nothing_else() {
    let seed = std::env::var("SEALIFT_TEST_SEED").map_or(1, |text| text.parse::<u64>().unwrap());
    let site = Site::finished("it-drift", "10.84.0");
    let began = Instant::now();
    let rounds = drawn(seed);
    for (number, round) in rounds.iter().enumerate() {
        let names: Vec<&str> = round.iter().map(|damage| damage.name).collect();
        let (of, names) = (rounds.len(), names.join("; "));
        say(&format!("seed {seed} (SEALIFT_TEST_SEED), round {} of {of}: {names}", number + 1));
        site.round(round);
    }
    let done: usize = rounds.iter().map(Vec::len).sum();
    say(&format!("{done} damages in {} rounds: {:?}", rounds.len(), began.elapsed()));
    assert!(done >= 20, "only {done} damages");
    site.is_what_it_was();
}

#[test]
#[ignore = "minutes: part of make test-full"]
fn every_damage_alone_is_found_and_mended_and_nothing_else() {
    let site = Site::finished("it-drift-full", "10.85.0");
    for damage in ALL {
        let began = Instant::now();
        site.round(&[damage]);
        say(&format!("{}: {:?}", damage.name, began.elapsed()));
    }
    site.is_what_it_was();
}

/// The rounds of a seed: every damage once, and none beside one that hides it; those that hide most choose first.
fn drawn(seed: u64) -> Vec<Vec<&'static Damage>> {
    let lot = |what: &str| Digest::of(format!("{seed} {what}").as_bytes()).hex();
    let apart = |one: &Damage, other: &Damage| hides(one, other) || hides(other, one);
    let quick: Vec<&Damage> = ALL.iter().filter(|damage| !damage.slow).collect();
    let mut order = quick.clone();
    order.sort_by_key(|damage| {
        let free = quick.iter().filter(|other| !apart(damage, other)).count();
        (free, lot(damage.name))
    });
    let mut rounds: Vec<Vec<&Damage>> = vec![vec![]; ROUNDS];
    for damage in order {
        let free = (0..ROUNDS).filter(|at| !rounds[*at].iter().any(|other| apart(damage, other)));
        let at = free.min_by_key(|at| (rounds[*at].len(), lot(&format!("{} {at}", damage.name))));
        rounds[at.unwrap_or_else(|| panic!("no round for {}", damage.name))].push(damage);
    }
    for round in &mut rounds {
        round.sort_by_key(|damage| ALL.iter().position(|other| other.name == damage.name));
    }
    rounds
}

/// Whether the second cannot be seen, or be told from the first, while the first is there.
fn hides(first: &Damage, second: &Damage) -> bool {
    let api = second.how.contains("K ") || second.until.contains("K ");
    let same_step = first.named.iter().any(|named| second.named.contains(named));
    let blind = match first.blinds {
        Some(Blind::Api) => api || second.named.iter().any(|(node, _)| *node == "cluster"),
        Some(Blind::Containerd) => {
            let asks = second.how.contains("ctr ") || second.until != "true";
            second.on == first.on && asks || second.named.contains(&(first.on, "images"))
        }
        None => false,
    };
    blind || same_step
}

/// A finished site with a workload on it.
struct Site {
    place: Place,
    rules: MayDiffer,
    before: Vec<(String, Listing)>,
}

impl Site {
    fn finished(name: &str, network: &str) -> Self {
        let place = Place::with_workers(name, network, 1);
        let began = Instant::now();
        place.verb("install").expect(0);
        say(&format!("install: {:?}", began.elapsed()));
        place.keeps_a_kubeconfig();
        let file = place.scene().dir().join("web.yaml");
        fs::write(&file, demo_file_in("web.yaml", network)).unwrap();
        place.kubectl(&["apply", "-f", file.to_str().unwrap()]).expect(0);
        place.kubectl(&["rollout", "status", "deployment/web", "--timeout=90s"]).expect(0);
        place.verb("status").expect(0);
        let before = place.listings();
        Self { place, rules: MayDiffer::documented(), before }
    }

    /// Damages, finds, mends, and finds nothing any more.
    fn round(&self, round: &[&Damage]) {
        let before = self.identities();
        for damage in round {
            self.shell(damage.on, damage.how).unwrap_or_else(|why| panic!("{}: {why}", damage.name));
        }
        for damage in round {
            self.eventually(damage, damage.until, "it has not taken effect");
        }
        let want: Named = round.iter().flat_map(|damage| damage.named).map(|(n, s)| pair(n, s)).collect();
        self.place.verb("status").expect(4);
        let plan = self.json("plan", 4);
        assert_eq!(named(&plan), want, "plan names something else:\n{plan:#}");
        if round.iter().all(|damage| damage.blinds.is_none()) {
            let asked_later = later(&plan);
            assert!(asked_later.iter().all(|(_, step)| step.ends_with(" is up")), "{asked_later:?}");
        }
        assert_eq!(self.install(), want, "install mended something else");
        for damage in round {
            self.eventually(damage, damage.mended, "it is not mended");
        }
        self.untouched(round, &before);
        self.place.verb("status").expect(0);
        let again = self.place.verb("install").expect(0);
        assert!(again.stderr.contains("0 changes"), "{}", again.stderr);
    }

    /// Runs `install` and tells what it changed.
    fn install(&self) -> Named {
        let run = self.ran("install");
        let events = run.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let changed =
            events.filter(|event| event["event"] == "step-finished" && event["outcome"] == "changed");
        let changed =
            changed.map(|event| pair(event["node"].as_str().unwrap(), event["step"].as_str().unwrap()));
        let changed = changed.collect();
        run.expect(0);
        changed
    }

    fn ran(&self, verb: &str) -> Ran {
        let mut words = self.place.words(verb);
        words.push("--json".to_owned());
        self.place.site(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn json(&self, verb: &str, status: i32) -> Value {
        let run = self.ran(verb).expect(status);
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stdout))
    }

    /// Runs a shell's words on a node; `K` is kubectl as the administrator.
    fn shell(&self, node: &str, words: &str) -> Result<String, String> {
        let kubectl = "K() { kubectl --cache-dir /tmp/kube --kubeconfig /etc/kubernetes/admin.conf \"$@\"; }";
        let words = format!("set -e\n{kubectl}\n{words}");
        self.place.node(node).exec(&["sh", "-c", &words]).map_err(|error| format!("{error:#}"))
    }

    fn eventually(&self, damage: &Damage, words: &str, what: &str) {
        let began = Instant::now();
        // the words may take away what they have seen, so they are run until they end well and not again
        while let Err(why) = self.shell(damage.on, words) {
            assert!(began.elapsed() < PATIENCE, "{}: {what}: {why}", damage.name);
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// What each file is on each node: a file that was written again is another one.
    fn identities(&self) -> BTreeMap<(String, String), String> {
        let mut found = BTreeMap::new();
        for node in self.place.scene().nodes() {
            for line in self.shell(node.name(), LOOKED_AT).unwrap().lines() {
                let (path, how) = line.split_once('\t').unwrap();
                found.insert((node.name().to_owned(), path.to_owned()), how.to_owned());
            }
        }
        found
    }

    /// Nothing but what was damaged has been touched.
    fn untouched(&self, round: &[&Damage], before: &BTreeMap<(String, String), String>) {
        let after = self.identities();
        let paths: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        let touched: Vec<String> = paths
            .into_iter()
            .filter(|key| before.get(key) != after.get(key))
            .filter(|(node, path)| {
                !round.iter().any(|damage| damage.on == node && damage.files.contains(&path.as_str()))
            })
            .map(|key| format!("{key:?}: {:?} -> {:?}", before.get(key), after.get(key)))
            .collect();
        assert!(touched.is_empty(), "something else was touched:\n{touched:#?}");
    }

    /// The disks are those of the undamaged site, and the workload answers.
    fn is_what_it_was(&self) {
        for ((node, before), (_, after)) in self.before.iter().zip(self.place.listings()) {
            let paths: BTreeSet<_> = before.0.keys().chain(after.0.keys()).collect();
            let how = |listing: &Listing, path: &std::path::PathBuf| {
                listing.0.get(path).and_then(|entry| self.rules.compared(path.to_str().unwrap(), entry))
            };
            let other: Vec<String> = paths
                .into_iter()
                .filter(|path| how(before, path) != how(&after, path))
                .map(|path| format!("{}: {:?} -> {:?}", path.display(), how(before, path), how(&after, path)))
                .collect();
            assert!(other.is_empty(), "{node} is not what it was:\n{}", other.join("\n"));
        }
        let ip = "jsonpath={.status.loadBalancer.ingress[0].ip}";
        let address = self.place.kubectl(&["get", "service", "web", "-o", ip]).expect(0).stdout;
        let url = format!("http://{address}/hostname");
        let began = Instant::now();
        while !self.place.operator("curl", &["-sSf", "-m", "3", &url]).output().unwrap().status.success() {
            assert!(began.elapsed() < PATIENCE, "the workload does not answer any more on {address}");
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

fn pair(node: &str, step: &str) -> (String, String) {
    (node.to_owned(), step.to_owned())
}

fn named(plan: &Value) -> Named {
    let plays = plan["plays"].as_array().unwrap().iter();
    let steps = plays.flat_map(|play| play["steps"].as_array().unwrap());
    steps.map(|step| pair(step["node"].as_str().unwrap(), step["step"].as_str().unwrap())).collect()
}

fn later(plan: &Value) -> Named {
    let later = plan["later"].as_array().into_iter().flatten();
    later.map(|one| pair(one["node"].as_str().unwrap(), one["step"].as_str().unwrap())).collect()
}

#[expect(clippy::print_stderr, reason = "the test's log keeps its figures")]
fn say(text: &str) {
    eprintln!("{text}");
}

#[test]
fn every_damage_has_its_row_in_the_reference_and_every_row_its_damage() {
    let page = fs::read_to_string(source("docs/reference/drift.md")).unwrap();
    let table = page.split("\n## ").find(|part| part.starts_with("Found and mended")).unwrap();
    let rows = table.lines().filter_map(|line| Some(line.strip_prefix("| ")?.split(" | ").next()?.trim()));
    let rows: BTreeSet<&str> = rows.filter(|row| *row != "damage").collect();
    assert_eq!(rows, ALL.iter().map(|damage| damage.name).collect());
}

#[test]
fn every_seed_draws_every_damage_once_and_none_beside_one_that_hides_it() {
    for seed in 0..50 {
        let rounds = drawn(seed);
        let names: BTreeSet<&str> = rounds.iter().flatten().map(|damage| damage.name).collect();
        assert_eq!(names.len(), ALL.iter().filter(|damage| !damage.slow).count());
        assert!(names.len() >= 20 && rounds.iter().all(|round| round.len() >= 4), "{seed}");
    }
}
