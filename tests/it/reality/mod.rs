//! What the lab's nodes would hide: they share one kernel, cgroup v1 and a profile that switches checks off. Here a
//! server is one: its own kernel, modules, swap and power, and the product's own defaults.

mod older;
mod server;
mod site;

use std::time::Duration;

use lab::egress::plant::{Leak, plant, plant_as_node};
use lab::egress::report::Report;
use lab::node::listing::Difference;

use super::kit::SEALIFT;
use super::web;
use site::{NETWORK, Site};

/// An emulated processor is some ten times slower than a real one, which may be slow, too.
const PATIENCE: Duration = Duration::from_mins(6);

/// What is written after the first boot of a machine, whoever is installed there: path, and by whom.
const FIRST_BOOT: [(&str, &str); 4] = [
    ("/etc/machine-id", "systemd"),
    (server::UNIT, "its administrator"),
    ("/etc/systemd/system/multi-user.target.wants/var-spare.swap", "its administrator"),
    (server::SPARE, "its administrator"),
];

#[test]
#[ignore = "half an hour of both processors, and its reset was not seen through yet: part of make test-full"]
fn one_real_server_with_the_defaults() {
    let mut site = Site::up();
    let before = site.fresh.clone();
    site.act("plan", |site| site.plan_says_what_the_lab_never_shows());
    site.act("install", |site| site.verb("install").expect(0));
    server::is_as_the_playbook_says(&site.machine);
    let url = site.act("workload answers", |site| {
        site.place.keeps_a_kubeconfig();
        let url = web::apply(&site.place, NETWORK);
        web::answers(&site.place, &url, PATIENCE);
        url
    });

    site.act("reboot to Ready", |site| site.reboots());
    let again = site.act("second install", |site| site.verb("install").expect(0));
    assert!(again.stderr.contains("0 changes"), "{}", again.stderr);
    server::is_as_the_playbook_says(&site.machine);
    site.act("workload answers again", |site| web::answers(&site.place, &url, PATIENCE));
    nothing_left_the_air_gap(&site);

    site.act("reset", |site| site.verb("reset").expect(0));
    site.act("power off", |site| site.machine.power_off(PATIENCE).unwrap());
    let after = site.machine.listing().unwrap();
    let left: Vec<String> = before
        .differences(&after)
        .iter()
        .filter(|left| !of_first_boot(left))
        .map(ToString::to_string)
        .collect();
    assert!(left.is_empty(), "reset left:\n{}", left.join("\n"));
    site.act("boot without it", Site::boots);
    server::is_as_before(&site.machine);
}

/// Whether a difference is one that every machine's first boot makes.
fn of_first_boot(difference: &Difference) -> bool {
    let (Difference::Added(path) | Difference::Removed(path) | Difference::Changed(path, _)) = difference;
    FIRST_BOOT.iter().any(|(known, _)| path.starts_with(known))
}

fn nothing_left_the_air_gap(site: &Site) {
    let recorder = site.place.scene().recorder();
    plant_as_node(&recorder, |argv| site.machine.exec(argv).map(drop)).unwrap();
    plant(&recorder, &Leak::new("pod").unwrap(), |script| {
        site.place.kubectl(&["exec", "deployment/web", "--", "bash", "-c", script]).expect(0);
        Ok(())
    })
    .unwrap();
    let report = Report::of(&recorder).unwrap();
    assert_eq!(report.fault(), None, "{report}");
}

/// The helper is this very file, on nodes of any age: it must not ask for a loader or a library there.
#[test]
fn the_program_asks_for_no_loader() {
    let file = std::fs::read(*SEALIFT).unwrap();
    assert_eq!((&file[..4], file[4], file[5]), (&b"\x7fELF"[..], 2, 1), "64 bits, little-endian");
    let number = |at: usize, size: usize| {
        file[at..at + size].iter().rev().fold(0, |number: usize, byte| number << 8 | usize::from(*byte))
    };
    let (table, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    let kinds: Vec<usize> = (0..count).map(|entry| number(table + entry * size, 4)).collect();
    // PT_LOAD, PT_INTERP of elf(5)
    assert!(kinds.contains(&1) && !kinds.contains(&3), "{kinds:?}");
}
