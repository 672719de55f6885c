//! A chain: killed, run again, killed at the next moment, until an install comes through that nobody was killed in.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use super::super::place::Place;
use super::attempt::{Ended, install};
use super::book::Book;

/// Enough for every moment of a long play to be missed once and met from the beginning again.
const ROUNDS: u32 = 6;

/// Counts how often systemd started kubeadm init since the control plane's last boot.
const INITS: &str = "journalctl -o cat _COMM=systemd + SYSLOG_IDENTIFIER=systemd | \
    grep -c 'Started sealift-job-kubeadm-init' || true";

/// What must not change on the way.
pub(super) struct Watch {
    /// The cluster's certificate authority, once there is one that counts.
    authority: Option<String>,
    pub(super) installs: u32,
    /// Whether a control plane that was being made may be made anew: its power was cut meanwhile.
    power: bool,
    /// How often kubeadm init had been started before.
    inits: u32,
}

/// One round: from whatever there is to a whole cluster. Returns what the last, unbroken install was seen to do.
pub(super) fn round(place: &Place, book: &mut Book, watch: &mut Watch) -> BTreeSet<String> {
    loop {
        let ended = install(place, book);
        watch.installs += 1;
        watch.look(place, &ended);
        if ended.deaths.is_empty() {
            assert_eq!(
                ended.status, 0,
                "an install that nobody disturbed did not come through:\n{}",
                ended.stderr
            );
            return ended.moments;
        }
    }
}

/// Rounds until nothing of the book is missing, or its time is up. After each the cluster must be `whole`.
pub(super) fn chain(place: &Place, book: &mut Book, whole: &dyn Fn(&Watch)) -> Watch {
    let mut watch = Watch::begin(place);
    for number in 0..ROUNDS {
        round(place, book, &mut watch);
        // moments of every run, whether it changes something or not, need no new cluster
        while book.missing().iter().any(|name| in_every_run(name)) && !book.closed() {
            let before = book.missing().len();
            disturb(place);
            round(place, book, &mut watch);
            if book.missing().len() == before {
                break;
            }
        }
        whole(&watch);
        if book.missing().is_empty() || book.closed() || number + 1 == ROUNDS {
            break;
        }
        start_over(place, &mut watch);
    }
    watch
}

/// Boots all machines: what a reset leaves until then (values of kernel parameters) is gone, and changes again.
pub(super) fn boot(place: &Place) {
    for node in place.scene().nodes() {
        node.power_cut().unwrap();
        node.switch_on().unwrap();
    }
    for node in place.scene().nodes() {
        node.wait_ready(Duration::from_mins(2)).unwrap();
    }
}

/// The machines as they were, for the next round.
fn start_over(place: &Place, watch: &mut Watch) {
    place.verb("reset").expect(0);
    boot(place);
    *watch = Watch { installs: watch.installs, ..Watch::begin(place) };
}

fn in_every_run(name: &str) -> bool {
    !name.starts_with("helper") && !name.contains(" | step-change | ")
}

/// Gives an install something to do: an empty plan has no run.
fn disturb(place: &Place) {
    for node in place.scene().nodes() {
        fs::write(node.disk().join("etc/sealift/resolv.conf"), "# disturbed\n").unwrap();
    }
}

impl Watch {
    /// From now on.
    pub(super) fn begin(place: &Place) -> Self {
        Self { authority: None, installs: 0, power: false, inits: started(place) }
    }

    fn look(&mut self, place: &Place, ended: &Ended) {
        let cut: Vec<&str> =
            ended.deaths.iter().filter(|name| name.starts_with("power | ")).map(String::as_str).collect();
        self.power |= !cut.is_empty();
        for name in cut {
            let node = name.rsplit(" | ").next().unwrap();
            place.node(node).wait_ready(Duration::from_mins(2)).unwrap();
        }
        let disk = place.node("cp1").disk();
        let read = |path: &str| fs::read_to_string(disk.join(path)).ok();
        let done =
            read("var/lib/sealift/receipts/kubeadm.json").is_some_and(|text| text.contains("\"done\": true"));
        let counts = done || !self.power;
        let found = read("etc/kubernetes/pki/ca.crt").filter(|_| counts);
        if !counts {
            self.authority = None;
        }
        if let Some(before) = &self.authority {
            assert_eq!(
                found.as_ref(),
                Some(before),
                "the cluster's authority changed after {:?}",
                ended.deaths
            );
        }
        self.authority = found.or_else(|| self.authority.take());
    }

    /// How often `kubeadm init` was started; none when it may have been more than once.
    pub(super) fn inits(&self, place: &Place) -> Option<u32> {
        (!self.power).then(|| started(place) - self.inits)
    }
}

fn started(place: &Place) -> u32 {
    place.node("cp1").exec(&["sh", "-c", INITS]).unwrap().trim().parse().unwrap()
}
