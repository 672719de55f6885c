//! One emulated server in an air gap of its own, and the operator beside it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use lab::cache::Cache;
use lab::node::listing::Listing;
use lab::qemu::{Machine, MachineSpec};
use lab::scene::Scene;
use lab::state::SceneSpec;

use super::super::kit::{Ran, SEALIFT, room};
use super::super::packages::packed;
use super::super::place::{Place, of_one};
use super::super::web::eventually;
use super::PATIENCE;

/// The first three parts of its addresses.
pub(super) const NETWORK: &str = "10.84.0";

/// The machine is switched off before its scene goes down.
pub(super) struct Site {
    pub(super) machine: Machine,
    pub(super) place: Place,
    /// What was on its disk before it was ever switched on.
    pub(super) fresh: Listing,
    bundle: PathBuf,
}

impl Site {
    /// A freshly installed server that is on, and a cluster file with its host key.
    pub(super) fn up() -> Self {
        let name = "it-reality";
        let subnet = format!("{NETWORK}.0/24").parse().unwrap();
        let cache = Cache::open().unwrap();
        let spec = SceneSpec {
            name: name.to_owned(),
            subnet,
            dir: room().join(name),
            nodes: vec![],
            cache: cache.clone(),
        };
        let scene = Scene::up(&spec).unwrap().guarded().unwrap();
        let spec = MachineSpec { name: "cp1".to_owned(), octet: 11, cards: 1, memory: 4096 };
        let mut machine = Machine::install(&scene, &cache, spec).unwrap();
        let fresh = machine.listing().unwrap();
        let began = Instant::now();
        machine.switch_on().unwrap();
        machine.wait_ready(PATIENCE).unwrap();
        tell("boot", began);
        super::server::gets_a_swap_unit(&machine);
        super::server::gets_a_name(&machine);
        super::server::is_as_before(&machine);
        // no profile: nothing that the product would not do by itself
        let text =
            of_one("cp1", NETWORK).replace("\nspec:\n", "\nspec:\n  os: {hostname: set, time: chrony}\n");
        let place = Place::at(scene, &text, None);
        let bundle = packed("reality", NETWORK, "chrony");
        Self { machine, place, fresh, bundle }
    }

    /// One part of the story, and how long it took.
    pub(super) fn act<T>(&mut self, what: &str, act: impl FnOnce(&mut Self) -> T) -> T {
        let began = Instant::now();
        let result = act(self);
        tell(what, began);
        result
    }

    /// Runs a verb with all it needs, and never for longer than 55 minutes.
    pub(super) fn verb(&self, verb: &str) -> Ran {
        let words = self.place.words_with(verb, &self.bundle);
        let mut argv = vec!["--signal=INT", "--kill-after=60", "3300", *SEALIFT];
        argv.extend(words.iter().map(String::as_str));
        Ran::of(&mut self.place.operator("timeout", &argv))
    }

    pub(super) fn plan_says_what_the_lab_never_shows(&self) {
        let plan = self.verb("plan").expect(4).stdout;
        for words in [
            "swap /dev/vdb",
            "/etc/fstab",
            "swap.target",
            "/etc/systemd/system/swap.d/10-sealift.conf",
            "package chrony",
            "/etc/chrony/sealift.conf",
            "kernel module vxlan",
            "kernel module br_netfilter",
            "kubeadm init",
        ] {
            assert!(plan.contains(words), "no '{words}' in:\n{plan}");
        }
    }

    /// Reboots, and waits until the API says that the node is Ready in this very boot: what was said before stays
    /// written there until kubelet says otherwise.
    pub(super) fn reboots(&self) {
        let before = self.machine.boot_id().unwrap();
        self.machine.reboot(PATIENCE).unwrap();
        let now = self.machine.boot_id().unwrap();
        assert_ne!(before, now);
        let wanted = format!("{} True", now.trim());
        let asked = "jsonpath={.status.nodeInfo.bootID} {.status.conditions[?(@.type==\"Ready\")].status}";
        eventually("node that is Ready after the reboot", PATIENCE, || {
            let run = self.place.kubectl(&["--request-timeout=10s", "get", "node", "cp1", "-o", asked]);
            (run.stdout == wanted).then_some(())
        });
    }

    pub(super) fn boots(&mut self) {
        self.machine.switch_on().unwrap();
        self.machine.wait_ready(PATIENCE).unwrap();
    }
}

#[expect(clippy::print_stderr, reason = "the test's log keeps its figures")]
fn tell(what: &str, began: Instant) {
    let took: Duration = began.elapsed();
    eprintln!("real server: {what}: {:.1} s", took.as_secs_f32());
}
