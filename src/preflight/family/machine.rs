//! Memory, processors, limits.

use sealift_stream::ByteSize;

use crate::check::{
    Check,
    Severity::{Refuse, Warn},
};
use crate::parse::system::{memory, processors};
use crate::view::{Miss, View, when};

const MIB: u64 = 1 << 20;
/// kubeadm's own minimum for a control plane, and ours for a worker.
const LEAST: (u64, u64) = (1700 * MIB, 1024 * MIB);
/// What leaves room for workloads.
const ENOUGH: (u64, u64) = (3600 * MIB, 1800 * MIB);

pub(super) const CHECKS: &[Check] = &[
    Check::node("memory-least", Refuse, |view| {
        let (have, least) = (total(view)?, of(view, LEAST));
        when(have < least, || format!("{}; at least {}", ByteSize(have), ByteSize(least)))
    })
    .says("Kubernetes alone does not fit", "give the server more memory, or another role"),
    Check::node("memory-low", Warn, |view| {
        let (have, enough) = (total(view)?, of(view, ENOUGH));
        when(have >= of(view, LEAST) && have < enough, || {
            format!("{}; {} leave room for workloads", ByteSize(have), ByteSize(enough))
        })
    })
    .says("Kubernetes fits and hardly anything beside it", "give the server more memory"),
    Check::node("memory-taken", Warn, |view| {
        let have = read(view, "MemAvailable")?;
        when(have < 768 * MIB, || format!("{} of memory to be had", ByteSize(have)))
    })
    .says("something on the server uses up its memory already", "end it, or take another server"),
    Check::node("cpus-least", Refuse, |view| {
        let list = view.needed("/sys/devices/system/cpu/online")?;
        let have = processors(&list).ok_or_else(|| Miss::Unknown(format!("processors: {list:?}")))?;
        let least = if view.is_control_plane() { 2 } else { 1 };
        when(have < least, || format!("{have} processors; at least {least}"))
    })
    .says("kubeadm refuses a control plane with one processor", "give the server more, or another role"),
    Check::node("open-files", Warn, |view| {
        let text = view.needed("/proc/1/limits")?;
        let line = text.lines().find_map(|line| line.strip_prefix("Max open files"));
        let hard = line.and_then(|rest| rest.split_whitespace().nth(1)).unwrap_or("unlimited");
        when(hard.parse::<u64>().is_ok_and(|most| most < 16_384), || format!("the hard limit is {hard}"))
    })
    .says(
        "containers inherit a limit of open files that databases find too low",
        "raise DefaultLimitNOFILE in /etc/systemd/system.conf",
    ),
];

fn read(view: &View<'_>, key: &str) -> Result<u64, Miss> {
    memory(&view.needed("/proc/meminfo")?, key)
        .ok_or_else(|| Miss::Unknown(format!("no {key} in /proc/meminfo")))
}

fn total(view: &View<'_>) -> Result<u64, Miss> {
    read(view, "MemTotal")
}

fn of(view: &View<'_>, (control_plane, worker): (u64, u64)) -> u64 {
    if view.is_control_plane() { control_plane } else { worker }
}
