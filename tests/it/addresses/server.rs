//! Servers whose addresses change, each with a cluster file of its own.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use lab::cache::Cache;
use lab::node::Node;
use lab::root::RootKind;
use lab::scene::{Guard, Scene};
use lab::state::{NodeSpec, SceneSpec};
use nix::sys::signal::Signal;

use super::super::kit::{Ran, SEALIFT, room, source, stick};
use super::Case;
use super::attempt::Install;
use super::fault::Fault;

/// The timer of the playbook, and what a busy machine may need beside it.
const TIMER: Duration = Duration::from_secs(90);
const SLACK: Duration = Duration::from_secs(25);

/// What manages a server's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renderer {
    Networkd,
    Netplan,
    NetworkManager,
    Ifupdown,
}

impl Renderer {
    fn root(self) -> RootKind {
        match self {
            Self::Networkd | Self::Netplan => RootKind::Full,
            Self::NetworkManager => RootKind::Managed,
            Self::Ifupdown => RootKind::Ifupdown,
        }
    }
}

/// A scene of servers.
pub(super) struct Servers {
    scene: Guard,
    network: String,
}

/// One server, at one of its two addresses.
pub(super) struct Server<'a> {
    place: &'a Servers,
    node: Node,
    renderer: Renderer,
    now: String,
    other: String,
}

impl Servers {
    pub(super) fn up(name: &str, network: &str, servers: impl Iterator<Item = Renderer>) -> Self {
        let node = |(number, renderer): (usize, Renderer)| {
            let octet = u8::try_from(11 + number).unwrap();
            NodeSpec { name: format!("s{number}"), octet, root: renderer.root() }
        };
        let spec = SceneSpec {
            name: name.to_owned(),
            subnet: format!("{network}.0/24").parse().unwrap(),
            dir: room().join(name),
            nodes: servers.enumerate().map(node).collect(),
            cache: Cache::open().unwrap(),
        };
        stick();
        let scene = Scene::up(&spec).unwrap().guarded().unwrap();
        Self { scene, network: network.to_owned() }
    }

    pub(super) fn server(&self, number: usize, renderer: Renderer) -> Server<'_> {
        let node = self.scene.node(&format!("s{number}")).unwrap();
        let (now, other) = (node.address().to_string(), format!("{}.{}", self.network, 111 + number));
        let server = Server { place: self, node, renderer, now, other };
        server.exec(&["ip", "link", "add", "spare0", "type", "veth", "peer", "name", "spare1"]);
        if renderer == Renderer::Netplan {
            server.becomes_netplan();
            server.netplan_understands_a_vlan_on_a_bond();
        }
        server
    }
}

