//! What the lab's nodes would hide: they share one kernel, cgroup v1 and a profile that switches checks off. Here a
//! server is one: its own kernel, modules, swap and power, and the product's own defaults.

mod cards;
mod clock;
mod older;
mod server;
mod site;

use std::time::Duration;

use lab::egress::plant::{Leak, plant, plant_as_node};
use lab::egress::report::Report;
use lab::node::listing::Difference;

use super::kit::SEALIFT;
use super::packages::OF_DPKG;
use super::web;
use site::{NETWORK, Site};

/// An emulated processor is some ten times slower than a real one, which may be slow, too.
const PATIENCE: Duration = Duration::from_mins(6);

/// What is written after the first boot of a machine, whoever is installed there: path, and by whom.
const FIRST_BOOT: [(&str, &str); 7] = [
    ("/etc/hostname", "its administrator"),
    ("/etc/hosts", "its administrator"),
    ("/etc/machine-id", "systemd"),
    (server::UNIT, "its administrator"),
    ("/etc/systemd/system/multi-user.target.wants/var-spare.swap", "its administrator"),
    (server::SPARE, "its administrator"),
    ("/var/lib/dbus/machine-id", "systemd-tmpfiles"),
];

/// Takes a third of an hour of both processors; what comes after the reboot is left to `make test-full`.
#[test]
fn one_real_server_with_the_defaults() {
    let mut site = Site::up();
    site.act("five wrong clocks", |site| clock::wrong_ones_are_refused(site));
    site.act("plan", |site| site.plan_says_what_the_lab_never_shows());
    let installed =
        site.act("install", |site| clock::jumps_during(&site.machine, || site.verb("install").expect(0)));
    took_no_hour(&installed.stderr);
    server::is_as_the_playbook_says(&site.machine);
    clock::is_kept(&site.machine);
    let url = site.act("workload answers", |site| {
        site.place.keeps_a_kubeconfig();
        let url = web::apply(&site.place, NETWORK);
        web::answers(&site.place, &url, PATIENCE);
        url
    });

    site.act("reboot to Ready", |site| site.reboots());
    server::is_as_the_playbook_says(&site.machine);
    clock::is_kept(&site.machine);
    site.act("workload answers again", |site| web::answers(&site.place, &url, PATIENCE));
    if whole() {
        let again = site.act("second install", |site| site.verb("install").expect(0));
        assert!(again.stderr.contains("0 changes"), "{}", again.stderr);
        server::is_as_the_playbook_says(&site.machine);
    }
    nothing_left_the_air_gap(&site);
    if whole() {
        goes_without_a_trace(&mut site);
    }
}

/// `installed: 106 changes in 43.6 s`: seconds that passed, whatever the node's clock said.
fn took_no_hour(said: &str) {
    let line = said.lines().find(|line| line.contains("installed: ")).unwrap();
    let seconds = line.rsplit(" in ").next().unwrap();
    assert!(
        seconds.ends_with(" s") && seconds.trim_end_matches(" s").parse::<f64>().unwrap() < 3300.0,
        "{line}"
    );
}

/// Whether it is to be seen to its very end; `tests/run.sh` says what is left out.
fn whole() -> bool {
    std::env::var_os("SEALIFT_TEST_FULL").is_some_and(|full| !full.is_empty())
}

fn goes_without_a_trace(site: &mut Site) {
    let before = site.fresh.clone();
    site.act("reset", |site| site.verb("reset").expect(0));
    site.act("power off", |site| site.machine.power_off(PATIENCE).unwrap());
    let after = site.machine.listing().unwrap();
    let left: Vec<String> =
        before.differences(&after).iter().filter(|left| !may_be(left)).map(ToString::to_string).collect();
    assert!(left.is_empty(), "reset left:\n{}", left.join("\n"));
    site.act("boot without it", Site::boots);
    server::is_as_before(&site.machine);
}

/// Whether a difference is one that every machine's first boot makes, or dpkg.
fn may_be(difference: &Difference) -> bool {
    let (Difference::Added(path) | Difference::Removed(path) | Difference::Changed(path, _)) = difference;
    let known = FIRST_BOOT.iter().map(|(known, _)| *known).chain(OF_DPKG.iter().copied().map(str::trim));
    known.into_iter().any(|known| path.starts_with(known))
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
