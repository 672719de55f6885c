//! The same program as a helper on an older system than the one it was built on.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use lab::root::RootKind;
use nix::sched::{CloneFlags, setns};
use sealift_node::helper::Mode;
use sealift_node::{Facts, HelperBinary, Host as _, Identity, Mutate, Owner, RemoteHost, Target};

use super::super::kit::{Ran, SEALIFT};
use super::super::place::Place;

#[test]
fn an_older_debian_takes_the_same_helper() {
    let place = Place::single("it-older", "10.85.0", "old1", RootKind::Older);
    let node = place.node("old1");
    let (theirs, ours) = (c_library(|argv| Ran::of(&mut node.command(argv).unwrap())), c_library(here));
    assert!(theirs < ours, "glibc {theirs:?} there, {ours:?} where it was built: not older");

    // the file itself, started by that system's own kernel interface and shell
    let copy = node.disk().join("usr/local/bin/sealift");
    fs::copy(*SEALIFT, &copy).unwrap();
    let version = node.exec(&["/usr/local/bin/sealift", "--version"]).unwrap();
    assert!(version.starts_with("sealift "), "{version}");
    fs::remove_file(copy).unwrap();

    let before = place.listings();
    let facts = asked(&place, &node.host_key().unwrap(), node.command(&["sh", "-c", CONFINED]).unwrap());
    assert_eq!((facts.os_id.as_str(), facts.os_version.as_str()), ("debian", "11"));
    assert_eq!(facts.hostname, "old1");
    assert!(
        facts
            .interfaces
            .iter()
            .any(|interface| interface.addresses.iter().any(|address| address == "10.85.0.11/24"))
    );
    let plan = place.verb("plan").expect(4).stdout;
    for words in ["kubeadm init", "containerd", "kernel parameters"] {
        assert!(plan.contains(words), "no '{words}' in:\n{plan}");
    }
    place.is_as_before(&before, "a plan");
    let refused = place.verb("install").expect(5).stderr;
    assert!(refused.contains("os-supported: it is Debian GNU/Linux 11"), "{refused}");
}

/// What systemd made of the plan's helper: its settings, what they let it do, and a change from where it is.
const CONFINED: &str = "unit=$(systemctl list-units --plain --no-legend 'sealift-helper-*' | cut -d' ' -f1)
    systemctl show -p ProtectSystem -p NoNewPrivileges $unit
    pid=$(systemctl show -p MainPID --value $unit)
    grep CapBnd /proc/$pid/status
    nsenter --target $pid --mount touch /etc/sealift-was-here";

/// Starts a helper there, asks it through its real protocol, has it write and run something, ends it.
fn asked(place: &Place, host_key: &str, confined: Command) -> Facts {
    let namespace = File::open(place.scene().net().path()).unwrap();
    let target = Target {
        name: "old1".to_owned(),
        address: "10.85.0.11".to_owned(),
        before: None,
        port: 22,
        user: "ops".to_owned(),
        identities: vec![Identity::File(place.scene().operator_key())],
        host_key: Some(host_key.parse().unwrap()),
        through: None,
        shared: std::sync::Arc::default(),
    };
    // a thread of its own: it goes where the operator is and does not come back
    let asking = std::thread::spawn(move || {
        setns(namespace, CloneFlags::CLONE_NEWNET).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(ask(target, confined))
    });
    asking.join().unwrap()
}

async fn ask(target: Target, mut confined: Command) -> Facts {
    let binary = HelperBinary::of(Path::new(*SEALIFT)).await.unwrap();
    let owner = Owner {
        verb: "look".to_owned(),
        pid: std::process::id(),
        host: "it".to_owned(),
        started: "2026-01-01T00:00:00Z".to_owned(),
    };
    let plan =
        RemoteHost::connect(target.clone(), binary.clone(), Mode::Plan, "older", &owner).await.unwrap();
    let probe = Mutate::new(&plan);
    assert_eq!(probe.unit("ssh.service").await.unwrap().active, "active");
    let debian = probe.read_file("/etc/debian_version", 64).await.unwrap().unwrap();
    assert!(debian.starts_with(b"11."), "{debian:?}");
    probe.write_file("/etc/sealift-was-here", b"x".to_vec(), 0o644).await.unwrap_err();
    // law 4 by that systemd's own means, whatever the helper itself refuses
    let confined = Ran::of(&mut confined).expect(1);
    assert!(confined.stderr.contains("Read-only file system"), "{}", confined.stderr);
    for words in ["ProtectSystem=strict", "NoNewPrivileges=yes", "CapBnd:\t000000000000200d"] {
        assert!(confined.stdout.contains(words), "no '{words}' in:\n{}", confined.stdout);
    }
    let facts = probe.facts().await.unwrap();
    plan.close().await.unwrap();
    facts
}

/// The version of the C library, by `ldd`, as numbers.
fn c_library(run: impl FnOnce(&[&str]) -> Ran) -> Vec<u32> {
    let said = run(&["ldd", "--version"]).expect(0).stdout;
    let version = said.lines().next().and_then(|line| line.rsplit(' ').next()).unwrap();
    version.split('.').map(|part| part.parse().unwrap()).collect()
}

fn here(argv: &[&str]) -> Ran {
    Ran::of(Command::new(argv[0]).args(&argv[1..]))
}
