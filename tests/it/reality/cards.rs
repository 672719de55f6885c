//! Two real cards in one server: bonds and VLANs, which the lab's own kernel cannot make, tried, kept, and over a reboot.

use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lab::cache::Cache;
use lab::qemu::{Machine, MachineSpec};
use lab::scene::{Guard, Scene};
use lab::state::SceneSpec;
use nix::sys::signal::Signal;

use super::super::addresses::attempt::Install;
use super::super::kit::{SEALIFT, room, source, stick};
use super::PATIENCE;

/// Where it is after its installation, and once it is a bond.
const PLAIN: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 93, 0, 11), Ipv4Addr::new(10, 93, 0, 111)];
/// Where it is in VLAN 77, and the operator there.
const TAGGED: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 94, 0, 11), Ipv4Addr::new(10, 94, 0, 1)];
const TAGGED_TOO: Ipv4Addr = Ipv4Addr::new(10, 94, 0, 12);
/// The timer of the playbook, and what an emulated machine may need beside it.
const BACK: Duration = Duration::from_mins(5);

#[test]
#[ignore = "about 12 minutes on an emulated machine: part of make test-full"]
fn bonds_and_vlans_are_tried_kept_and_outlive_a_reboot() {
    let mut site = Site::up();
    let bond = site.bond();
    site.is_undone("a VLAN that leads nowhere", "interface: {name: CARD}, vlan: 99, ");
    site.is_undone("an interface without its cable", "interface: {mac: \"SECOND\"}, ");
    site.power_goes_while_tried(&bond);
    site.is_kept("a bond of both cards", &bond, PLAIN[1]);
    assert!(site.ask("cat /sys/class/net/bond0/bonding/mode").starts_with("active-backup"));
    site.one_cable_is_enough();
    site.reboots();
    site.is_kept("a VLAN on the bond", &format!("{bond}vlan: 77, "), TAGGED[0]);
    assert!(site.ask("ls /sys/class/net").contains("bond0.77"));
    site.one_cable_is_enough();
    site.reboots();
    // none is named: the VLAN itself, which has its card's MAC address
    site.is_kept("another address on it", "", TAGGED_TOO);
    site.is_killed_while_tried("interface: {name: CARD}, ", PLAIN[0]);
    site.is_kept("its first card alone", "interface: {name: CARD}, ", PLAIN[0]);
    let links = site.ask("ls /sys/class/net");
    assert!(!links.contains("bond0"), "what no file names any more is still there: {links}");
    site.reboots();
    let links = site.ask("ls /sys/class/net");
    assert!(!links.contains("bond0"), "{links}");
}

struct Site {
    machine: Machine,
    now: Ipv4Addr,
    tagger: Child,
    scene: Guard,
}

impl Site {
    fn up() -> Self {
        let cache = Cache::open().unwrap();
        let spec = SceneSpec {
            name: "it-cards".to_owned(),
            subnet: "10.93.0.0/24".parse().unwrap(),
            dir: room().join("it-cards"),
            nodes: vec![],
            cache: cache.clone(),
        };
        stick();
        let scene = Scene::up(&spec).unwrap().guarded().unwrap();
        let spec = MachineSpec { name: "cp1".to_owned(), octet: 11, cards: 2, memory: 2048 };
        let mut machine = Machine::install(&scene, &cache, spec).unwrap();
        let tagger = joined_with_a_vlan(&scene);
        machine.switch_on().unwrap();
        machine.wait_ready(PATIENCE).unwrap();
        Self { machine, now: PLAIN[0], tagger, scene }
    }

    fn bond(&self) -> String {
        let (one, two) = (self.machine.mac(0), self.machine.mac(1));
        format!(
            "bond: {{name: bond0, mode: active-backup, interfaces: [{{mac: \"{one}\"}}, {{mac: \"{two}\"}}]}}, "
        )
    }

    /// What cannot be reached there is not kept.
    fn is_undone(&mut self, what: &str, carrier: &str) {
        let began = Instant::now();
        let uncabled = carrier.contains("SECOND");
        if uncabled {
            self.machine.network_cut(1).unwrap();
        }
        let ran = self.install(carrier, PLAIN[1]).end();
        assert_eq!(ran.status, 1, "{}", ran.stdout);
        assert!(ran.stdout.contains("tried and not kept"), "{}", ran.stdout);
        if uncabled {
            self.machine.network_heal(1).unwrap();
        }
        self.answers(what);
        let links = self.ask("ls /sys/class/net");
        assert!(!links.contains('.'), "a VLAN was left: {links}");
        tell(what, "undone", began);
    }

    fn is_kept(&mut self, what: &str, carrier: &str, to: Ipv4Addr) {
        let began = Instant::now();
        let mut run = self.install(carrier, to);
        run.wait_for("\"play-finished\"");
        run.signal(Signal::SIGTERM);
        let ran = run.end();
        assert_eq!(ran.status, 130, "{}", ran.stdout);
        self.now = to;
        self.answers(what);
        tell(what, "kept", began);
    }

