//! chrony out of the bundle: one control plane is the source of the others' time, and nobody is asked outside.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::packages::{OF_DPKG, packed};
use super::place::Place;

const NETWORK: &str = "10.92.0";
/// A node of the lab has its host's clock and may not set it: `-x` has chronyd do everything but that.
const LAB: &str = "mkdir -p /usr/lib/systemd/system/chrony.service.d && printf '[Unit]\\nConditionCapability=\\n\
    [Service]\\nExecStart=\\nExecStart=!/usr/sbin/chronyd -x $DAEMON_OPTS\\n' \
    > /usr/lib/systemd/system/chrony.service.d/lab.conf";
/// The time service that the worker's installation came with.
const OLD: &str = "mkdir -p /root/old/DEBIAN && cd /root && printf 'Package: old-clock\\nVersion: 1\\nArchitecture: all\\n\
    Maintainer: site\\nDescription: x\\nProvides: time-daemon\\nConflicts: time-daemon\\nReplaces: time-daemon\\n' \
    > old/DEBIAN/control && dpkg-deb --build old old.deb && dpkg -i old.deb && rm -r old old.deb";
const SETTINGS: &str = "/etc/chrony/sealift.conf";

#[test]
fn a_control_plane_is_the_source_of_the_others_time() {
    let place = Place::with_workers("it-time", NETWORK, 1);
    let node = |name: &str, line: &str| place.node(name).exec(&["sh", "-c", line]).unwrap();
    for name in ["cp1", "w1"] {
        node(name, LAB);
    }
    let before = place.listings();
    node("w1", OLD);
    let bundle = packed("time", NETWORK, "chrony");
    let unasked = place.verb_of("plan", &bundle).expect(1);
    unasked.says(&["takes the place of old-clock, which the site has", "write `time: chrony`"]);
    let text = fs::read_to_string(&place.cluster).unwrap();
    fs::write(&place.cluster, text.replace("\nspec:\n", "\nspec:\n  os: {time: chrony}\n")).unwrap();
    place.verb("install").expect(5).says(&["time-chrony", "the bundle has no chrony for debian-12"]);

    let plan = place.verb_of("plan", &bundle).expect(4).stdout;
    for words in [SETTINGS, "package chrony", "package old-clock", "chrony takes its place"] {
        assert!(plan.contains(words), "no '{words}' in:\n{plan}");
    }
    assert!(place.install_killed_with(&bundle, "packages of the system", Duration::from_millis(1500)));
    place.verb_of("install", &bundle).expect(0);
    is_kept_together(&place);
    let clock =
        "dpkg-query -Wf '${Package} ${Status}\\n' chrony old-clock 2>/dev/null | grep ' installed$' || true";
    assert_eq!(node("w1", clock), "chrony hold ok installed\n");
    finds_nothing(&place, &bundle);

    node("w1", "sed -i /makestep/d /etc/chrony/sealift.conf && systemctl restart chrony");
    let plan = place.verb_of("plan", &bundle).expect(4).stdout;
    assert!(plan.contains(SETTINGS), "{plan}");
    place.verb_of("install", &bundle).expect(0).says(&["installed: 2 changes in"]);
    finds_nothing(&place, &bundle);
    is_kept_together(&place);
    asked_nobody_outside(&place);
    is_given_back_and_taken_again(&place, &bundle);

    place.verb("reset").expect(0).says(&["package chrony stays", "old-clock"]);
    let there = "dpkg-query -Wf '${Package} ${Status}\\n' chrony 2>/dev/null | grep ' installed$' || true";
    assert_eq!(
        (node("cp1", there), node("w1", there)),
        (String::new(), "chrony install ok installed\n".into())
    );
    assert!(arguments(&place).ends_with("-x -F 1 "));
    one_that_slept_sleeps_again(&place, &bundle);
    node("w1", "dpkg --purge chrony");
    super::disks::same_but(&before, &place.listings(), "reset", OF_DPKG);
}

/// A site's own chrony that did nothing, for something else keeps the time.
fn one_that_slept_sleeps_again(place: &Place, bundle: &Path) {
    let node = |line: &str| place.node("w1").exec(&["sh", "-c", line]).unwrap();
    node("systemctl disable --now chrony.service");
    let plan = place.verb_of("plan", bundle).expect(4).stdout;
    assert!(plan.contains("chrony.service at boot"), "{plan}");
    place.verb_of("install", bundle).expect(0);
    is_kept_together(place);
    place.verb("reset").expect(0);
    let state = "systemctl is-enabled chrony.service; systemctl is-active chrony.service; true";
    assert_eq!(node(state), "disabled\ninactive\n");
}

/// With `time: keep` chrony, which is there by now, goes by the distribution's settings.
fn is_given_back_and_taken_again(place: &Place, bundle: &Path) {
    let text = fs::read_to_string(&place.cluster).unwrap();
    fs::write(&place.cluster, text.replace("time: chrony", "time: keep")).unwrap();
    place.verb_of("install", bundle).expect(0).says(&["installed: 6 changes in"]);
    assert!(arguments(place).ends_with("-x -F 1 "));
    finds_nothing(place, bundle);
    fs::write(&place.cluster, text).unwrap();
    place.verb_of("install", bundle).expect(0);
    assert!(arguments(place).ends_with(&format!("-x -F 1 -f {SETTINGS} ")));
    finds_nothing(place, bundle);
}

/// How chrony was started on the worker.
fn arguments(place: &Place) -> String {
    let line = "tr '\\0' ' ' < /proc/$(cat /run/chrony/chronyd.pid)/cmdline";
    place.node("w1").exec(&["sh", "-c", line]).unwrap()
}

fn finds_nothing(place: &Place, bundle: &Path) {
    place.verb_of("plan", bundle).expect(0);
}

/// The worker follows the control plane, which follows nobody.
fn is_kept_together(place: &Place) {
    let tracking = |name: &str| place.node(name).exec(&["chronyc", "-c", "-n", "tracking"]).unwrap();
    let until = Instant::now() + Duration::from_mins(2);
    loop {
        // its first three columns: reference, its address, stratum
        let (source, other) = (tracking("cp1"), tracking("w1"));
        let follows = other.split(',').nth(1) == Some(&format!("{NETWORK}.11"))
            && other.split(',').nth(2) == Some("11");
        if source.starts_with("7F7F0101,,10,") && follows {
            return;
        }
        assert!(Instant::now() < until, "cp1: {source}w1: {other}");
        std::thread::sleep(Duration::from_secs(1));
    }
}

fn asked_nobody_outside(place: &Place) {
    let recorder = place.scene().recorder();
    lab::egress::plant::plant_in_node(&recorder, &place.node("w1")).unwrap();
    let report = lab::egress::report::Report::of(&recorder).unwrap();
    assert_eq!(report.fault(), None, "{report:?}");
}
