//! What somebody damages on a finished site: `status` and `plan` find exactly that, `install` mends exactly that and
//! touches nothing else, and then there is nothing to change.

mod damage;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant};

use lab::node::listing::Listing;
use sealift_stream::Digest;
use serde_json::Value;

use super::disks::Disks;
use super::kill::whole::MayDiffer;
use super::kit::{Ran, demo_file_in, source};
use super::place::Place;
use damage::{ALL, Blind, Damage};

/// Node, step and what of it, as a plan and a run name changes.
type Named = BTreeSet<(String, String, String)>;

/// Rounds of `make test`; every damage that is not slow is done in one of them.
const ROUNDS: usize = 4;
/// How long a damage may take until it has taken effect, and a mend until the cluster shows it.
const PATIENCE: Duration = Duration::from_mins(4);
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
    let same_step = first.named.iter().any(|(node, step, _)| has_step(second, node, step));
    let blind = match first.blinds {
        Some(Blind::Api) => api || second.named.iter().any(|(node, ..)| *node == "cluster"),
        Some(Blind::Containerd) => {
            let asks = second.how.contains("ctr ") || second.until != "true";
            second.on == first.on && asks || has_step(second, first.on, "images")
        }
        None => false,
    };
    blind || same_step
}

fn has_step(damage: &Damage, node: &str, step: &str) -> bool {
    damage.named.iter().any(|(its_node, its_step, _)| (*its_node, *its_step) == (node, step))
}

/// A finished site with a workload on it.
struct Site {
    place: Place,
    rules: MayDiffer,
    before: Disks,
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
        place.kubectl(&["rollout", "status", "deployment/web", "--timeout=240s"]).expect(0);
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
        let want: Named = round
            .iter()
            .flat_map(|damage| damage.named)
            .map(|(node, step, what)| change(node, step, what))
            .collect();
        self.place.verb("status").expect(4);
        let plan = self.json("plan", 4);
        assert_eq!(named(&plan), want, "plan names something else:\n{plan:#}");
        if round.iter().all(|damage| damage.blinds.is_none()) {
            let asked_later = later(&plan);
            assert!(asked_later.iter().all(|step| step.ends_with(" is up")), "{asked_later:?}");
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
        let events = events.filter(|event| event["event"] == "step-change");
        let mended = events.map(|event| named_in(&event, &event["change"])).collect();
        run.expect(0);
        mended
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

/// A version at the end is no matter: a `*` stands for it.
fn change(node: &str, step: &str, what: &str) -> (String, String, String) {
    let what = match what.rsplit_once(':') {
        Some((image, _)) if what.starts_with("image ") => format!("{image}:*"),
        _ => what.to_owned(),
    };
    (node.to_owned(), step.to_owned(), what)
}

/// A change of a step; the step's name and node lie beside it.
fn named_in(step: &Value, what: &Value) -> (String, String, String) {
    change(step["node"].as_str().unwrap(), step["step"].as_str().unwrap(), what["what"].as_str().unwrap())
}

fn named(plan: &Value) -> Named {
    let plays = plan["plays"].as_array().unwrap().iter();
    let steps = plays.flat_map(|play| play["steps"].as_array().unwrap());
    let of = |step: &Value| {
        let changes = step["changes"].as_array().unwrap().iter();
        changes.map(|change| named_in(step, change)).collect::<Vec<_>>()
    };
    steps.flat_map(of).collect()
}

/// Steps that a plan could not look at yet.
fn later(plan: &Value) -> BTreeSet<String> {
    let later = plan["later"].as_array().into_iter().flatten();
    later.map(|one| one["step"].as_str().unwrap().to_owned()).collect()
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
