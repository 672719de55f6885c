//! Machines boot, lose their power, reboot, are listed, and leave nothing behind.

use std::thread;
use std::time::{Duration, Instant};

use lab::root::RootKind;
use lab::scene::Scene;

use crate::place::{spec, traces};

#[test]
fn two_scenes_with_the_same_node_name_live_side_by_side_and_leave_nothing() {
    let (one, two) = (spec(1, &[("cp1", 11, RootKind::Full)]), spec(2, &[("cp1", 11, RootKind::Bare)]));
    let (first, second) = thread::scope(|threads| {
        let second = threads.spawn(|| Scene::up(&two).unwrap().guarded().unwrap());
        (Scene::up(&one).unwrap().guarded().unwrap(), second.join().unwrap())
    });
    let (a, b) = (first.node("cp1").unwrap(), second.node("cp1").unwrap());
    for node in [&a, &b] {
        assert_eq!(node.exec(&["hostname"]).unwrap().trim(), "cp1");
        assert_eq!(node.exec(&["systemctl", "is-system-running"]).unwrap().trim(), "running");
        let sudo = node.ssh(&["sudo", "-n", "id", "-u"]).unwrap().output().unwrap();
        assert_eq!(String::from_utf8_lossy(&sudo.stdout), "0\n", "{}", String::from_utf8_lossy(&sudo.stderr));
        assert!(node.journal("ssh").unwrap().contains("Accepted publickey for ops"));
    }
    assert_ne!(a.host_key().unwrap(), b.host_key().unwrap());
    assert_ne!(a.leader(), b.leader());
    a.exec(&["which", "nft", "iptables", "conntrack", "netplan"]).unwrap();
    for program in ["nft", "iptables", "conntrack", "netplan", "curl", "socat"] {
        assert!(b.exec(&["which", program]).is_err(), "a bare root has {program}");
    }
    // One scene's operator does not reach the other's node.
    let across =
        first.operator(&["bash", "-c", "timeout 1 bash -c ': < /dev/tcp/10.78.2.11/22'"]).output().unwrap();
    assert!(!across.status.success());

    drop(first);
    assert_eq!(traces(&one), Vec::<String>::new());
    assert!(b.leader().is_some(), "the other scene went down too");
    drop(second);
    assert_eq!(traces(&two), Vec::<String>::new());
}

#[test]
fn a_node_survives_a_power_cut_a_reboot_and_a_cut_cable_and_lists_its_disk() {
    let spec = spec(3, &[("cp1", 11, RootKind::Full), ("w1", 21, RootKind::Full)]);
    let scene = Scene::up(&spec).unwrap().guarded().unwrap();
    let (cp1, w1) = (scene.node("cp1").unwrap(), scene.node("w1").unwrap());
    let before = w1.listing().unwrap();
    assert!(before.0.len() > 5_000, "{} entries", before.0.len());

    w1.exec(&[
        "sh",
        "-c",
        "echo kept > /etc/kept; sync; mkdir /sys/fs/cgroup/memory/left; echo gone > /run/gone",
    ])
    .unwrap();
    let first = w1.leader().unwrap();
    w1.power_cut().unwrap();
    assert!(w1.leader().is_none() && cp1.leader().is_some());
    assert!(w1.exec(&["true"]).is_err());
    w1.switch_on().unwrap();
    w1.wait_ready(Duration::from_mins(1)).unwrap();
    assert_ne!(w1.leader().unwrap(), first);
    assert_eq!(w1.exec(&["cat", "/etc/kept"]).unwrap(), "kept\n");
    for forgotten in ["/run/gone", "/sys/fs/cgroup/memory/left"] {
        assert!(w1.exec(&["test", "-e", forgotten]).is_err(), "{forgotten} outlived a power cut");
    }
    let differences: Vec<String> =
        before.differences(&w1.listing().unwrap()).iter().map(ToString::to_string).collect();
    assert_eq!(differences, ["+ /etc/kept"]);

    let second = w1.leader().unwrap();
    w1.exec(&["systemctl", "reboot"]).unwrap();
    until("the reboot", || w1.leader().is_some_and(|leader| leader != second));
    w1.wait_ready(Duration::from_mins(1)).unwrap();

    let reach = |node: &lab::node::Node| {
        let knock = format!("timeout 1 bash -c ': < /dev/tcp/{}/22'", node.address());
        scene.operator(&["bash", "-c", &knock]).output().unwrap().status.success()
    };
    w1.network_cut().unwrap();
    assert!(!reach(&w1) && reach(&cp1));
    w1.network_heal().unwrap();
    until("the cable", || reach(&w1));

    w1.exec(&["systemctl", "poweroff"]).unwrap();
    w1.wait_off(Duration::from_mins(1)).unwrap();
    drop(scene);
    assert_eq!(traces(&spec), Vec::<String>::new());
}

fn until(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_mins(1), "waited a minute for {what}");
        thread::sleep(Duration::from_millis(50));
    }
}