    fn power_goes_while_tried(&mut self, carrier: &str) {
        let began = Instant::now();
        let mut run = self.install(carrier, PLAIN[1]);
        run.wait_for("\"trying it;");
        self.machine.power_cut().unwrap();
        run.kill();
        self.machine.switch_on().unwrap();
        self.machine.wait_ready(PATIENCE).unwrap();
        let links = self.ask("ls /sys/class/net");
        assert!(!links.contains("bond0"), "{links}");
        tell("power cut while a bond is tried", "the old network", began);
    }

    /// Nobody says that it stays: the node's own timer brings the VLAN on the bond back.
    fn is_killed_while_tried(&mut self, carrier: &str, to: Ipv4Addr) {
        let began = Instant::now();
        let mut run = self.install(carrier, to);
        run.wait_for("\"trying it;");
        run.kill();
        let settled = "test ! -e /run/sealift/network/trial.json && echo settled";
        while self.machine.exec(&["sh", "-c", settled]).is_err() {
            assert!(began.elapsed() < BACK, "it does not come back");
            std::thread::sleep(Duration::from_secs(1));
        }
        assert!(self.ask("ls /sys/class/net").contains("bond0.77"));
        tell("sealift killed while a card is tried", "the old network", began);
    }

    fn one_cable_is_enough(&mut self) {
        for card in 0..2 {
            self.machine.network_cut(card).unwrap();
            self.answers("one cable");
            self.machine.network_heal(card).unwrap();
            // the bond looks at its members' links ten times a second
            std::thread::sleep(Duration::from_secs(2));
        }
    }

    fn reboots(&mut self) {
        let began = Instant::now();
        self.machine.reboot(PATIENCE).unwrap();
        tell("reboot", "it is where it was", began);
    }

    fn answers(&mut self, what: &str) {
        self.machine.is_at(self.now).unwrap();
        let began = Instant::now();
        while let Err(error) = self.machine.exec(&["true"]) {
            assert!(began.elapsed() < BACK, "{what}: it does not answer at {}: {error:#}", self.now);
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    fn ask(&self, line: &str) -> String {
        self.machine.exec(&["sh", "-c", line]).unwrap().trim_end().to_owned()
    }

    /// Starts `install` with a cluster file that has the node move there.
    fn install(&self, carrier: &str, to: Ipv4Addr) -> Install {
        Install::start(&mut self.command(carrier, to))
    }

    fn command(&self, carrier: &str, to: Ipv4Addr) -> Command {
        let card = self.ask("ls -d /sys/class/net/*/device | head -n1 | cut -d/ -f5");
        let carrier = carrier.replace("CARD", card.trim()).replace("SECOND", &self.machine.mac(1));
        let (now, key) = (self.now, self.machine.host_key());
        let current = if now == to { String::new() } else { format!("current: {now}, ") };
        let [a, b, c, _] = to.octets();
        let text = format!(
            "apiVersion: sealift.dev/v1\nkind: Cluster\nmetadata: {{name: cards}}\nspec:\n  \
             ssh: {{user: ops, identityFile: ssh/id_ed25519}}\n  nodes:\n    - name: cp1\n      role: control-plane\n      \
             ssh: {{address: {to}, hostKey: \"{key}\"}}\n      network: {{{current}{carrier}\
             addresses: [{to}/24], gateway: {a}.{b}.{c}.1}}\n"
        );
        let file = self.scene.dir().join("cluster.yaml");
        std::fs::write(&file, text).unwrap();
        let (state, bundle, key) = (self.scene.dir().join("state"), &stick().bundle, &stick().key);
        let mut words = vec![*SEALIFT, "install", "--yes", "--json"];
        for (option, value) in
            [("--cluster", &file), ("--state", &state), ("--bundle", bundle), ("--trust", key)]
        {
            words.extend([option, value.to_str().unwrap()]);
        }
        self.scene.operator(&words)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // it ends by itself only when this process does
        let _ = self.tagger.kill();
        let _ = self.tagger.wait();
    }
}

/// The operator's place in VLAN 77 of the machine's network.
fn joined_with_a_vlan(scene: &Scene) -> Child {
    let net = scene.net();
    for tap in ["trunk0", "vlan77"] {
        net.ip(&["tuntap", "add", "dev", tap, "mode", "tap"]).unwrap();
    }
    net.ip(&["link", "set", "trunk0", "master", "br0", "up"]).unwrap();
    let program = source("tests/lab/tagger.py");
    let argv = [
        "setpriv",
        "--pdeathsig",
        "KILL",
        "--",
        "python3",
        program.to_str().unwrap(),
        "trunk0",
        "vlan77",
        "77",
    ];
    let tagger = scene.operator(&argv).stdin(Stdio::null()).spawn().unwrap();
    net.ip(&["link", "set", "vlan77", "up"]).unwrap();
    net.ip(&["addr", "replace", &format!("{}/24", TAGGED[1]), "dev", "vlan77"]).unwrap();
    tagger
}

#[expect(clippy::print_stderr, reason = "the test's log keeps its figures")]
fn tell(what: &str, how: &str, began: Instant) {
    eprintln!("real cards: {what}: {how}, {:.1} s", began.elapsed().as_secs_f32());
}