impl Server<'_> {
    /// One case from a healthy server to a healthy server: whether it held, and a line about it.
    pub(super) fn goes_through(&mut self, case: Case) -> (bool, String) {
        let began = Instant::now();
        let what = format!("{:?} {}, {} ms after", self.renderer, case.fault, case.after);
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.case(case))) {
            Ok(how) => (true, format!("{what}: {how}, {:.0} s in all", began.elapsed().as_secs_f64())),
            Err(error) => {
                let said = error.downcast_ref::<String>().cloned().unwrap_or_default();
                (false, format!("{what}: {said}"))
            }
        }
    }

    fn case(&mut self, case: Case) -> String {
        let before = self.etc();
        let mut run = self.install(case.fault);
        if case.fault.is_in_the_file() {
            let ran = run.end();
            assert_eq!(ran.status, 1, "{}{}", ran.stdout, ran.stderr);
            assert!(ran.stdout.contains("tried and not kept"), "{}", ran.stdout);
            assert!(ran.stdout.contains("the old network is back"), "{}", ran.stdout);
            let took = self.answers_at(&self.now.clone(), SLACK);
            self.is_as_before(&before);
            return format!("old address, {took:.1} s after the run");
        }
        run.wait_for("\"trying it;");
        if case.fault == Fault::Nothing {
            run.wait_for("\"play-finished\"");
            // not SIGINT: what is started in the background of a script ignores that one
            run.signal(Signal::SIGTERM);
            let ran = run.end();
            assert_eq!(ran.status, 130, "{}{}", ran.stdout, ran.stderr);
            self.moved();
            return "new address".to_owned();
        }
        std::thread::sleep(Duration::from_millis(case.after));
        let struck = Instant::now();
        self.strike(case.fault, &mut run);
        let (address, took) = self.comes_back(struck);
        drop(run);
        if address == self.now {
            self.is_as_before(&before);
            return format!("old address after {took:.1} s");
        }
        self.moved();
        format!("new address after {took:.1} s, it had been kept")
    }

    fn strike(&self, fault: Fault, run: &mut Install) {
        match fault {
            Fault::Killed => run.kill(),
            Fault::Frozen => run.signal(Signal::SIGSTOP),
            Fault::CableOut => {
                self.node.network_cut().unwrap();
                // longer than the timer: what comes back came back without any word from outside
                std::thread::sleep(TIMER + Duration::from_secs(5));
                self.node.network_heal().unwrap();
            }
            Fault::PowerCut => {
                self.node.power_cut().unwrap();
                run.kill();
                self.node.switch_on().unwrap();
            }
            Fault::Nothing | Fault::WrongGateway | Fault::WrongInterface | Fault::WrongVlan => {}
        }
    }

    /// Waits until nothing is being tried any more; says where the node answers then, and how long that took.
    fn comes_back(&self, struck: Instant) -> (String, f64) {
        let limit = TIMER + SLACK + SLACK;
        loop {
            assert!(struck.elapsed() < limit, "{} answers nowhere after {limit:?}", self.node.name());
            std::thread::sleep(Duration::from_millis(500));
            let settled = self.node.exec(&["test", "!", "-e", "/run/sealift/network/trial.json"]).is_ok();
            let places: Vec<&String> =
                [&self.now, &self.other].into_iter().filter(|at| self.is_at(at)).collect();
            if let (true, [place]) = (settled, &places[..]) {
                return ((*place).clone(), struck.elapsed().as_secs_f64());
            }
        }
    }

    /// The node answers at its new address, says so on its disk, and forgot the trial.
    fn moved(&mut self) {
        std::mem::swap(&mut self.now, &mut self.other);
        self.answers_at(&self.now.clone(), SLACK);
        let etc = self.etc();
        assert!(etc.contains(&format!("{}/24", self.now)), "not on disk: {etc}");
        self.nothing_is_tried();
    }

    fn is_as_before(&self, before: &str) {
        assert_eq!(self.etc(), before, "the lasting configuration changed");
        self.nothing_is_tried();
        let links = self.exec(&["ls", "/sys/class/net"]);
        assert!(!links.contains("host0."), "a VLAN was left: {links}");
    }

    fn nothing_is_tried(&self) {
        let find = "find /run/sealift/network /run/netplan /run/systemd/network /run/NetworkManager/system-connections \
                    -name '*.json' -o -name '*.yaml' -o -name '*sealift-*' -o -name '*interfaces' 2>/dev/null; true";
        let left = self.exec(&["sh", "-c", find]);
        assert_eq!(left, "", "left in /run");
        let timers = self.exec(&["systemctl", "list-units", "--all", "--no-legend", "sealift-undo-network*"]);
        assert_eq!(timers, "", "the timer is still there");
    }

    /// Everything below /etc that says what the network is.
    fn etc(&self) -> String {
        self.exec(&["sh", "-c", "grep -rs . /etc/netplan /etc/systemd/network /etc/network/interfaces* /etc/NetworkManager | sort"])
    }

    #[track_caller]
    fn exec<S: AsRef<str> + std::fmt::Debug>(&self, argv: &[S]) -> String {
        self.node.exec(argv).unwrap_or_else(|error| panic!("{argv:?}: {error:#}"))
    }

    /// Seconds until the node answers there, under its own key.
    fn answers_at(&self, address: &str, limit: Duration) -> f64 {
        let began = Instant::now();
        while !self.is_at(address) {
            assert!(began.elapsed() < limit, "{} does not answer at {address}", self.node.name());
            std::thread::sleep(Duration::from_millis(300));
        }
        began.elapsed().as_secs_f64()
    }

    fn is_at(&self, address: &str) -> bool {
        let scan = ["ssh-keyscan", "-T", "2", "-t", "ed25519", address];
        let seen = Ran::of(&mut self.place.scene.operator(&scan)).stdout;
        seen.contains(&self.node.host_key().unwrap())
    }

    /// Starts `install` with a cluster file that has the node move to its other address, wrong in one way or right.
    fn install(&self, fault: Fault) -> Install {
        let gateway = if fault == Fault::WrongGateway { 9 } else { 1 };
        let carrier = match fault {
            Fault::WrongInterface => "interface: {name: spare0}, ",
            Fault::WrongVlan => "interface: {name: host0}, vlan: 99, ",
            _ => "",
        };
        let gateway = format!("{}.{gateway}", self.place.network);
        Install::start(&mut self.verb("install", &["--yes", "--json"], carrier, &gateway))
    }

    /// A verb with all it needs, and a cluster file in which the node is to have its other address.
    fn verb(&self, verb: &str, options: &[&str], carrier: &str, gateway: &str) -> Command {
        let (name, now, other) = (self.node.name(), &self.now, &self.other);
        let key = self.node.host_key().unwrap();
        let text = format!(
            "apiVersion: sealift.dev/v1\nkind: Cluster\nmetadata: {{name: {name}}}\nspec:\n  \
             ssh: {{user: ops, identityFile: ssh/id_ed25519}}\n  nodes:\n    - name: {name}\n      role: control-plane\n      \
             ssh: {{address: {other}, hostKey: \"{key}\"}}\n      network: {{current: {now}, {carrier}\
             addresses: [{other}/24], gateway: {gateway}}}\n"
        );
        let file = self.place.scene.dir().join(format!("{name}.yaml"));
        std::fs::write(&file, text).unwrap();
        let path = |path: PathBuf| path.to_str().unwrap().to_owned();
        let mut words: Vec<String> =
            [*SEALIFT, verb].iter().chain(options).map(|&word| word.to_owned()).collect();
        for (option, value) in [
            ("--cluster", path(file)),
            ("--state", path(self.place.scene.dir().join("state"))),
            ("--profile", path(source("tests/lab/profile.yaml"))),
            ("--bundle", path(stick().bundle.clone())),
            ("--trust", path(stick().key.clone())),
        ] {
            words.extend([option.to_owned(), value]);
        }
        self.place.scene.operator(&words)
    }

    /// What a plan would write for a VLAN on a bond is what netplan itself understands so. This kernel can make
    /// neither.
    fn netplan_understands_a_vlan_on_a_bond(&self) {
        let carrier =
            "bond: {name: bond0, mode: 802.3ad, interfaces: [{name: host0}, {name: spare0}]}, vlan: 77, ";
        let gateway = format!("{}.1", self.place.network);
        let ran = Ran::of(&mut self.verb("plan", &["--diff", "--json"], carrier, &gateway)).expect(4);
        let plan: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let mut open = vec![&plan];
        let mut texts = vec![];
        while let Some(value) = open.pop() {
            if value["what"] == "/etc/netplan/50-lab.yaml" {
                texts.extend(value["after"].as_str().filter(|text| text.contains("network:")));
            }
            open.extend(value.as_array().into_iter().flatten());
            open.extend(value.as_object().into_iter().flatten().map(|(_, value)| value));
        }
        let [text] = texts[..] else { panic!("{}", ran.stdout) };
        let script = format!(
            "umask 077; mkdir -p /tmp/n/etc/netplan; cat > /tmp/n/etc/netplan/a.yaml <<'E'\n{text}E\n\
             netplan generate --root-dir /tmp/n && cat /tmp/n/run/systemd/network/*; rm -r /tmp/n"
        );
        let made = self.exec(&["sh".to_owned(), "-c".into(), script]);
        let address = format!("Address={}/24", self.other);
        for line in ["Kind=bond", "Mode=802.3ad", "Kind=vlan", "Id=77", "VLAN=bond0.77", &address] {
            assert_eq!(made.lines().filter(|one| *one == line).count(), 1, "{line} in:\n{made}");
        }
        assert_eq!(made.matches("\nBond=bond0\n").count(), 2, "{made}");
    }

    /// The same address, said by netplan from now on.
    fn becomes_netplan(&self) {
        let (now, network) = (&self.now, &self.place.network);
        let text = format!(
            "network:\n  version: 2\n  ethernets:\n    host0:\n      dhcp4: false\n      link-local: []\n      \
             addresses: [{now}/24]\n      routes: [{{to: default, via: {network}.1}}]\n"
        );
        let script = format!(
            "umask 077; cat > /etc/netplan/50-lab.yaml <<E\n{text}E\nrm /etc/systemd/network/10-lab.network; netplan apply"
        );
        self.exec(&["sh".to_owned(), "-c".into(), script]);
        self.answers_at(now, SLACK);
    }
}
