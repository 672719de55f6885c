//! A clock of its own, which may be wrong, and is kept.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lab::qemu::Machine;

use super::super::web::eventually;
use super::PATIENCE;
use super::server::ask;
use super::site::Site;

/// What its clock is set to, and the checks that refuse the server then (F20).
const WRONG: &[(&str, &[&str])] = &[
    ("1970-01-01 00:10:00", &["clock-year", "clock-operator"]),
    ("1 day", &["clock-operator"]),
    ("-1 day", &["clock-operator"]),
    ("5 minutes", &["clock-operator"]),
    ("-5 minutes", &["clock-operator"]),
];

/// Nobody makes certificates by a clock that is wrong.
pub(super) fn wrong_ones_are_refused(site: &Site) {
    let cluster = site.place.cluster.to_str().unwrap();
    let preflight = || site.place.site(&["preflight", "--quick", "-c", cluster]);
    for (to, refused) in WRONG {
        ask(&site.machine, &format!("date -s '{to}'"));
        let said = preflight().expect(5).stdout;
        for id in *refused {
            assert!(said.contains(id), "{to}: no {id} in:\n{said}");
        }
        set_right(&site.machine);
    }
    let said = preflight().expect(0).stdout;
    assert!(!said.contains("clock-year") && !said.contains("clock-operator"), "{said}");
}

/// While something goes on, the clock is an hour ahead for a while, as soon as containerd runs (F48).
pub(super) fn jumps_during<T>(machine: &Machine, something: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let jump = threads.spawn(|| {
            let runs = || machine.exec(&["systemctl", "is-active", "containerd.service"]).is_ok();
            while !over.load(Ordering::Relaxed) && !runs() {
                std::thread::sleep(Duration::from_secs(2));
            }
            ask(machine, "date -s '1 hour'");
            std::thread::sleep(Duration::from_secs(20));
            set_right(machine);
            !over.load(Ordering::Relaxed)
        });
        // a failure must not leave the other one waiting
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(something));
        over.store(true, Ordering::Relaxed);
        let jumped = jump.join().unwrap();
        let result = result.unwrap_or_else(|failure| std::panic::resume_unwind(failure));
        assert!(jumped, "it was over before the clock jumped");
        result
    })
}

/// This machine's clock, which is the operator's.
fn set_right(machine: &Machine) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    ask(machine, &format!("date -s @{now:.3}"));
}

/// chrony goes by the settings of the cluster file and is its own source; an upgrade of the system leaves it alone.
pub(super) fn is_kept(machine: &Machine) {
    let arguments = ask(machine, "tr '\\0' ' ' < /proc/$(cat /run/chrony/chronyd.pid)/cmdline");
    assert!(arguments.contains(" -f /etc/chrony/sealift.conf"), "{arguments}");
    eventually("clock that is its own source", PATIENCE, || {
        ask(machine, "chronyc -c -n tracking").starts_with("7F7F0101,,10,").then_some(())
    });
    assert_eq!(ask(machine, "apt-mark showhold"), "chrony");
}
