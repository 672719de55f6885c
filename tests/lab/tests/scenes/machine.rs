//! A machine of its own kernel: what it is, and what a power cut does to it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use lab::qemu::{Machine, MachineSpec};
use lab::scene::Scene;

use crate::place::{spec, traces};

const PATIENCE: Duration = Duration::from_mins(4);

#[test]
fn a_machine_has_its_own_kernel_two_cards_and_swap_and_a_power_cut_takes_what_was_not_written() {
    let spec = spec(6, &[]);
    let scene = Scene::up(&spec).unwrap().guarded().unwrap();
    let machine = MachineSpec { name: "m1".into(), octet: 31, cards: 2, memory: 1024 };
    let mut machine = Machine::install(&scene, &spec.cache, machine).unwrap();
    assert!(machine.exec(&["true"]).is_err(), "it is off");
    machine.switch_on().unwrap();
    machine.wait_ready(PATIENCE).unwrap();
    let here = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert_ne!(machine.exec(&["cat", "/proc/sys/kernel/osrelease"]).unwrap(), here);
    assert_eq!(machine.exec(&["hostname"]).unwrap(), "m1\n");
    assert!(machine.exec(&["swapon", "--show=NAME", "--noheadings"]).unwrap().starts_with("/dev/"));
    let cards = machine.exec(&["sh", "-c", "cat /sys/class/net/en*/address"]).unwrap();
    assert_eq!(cards, format!("{}\n{}\n", machine.mac(0), machine.mac(1)));
    assert!(machine.listing().is_err(), "its disk is its own while it is on");

    machine.exec(&["sh", "-c", "echo kept > /etc/kept; sync; echo lost > /etc/lost"]).unwrap();
    machine.power_cut().unwrap();
    assert!(!machine.is_on());
    let disk = machine.listing().unwrap();
    let has = |path: &str| disk.0.contains_key(Path::new(path));
    assert!(has("/etc/kept") && !has("/etc/lost"));
    drop(machine);
    drop(scene);
    assert_eq!(traces(&spec), Vec::<String>::new());
}
