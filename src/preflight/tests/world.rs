//! A site of four clean Debian servers, as facts.

use std::collections::BTreeMap;

use sealift_cluster::Cluster;
use sealift_node::{
    Facts as Machine, HostError, Interface, Neighbour, Ping, Reached, Room, Secretless, Sight, Timing,
    TryPort, UnitState,
};

use crate::facts::{Absence, Clock, Facts, Link, Offer};
use crate::gather::all;
use crate::parse::filter::Filter;
use crate::{Report, Selection, Site, family};

pub(super) const NODES: [(&str, &str); 4] =
    [("cp1", "10.77.0.11"), ("cp2", "10.77.0.12"), ("cp3", "10.77.0.13"), ("w1", "10.77.0.21")];

const FILE: &str = "\
apiVersion: sealift.dev/v1
kind: Cluster
metadata: {name: plant-7}
spec:
  controlPlane: {address: 10.77.0.10}
  dns: {upstreams: [10.77.0.2]}
  loadBalancer: {pools: [{name: default, addresses: [10.77.0.240-10.77.0.250]}]}
  nodes:
    - name: cp1
      role: control-plane
      ssh: {address: 10.77.0.11}
      network: {interface: {name: eth0}, addresses: [10.77.0.11/24]}
    - {name: cp2, role: control-plane, ssh: {address: 10.77.0.12}}
    - {name: cp3, role: control-plane, ssh: {address: 10.77.0.13}}
    - {name: w1, role: worker, gpu: auto, ssh: {address: 10.77.0.21}}
";

/// 2026-11-29.
pub(super) const NOW: u64 = 1_795_910_400;
const GIB: u64 = 1 << 30;

pub(super) struct World {
    pub(super) file: String,
    nodes: BTreeMap<String, Result<Facts, HostError>>,
    pub(super) offer: Offer,
}

impl World {
    pub(super) fn clean() -> Self {
        let nodes = NODES
            .iter()
            .enumerate()
            .map(|(at, (name, address))| ((*name).to_owned(), Ok(facts(at, name, address))));
        let offer = Offer {
            platforms: vec!["linux/amd64".to_owned()],
            bytes: GIB,
            created: NOW - 1000,
            ..Offer::default()
        };
        Self { file: FILE.to_owned(), nodes: nodes.collect(), offer }
    }

    pub(super) fn node(&mut self, name: &str) -> &mut Facts {
        self.nodes.get_mut(name).unwrap().as_mut().unwrap()
    }

    pub(super) fn machine(&mut self, name: &str) -> &mut Machine {
        self.node(name).machine.as_mut().unwrap()
    }

    pub(super) fn put(&mut self, name: &str, path: &str, text: &str) {
        self.node(name).sights.insert(path.to_owned(), Sight::File(Secretless(text.into())));
    }

    /// More lines behind what a file has.
    pub(super) fn add(&mut self, name: &str, path: &str, text: &str) {
        let old = match self.node(name).sights.get(path) {
            Some(Sight::File(bytes)) => String::from_utf8(bytes.0.clone()).unwrap(),
            _ => String::new(),
        };
        self.put(name, path, &format!("{old}{text}"));
    }

    pub(super) fn names(&mut self, name: &str, path: &str, names: &[&str]) {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        self.node(name).sights.insert(path.to_owned(), Sight::Names(names));
    }

    pub(super) fn take(&mut self, name: &str, path: &str) {
        self.node(name).sights.insert(path.to_owned(), Sight::Missing);
    }

    pub(super) fn room(&mut self, name: &str, path: &str) -> &mut Room {
        self.node(name).rooms.as_mut().unwrap().iter_mut().find(|room| room.path == path).unwrap()
    }

    pub(super) fn link(&mut self, from: &str, to: &str) -> &mut Link {
        self.node(from).links.get_mut(to).unwrap()
    }

    /// One mount more, over what is there.
    pub(super) fn mount(&mut self, name: &str, point: &str, kind: &str, options: &str) {
        let line = format!("99 22 8:2 / {point} {options} - {kind} /dev/sdb {options}\n");
        self.add(name, "/proc/1/mountinfo", &line);
    }

    pub(super) fn unit(&mut self, name: &str, unit: &str, active: &str) {
        let state = self.node(name).units.get_mut(unit).unwrap().as_mut().unwrap();
        state.active = active.to_owned();
        state.enabled = if active == "active" { "enabled" } else { "" }.to_owned();
    }

    pub(super) fn lose(&mut self, name: &str, why: HostError) {
        self.nodes.insert(name.to_owned(), Err(why));
    }

    /// Nothing is known of any node.
    pub(super) fn blind(&mut self) {
        for facts in self.nodes.values_mut() {
            *facts = Ok(Facts::none("a test"));
        }
    }

