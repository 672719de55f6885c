//! Real machines in an air gap of their own, and the operator beside them.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lab::cache::Cache;
use lab::node::Node;
use lab::root::RootKind;
use lab::scene::{Guard, Scene};
use lab::state::{NodeSpec, SceneSpec};

use super::disks::{Disks, same};
use super::kit::{Ran, SEALIFT, demo_file_in, room, source, stick};

const SINGLE: &str = "\
apiVersion: sealift.dev/v1
kind: Cluster
metadata: {name: demo}
spec:
  loadBalancer: {pools: [{name: default, addresses: [NETWORK.240-NETWORK.250]}]}
  ssh: {user: ops, identityFile: ssh/id_ed25519}
  nodes:
    - {name: NODE, role: control-plane, ssh: {address: NETWORK.11}}
";

/// The cluster file of one server, in the network that begins so.
pub(super) fn of_one(node: &str, network: &str) -> String {
    SINGLE.replace("NODE", node).replace("NETWORK", network)
}

/// A scene with a cluster file in it. It goes down when the value is dropped.
pub(super) struct Place {
    scene: Guard,
    pub(super) cluster: PathBuf,
    /// Laid under the cluster file of every run.
    profile: Option<PathBuf>,
}

impl Place {
    /// Boots `cp1` and `w1`, writes the cluster file and pins their host keys.
    pub(super) fn enrolled(name: &str) -> Self {
        Self::with_workers(name, "10.78.0", 1)
    }

    /// The same with so many workers `w1`, `w2`, ..., in a network of its own.
    pub(super) fn with_workers(name: &str, network: &str, workers: u8) -> Self {
        let dir = room().join(name);
        let node = |name: String, octet| NodeSpec { name, octet, root: RootKind::default() };
        let nodes = (1..=workers).map(|number| node(format!("w{number}"), 20 + number));
        let spec = SceneSpec {
            name: name.to_owned(),
            subnet: format!("{network}.0/24").parse().unwrap(),
            dir,
            nodes: std::iter::once(node("cp1".into(), 11)).chain(nodes).collect(),
            cache: Cache::open().unwrap(),
        };
        let scene = Scene::up(&spec).unwrap().guarded().unwrap();
        // the demo has one worker, in the last lines of its file
        let mut text = demo_file_in("cluster.yaml", network);
        for number in 2..=workers {
            let address = format!("{network}.{}", 20 + number);
            writeln!(text, "    - {{name: w{number}, role: worker, ssh: {{address: {address}}}}}").unwrap();
        }
        Self::at(scene, &text, Some(source("tests/lab/profile.yaml")))
    }

    /// One server of this kind, which is the whole cluster.
    pub(super) fn single(name: &str, network: &str, node: &str, root: RootKind) -> Self {
        let spec = SceneSpec {
            name: name.to_owned(),
            subnet: format!("{network}.0/24").parse().unwrap(),
            dir: room().join(name),
            nodes: vec![NodeSpec { name: node.to_owned(), octet: 11, root }],
            cache: Cache::open().unwrap(),
        };
        let scene = Scene::up(&spec).unwrap().guarded().unwrap();
        Self::at(scene, &of_one(node, network), Some(source("tests/lab/profile.yaml")))
    }

    /// In a scene that is up: writes the cluster file and pins the host keys of its nodes.
    pub(super) fn at(scene: Guard, text: &str, profile: Option<PathBuf>) -> Self {
        let cluster = scene.dir().join("cluster.yaml");
        std::fs::write(&cluster, text).unwrap();
        let place = Self { scene, cluster, profile };
        let _ = std::fs::remove_dir_all(place.state());
        place.site(&["enroll", "--yes", "-c", place.cluster.to_str().unwrap()]).expect(0);
        place
    }

    /// What the operator's machine keeps of its runs.
    pub(super) fn state(&self) -> PathBuf {
        self.scene.dir().join("state")
    }

    /// Where the operator's machine keeps the journals of its runs.
    pub(super) fn journals(&self) -> PathBuf {
        self.state().join("demo/runs")
    }

