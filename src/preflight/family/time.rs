//! Clocks. Certificates are valid from a moment on, and etcd's leases and TLS need clocks that agree.

use sealift_cluster::Time;

use crate::check::{
    Check, Class,
    Severity::{Info, Refuse, Warn},
};
use crate::facts::Clock;
use crate::site::Site;
use crate::view::{Judged, Miss, View, known, not_here, when};

/// No clock that is right can show less: 2026-11-01. It moves with every release.
const NOT_BEFORE: u64 = 1_793_491_200;
/// Milliseconds between any two clocks (F20).
const NODES: i64 = 30_000;
/// Between control planes: refused, warned of.
const CONTROL_PLANES: (i64, i64) = (2_000, 500);
/// Seconds between a node's clock and its battery-backed one.
const RTC: u64 = 60;

pub(crate) const SERVICES: &[&str] = &[
    "chrony.service",
    "chronyd.service",
    "systemd-timesyncd.service",
    "ntpsec.service",
    "ntp.service",
    "openntpd.service",
];

const SET: &str = "set the clock (`date -u -s ...; hwclock -w`); `time: chrony` in `spec.os` of the cluster file keeps it there";
const CHRONY: &str = "`time: chrony` in `spec.os` of the cluster file, with chrony in the bundle";

pub(super) const CHECKS: &[Check] = &[
    Check::node("clock-year", Refuse, |view| {
        let now = view.machine()?.now;
        when(now < NOT_BEFORE, || {
            format!("its clock shows {now} seconds since 1970, before this sealift was made")
        })
    })
    .says("certificates made now would not be valid yet when the clock is set right", SET),
    Check::node("clock-operator", Refuse, |view| {
        let clock = known(&view.facts.clock)?;
        when(clock.ahead.abs() - clock.uncertain > NODES, || apart("this machine", clock.ahead))
    })
    .says("the node and the machine that sealift runs on do not agree; one of both is wrong", SET),
    Check::between("clock-nodes", Refuse, |site| skew(site, NODES, false))
        .says("nodes do not accept each other's certificates and tokens", SET),
    Check::between("clock-control-planes", Refuse, |site| skew(site, CONTROL_PLANES.0, true))
        .says("etcd's leases and Kubernetes' leader elections go wrong", SET),
    Check::between("clock-drift", Warn, |site| {
        let refused = skew(site, CONTROL_PLANES.0, true)?;
        if refused.is_empty() { skew(site, CONTROL_PLANES.1, true) } else { Ok(vec![]) }
    })
    .says("clocks of control planes part; in weeks they will be too far apart", SET),
    Check::node("clock-battery", Warn, battery).says(
        "the battery-backed clock is wrong: after the next power cut the server starts at that time",
        "hwclock --systohc; a clock that falls back to 1970 needs a new battery",
    ),
    Check::node("time-chrony", Refuse, chrony)
        .says(
            "the cluster file wants it to keep the clocks",
            "pack it: `spec.osPackages` of the recipe, `packages: [chrony]`",
        )
        .by("spec.os.time"),
    Check::node("time-service", Warn, |view| {
        if view.cluster.os().time == Time::Chrony {
            return not_here("install has chrony run");
        }
        if view.container()? {
            return not_here("a container has its host's clock");
        }
        if view.cluster.nodes().len() < 2 {
            return not_here("there is only one clock");
        }
        when(running(view)?.is_empty(), || "no time service runs".to_owned())
    })
    .says("nothing keeps the clocks together", CHRONY)
    .by("spec.os.time"),
    Check::node("time-services-two", Warn, |view| {
        let running = running(view)?;
        when(running.len() > 1, || format!("{} run at once", running.join(" and ")))
    })
    .says("two time services pull the clock to and fro", "disable one of them"),
    Check::node("time-unsynchronised", Warn, |view| {
        if view.cluster.os().time == Time::Chrony {
            return not_here("install has chrony run");
        }
        if !running(view)?.contains(&"systemd-timesyncd.service") {
            return not_here("systemd-timesyncd does not run");
        }
        when(!view.there("/run/systemd/timesync/synchronized")?, || {
            "systemd-timesyncd has not reached a time server since boot".to_owned()
        })
    })
    .says(
        "the time service runs and has no server to ask",
        "name one that is there in /etc/systemd/timesyncd.conf",
    ),
    Check::node("timezone-rtc", Info, |view| {
        when(view.words("/etc/adjtime")?.lines().nth(2) == Some("LOCAL"), || {
            "/etc/adjtime says LOCAL".to_owned()
        })
    })
    .says(
        "the battery-backed clock is in local time: wrong by an hour twice a year",
        "timedatectl set-local-rtc 0",
    )
    .on(Class::All),
];

fn apart(from: &str, ahead: i64) -> String {
    let seconds = ahead.abs() / 1000;
    let tenths = ahead.abs() % 1000 / 100;
    format!("{seconds}.{tenths} s {} {from}", if ahead < 0 { "behind" } else { "ahead of" })
}

/// Nodes whose clocks are further apart than what the questions took explains.
fn skew(site: &Site<'_>, most: i64, control_planes: bool) -> Judged {
    let wanted = |view: &View<'_>| {
        if control_planes && !view.is_control_plane() {
            return not_here("no control plane");
        }
        known(&view.facts.clock).copied()
    };
    let (clocks, absent) = site.each(wanted);
    if clocks.len() < 2 && absent.is_none() {
        return not_here("there is only one of them");
    }
    let mut found = vec![];
    for (at, (one, a)) in clocks.iter().enumerate() {
        for (other, b) in &clocks[at + 1..] {
            let sure = Clock { ahead: a.ahead - b.ahead, uncertain: a.uncertain + b.uncertain };
            if sure.ahead.abs() - sure.uncertain > most {
                found.push(format!("{one} is {}", apart(other, sure.ahead)));
            }
        }
    }
    Site::found(found, absent)
}

fn battery(view: &View<'_>) -> Judged {
    if view.container()? {
        return not_here("a container has no clock of its own");
    }
    let Some(text) = view.text("/sys/class/rtc/rtc0/since_epoch")? else {
        return not_here("there is no battery-backed clock");
    };
    let rtc: u64 =
        text.trim().parse().map_err(|_| Miss::Unknown(format!("the clock says {:?}", text.trim())))?;
    let now = view.machine()?.now;
    when(now.abs_diff(rtc) > RTC, || format!("it is {} s away from the system's", now.abs_diff(rtc)))
}

/// Whether the program is there, or comes.
fn chrony(view: &View<'_>) -> Judged {
    if view.cluster.os().time != Time::Chrony {
        return not_here("the cluster file does not ask for it");
    }
    if view.there("/usr/sbin/chronyd")? {
        return Ok(vec![]);
    }
    let (offer, system) = (super::release::offer(view)?, super::system::name(view)?);
    let brings = offer.packages.contains(&(system.clone(), "chrony".to_owned()));
    when(!brings, || format!("there is no /usr/sbin/chronyd, and the bundle has no chrony for {system}"))
}

/// Time services that are at work.
fn running<'a>(view: &View<'_>) -> Result<Vec<&'a str>, Miss> {
    let mut running = vec![];
    for name in SERVICES {
        // chrony.service has the other name as an alias
        if view.unit(name)?.active == "active"
            && !(*name == "chronyd.service" && running.contains(&"chrony.service"))
        {
            running.push(*name);
        }
    }
    Ok(running)
}