    pub(super) fn report(&self) -> Report {
        self.report_with(&Selection::default(), true)
    }

    pub(super) fn report_with(&self, selection: &Selection, measured: bool) -> Report {
        let cluster =
            Cluster::parse(&self.file, "cluster.yaml", None).unwrap_or_else(|problems| panic!("{problems}"));
        let nodes = cluster.nodes().iter();
        let nodes = nodes.map(|node| (node, self.nodes[node.name.as_str()].clone())).collect();
        Report::of(&Site { cluster: &cluster, nodes, offer: Some(self.offer.clone()) }, selection, measured)
    }
}

fn facts(at: usize, name: &str, address: &str) -> Facts {
    let mut facts = Facts::none("a test");
    let fixed = all().filter(|path| !path.contains('*'));
    facts.sights = fixed.map(|path| (path.to_owned(), Sight::Missing)).collect();
    for (path, text) in TEXTS {
        let text = text.replace("NAME", name).replace("AT", &at.to_string());
        facts.sights.insert((*path).to_owned(), Sight::File(Secretless(text.into_bytes())));
    }
    for (path, names) in FOLDERS {
        let names = names.split_whitespace().map(str::to_owned).collect();
        facts.sights.insert((*path).to_owned(), Sight::Names(names));
    }
    let interface = |name: &str, mac: String, addresses: Vec<String>| Interface {
        name: name.into(),
        mac,
        running: true,
        made: false,
        addresses,
    };
    let interfaces = vec![
        interface("eth0", format!("52:54:00:00:00:1{at}"), vec![format!("{address}/24")]),
        interface("lo", String::new(), vec!["127.0.0.1/8".into()]),
    ];
    facts.machine = Ok(Machine {
        kernel: "6.1.0-18-amd64".into(),
        arch: "amd64".into(),
        now: NOW,
        interfaces,
        ..Machine::default()
    });
    facts.modules =
        Ok("kernel/net/vxlan.ko:\nkernel/net/nf_tables.ko.xz: x\nkernel/net/nf_conntrack.ko:\n".into());
    let rooms = family::needs(sealift_cluster::Role::ControlPlane).iter().map(|(path, _)| Room {
        path: (*path).into(),
        at: "/".into(),
        device: 1,
        size: 200 * GIB,
        free: 150 * GIB,
        inodes: 10_000_000,
        inodes_free: 9_000_000,
        types: true,
    });
    facts.rooms = Ok(rooms.collect());
    for unit in family::TIME_SERVICES.iter().chain(&["firewalld.service", "nftables.service"]) {
        let active = if *unit == "chrony.service" { "active" } else { "inactive" };
        let state = UnitState {
            load: "loaded".into(),
            active: active.into(),
            enabled: String::new(),
            needs_reload: false,
            invocation: String::new(),
            started_ms: 0,
        };
        facts.units.insert((*unit).to_owned(), Ok(state));
    }
    facts.filter = Ok(Some(Filter::default()));
    facts.clock = Ok(Clock { ahead: 20, uncertain: 3 });
    facts.sync = Ok(Timing { count: 2000, p50: 900, p99: 3000, longest: 9000 });
    facts.taken = Ok(vec![]);
    facts.neighbours = if at == 0 { Ok(neighbours()) } else { Err(Absence::unasked()) };
    facts.resolvers = if at == 0 { Ok(vec![("10.77.0.2".into(), true)]) } else { Err(Absence::unasked()) };
    let others = NODES.iter().filter(|(other, _)| *other != name);
    facts.links = others.map(|(other, _)| ((*other).to_owned(), link())).collect();
    facts
}

fn neighbours() -> Vec<Neighbour> {
    let one = |address: &str, macs: &[&str]| Neighbour {
        address: address.parse().unwrap(),
        macs: macs.iter().map(|mac| (*mac).to_owned()).collect(),
        unasked: None,
    };
    let pool = (240..=250).map(|last| one(&format!("10.77.0.{last}"), &[]));
    let known = [one("10.77.0.10", &[]), one("10.77.0.12", &["52:54:00:00:00:11"])];
    known.into_iter().chain(pool).collect()
}

fn link() -> Link {
    let port = |proto, number| TryPort { port: sealift_node::Port { proto, number }, reached: Reached::Ours };
    let ping = |size| Ping { size, micros: Some(400), unsent: None };
    Link {
        ports: Ok(vec![port(sealift_node::Proto::Tcp, 10250), port(sealift_node::Proto::Udp, 8472)]),
        pings: Ok(vec![ping(84), ping(1450), ping(1500)]),
        rate: Some(Ok(940_000_000)),
    }
}