    /// Where the API's administrator would keep the kubeconfig.
    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.scene.dir().join("kubeconfig")
    }

    /// Runs sealift as the operator, inside the air gap.
    pub(super) fn site(&self, words: &[&str]) -> Ran {
        Ran::of(&mut self.operator(*SEALIFT, words))
    }

    /// Runs any program as the operator, inside the air gap.
    pub(super) fn operator(&self, program: &str, words: &[&str]) -> Command {
        let mut argv = vec![program];
        argv.extend_from_slice(words);
        self.scene.operator(&argv)
    }

    /// Words of a verb with cluster file, bundle, trust and the lab's profile.
    pub(super) fn words(&self, verb: &str) -> Vec<String> {
        self.words_with(verb, &stick().bundle)
    }

    /// The same with another bundle.
    pub(super) fn words_with(&self, verb: &str, bundle: &std::path::Path) -> Vec<String> {
        let mut words = vec![verb.to_owned(), "--yes".into()];
        let mut add = |name: &str, path: &std::path::Path| {
            words.extend([name.to_owned(), path.to_str().unwrap().to_owned()]);
        };
        add("--cluster", &self.cluster);
        add("--state", &self.state());
        if let Some(profile) = &self.profile {
            add("--profile", profile);
        }
        if verb != "reset" {
            add("--bundle", bundle);
            add("--trust", &stick().key);
        }
        words
    }

    /// Runs a verb with all it needs.
    pub(super) fn verb(&self, verb: &str) -> Ran {
        self.verb_with(verb, &[])
    }

    /// The same with more words.
    pub(super) fn verb_with(&self, verb: &str, more: &[&str]) -> Ran {
        let words = self.words(verb);
        let words: Vec<&str> = words.iter().map(String::as_str).chain(more.iter().copied()).collect();
        self.site(&words)
    }

    /// Runs a verb with another bundle.
    pub(super) fn verb_of(&self, verb: &str, bundle: &std::path::Path) -> Ran {
        self.site(&self.words_with(verb, bundle).iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Runs a verb that takes the cluster file and the state directory only.
    pub(super) fn verb_plain(&self, verb: &str) -> Ran {
        let state = self.state();
        self.site(&[verb, "-c", self.cluster.to_str().unwrap(), "--state", state.to_str().unwrap()])
    }

    /// Starts `install --json` and kills it (kill -9) once `step` has begun and `after` has passed. Says
    /// whether it came that far; a run that ended before is an unbroken one.
    pub(super) fn install_killed_in(&self, step: &str, after: Duration) -> bool {
        self.install_killed_with(&stick().bundle, step, after)
    }

    /// The same with another bundle.
    pub(super) fn install_killed_with(&self, bundle: &std::path::Path, step: &str, after: Duration) -> bool {
        let words = self.words_with("install", bundle);
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        words.push("--json");
        let mut child =
            self.operator(*SEALIFT, &words).stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
        let reached = seen(&mut child, step);
        if reached {
            std::thread::sleep(after);
        }
        // nsenter replaces itself by sealift, so this is sealift's own process
        child.kill().unwrap();
        child.wait().unwrap();
        reached
    }

    pub(super) fn node(&self, name: &str) -> Node {
        self.scene.node(name).unwrap()
    }

    /// What lies on their disks.
    pub(super) fn listings(&self) -> Disks {
        self.scene.nodes().iter().map(|node| (node.name().to_owned(), node.listing().unwrap())).collect()
    }

    /// Fails the test unless they are as they were before `what`.
    #[track_caller]
    pub(super) fn is_as_before(&self, before: &Disks, what: &str) {
        same(before, &self.listings(), what);
    }

    /// Has sealift write the kubeconfig that [`Self::kubectl`] uses.
    pub(super) fn keeps_a_kubeconfig(&self) {
        let config = self.verb_plain("kubeconfig").expect(0);
        std::fs::write(self.kubeconfig(), config.stdout).unwrap();
    }

    /// Runs kubectl as the operator.
    pub(super) fn kubectl(&self, words: &[&str]) -> Ran {
        let program = super::kit::built().program("kubernetes", "kubectl").unwrap();
        let kubeconfig = self.kubeconfig();
        let mut argv = vec!["--kubeconfig", kubeconfig.to_str().unwrap()];
        argv.extend_from_slice(words);
        Ran::of(&mut self.operator(program.to_str().unwrap(), &argv))
    }

    pub(super) fn scene(&self) -> &Scene {
        &self.scene
    }
}

/// Reads events until `step` begins.
fn seen(child: &mut Child, step: &str) -> bool {
    let events = BufReader::new(child.stdout.take().unwrap());
    for line in events.lines().map_while(Result::ok) {
        let Ok(event) = serde_json::from_str::<serde_json::Value>(&line) else { continue };
        if event["event"] == "step-change" && event["step"] == step {
            return true;
        }
    }
    false
}