/// As Debian 12 has them. `NAME` is the node's name, `AT` a digit of its own.
const TEXTS: &[(&str, &str)] = &[
    ("/etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\n"),
    ("/proc/1/comm", "systemd\n"),
    (
        "/proc/1/limits",
        "Limit                     Soft Limit           Hard Limit           Units     \nMax open files            1048576              1048576              files     \n",
    ),
    ("/proc/modules", "overlay 163840 0 - Live 0x0\nnf_conntrack 1 0 - Live 0x0\n"),
    ("/proc/filesystems", "nodev\tproc\nnodev\toverlay\n\text4\n"),
    ("/proc/sys/kernel/seccomp/actions_avail", "kill_process errno allow\n"),
    ("/proc/sys/kernel/modules_disabled", "0\n"),
    ("/proc/sys/kernel/pid_max", "4194304\n"),
    ("/proc/sys/kernel/core_pattern", "core\n"),
    ("/proc/sys/fs/file-max", "9223372036854775807\n"),
    (
        "/proc/1/mountinfo",
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n23 22 0:4 / /proc rw,nosuid - proc proc rw\n24 22 0:5 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
    ),
    ("/etc/sysctl.d/99-site.conf", "# net.ipv4.ip_forward=0\nvm.swappiness=10\n"),
    ("/etc/sysctl.d/10-old.conf", "net.ipv4.ip_forward=0\n"),
    ("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma misc\n"),
    (
        "/proc/meminfo",
        "MemTotal:       16384000 kB\nMemAvailable:   15000000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
    ),
    ("/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n"),
    ("/sys/devices/system/cpu/online", "0-7\n"),
    ("/etc/fstab", "UUID=1 / ext4 errors=remount-ro 0 1\n# /swap none swap sw 0 0\n"),
    ("/sys/class/rtc/rtc0/since_epoch", "1795910402\n"),
    ("/etc/adjtime", "0.0 0 0.0\n0\nUTC\n"),
    ("/proc/sys/kernel/hostname", "NAME\n"),
    ("/etc/hostname", "NAME\n"),
    ("/etc/hosts", "127.0.0.1\tlocalhost\n127.0.1.1\tNAME.plant.local NAME\n::1 localhost ip6-localhost\n"),
    ("/etc/machine-id", "0123456789abcdef0123456789abcdeAT\n"),
    ("/sys/class/dmi/id/product_uuid", "12345678-0000-0000-0000-00000000000AT\n"),
    ("/etc/ssh/ssh_host_ed25519_key.pub", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAT root@NAME\n"),
    (
        "/proc/net/route",
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\neth0\t00000000\t01004D0A\t0003\t0\t0\t0\t00000000\neth0\t00004D0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\n",
    ),
    ("/proc/net/tcp", "  sl  local_address rem_address   st\n   0: 00000000:0016 00000000:0000 0A\n"),
    ("/proc/net/tcp6", "  sl  local_address rem_address   st\n"),
    ("/proc/net/udp", "  sl  local_address rem_address   st\n"),
    ("/proc/net/udp6", "  sl  local_address rem_address   st\n"),
    ("/sys/class/net/eth0/mtu", "1500\n"),
    ("/sys/class/net/eth0/speed", "1000\n"),
    ("/sys/class/net/eth0/duplex", "full\n"),
    ("/etc/resolv.conf", "search plant.local\nnameserver 10.77.0.2\n"),
    ("/etc/nsswitch.conf", "passwd: files systemd\nhosts:          files dns\n"),
    ("/sys/module/apparmor/parameters/enabled", "Y\n"),
    ("/usr/sbin/apparmor_parser", ""),
    ("/proc/sys/crypto/fips_enabled", "0\n"),
    ("/sys/kernel/security/lockdown", "[none] integrity confidentiality\n"),
    ("/etc/sudoers", "Defaults env_reset\nDefaults:ops !requiretty\n"),
    ("/sys/bus/pci/devices/0000:00:02.0/uevent", "DRIVER=bochs-drm\nPCI_CLASS=30000\nPCI_ID=1234:1111\n"),
];

const FOLDERS: &[(&str, &str)] = &[
    ("/proc/self/ns", "cgroup ipc mnt net pid pid_for_children time user uts"),
    ("/usr/bin", "id mount nsenter sh sha256sum systemctl systemd-run umount"),
    ("/usr/sbin", "modprobe swapoff sysctl"),
    ("/lib/modules", "6.1.0-18-amd64"),
    ("/sys/class/net", "eth0 lo"),
    ("/etc/systemd/system", "multi-user.target.wants"),
    ("/var/lib/dpkg/updates", ""),
];
