//! Swap in all its forms. Install switches it off; what it cannot know is told here.

use sealift_cluster::Swap;
use sealift_stream::ByteSize;

use crate::check::{
    Check,
    Severity::{self, Info, Refuse, Warn},
};
use crate::parse::system::{lines, memory};
use crate::view::{Judged, Miss, View, not_here};

const OFF: &str = "nothing: install switches it off, for good";

const fn swap(id: &'static str, severity: Severity, judge: fn(&View<'_>) -> Judged) -> Check {
    Check::node(id, severity, judge).by("spec.os.swap")
}

pub(super) const CHECKS: &[Check] = &[
    swap("swap-on", Info, |view| {
        wanted(view)?;
        let swaps = view.words("/proc/swaps")?;
        let devices = swaps.lines().skip(1).filter_map(|line| line.split_whitespace().next());
        Ok(devices.map(|device| format!("swap is on: {device}")).collect())
    })
    .says("kubelet does not start while there is swap", OFF),
    swap("swap-full", Refuse, full).says(
        "what lies in swap does not fit into memory: switching it off would end programs",
        "end what needs so much memory, then try again",
    ),
    swap("swap-fstab", Info, |view| {
        wanted(view)?;
        let text = view.words("/etc/fstab")?;
        let swaps = lines(&text).filter(|line| line.split_whitespace().nth(2) == Some("swap"));
        Ok(swaps.map(|line| format!("/etc/fstab: {line}")).collect())
    })
    .says("swap would come back at the next boot", "nothing: install takes the lines out of use"),
    swap("swap-zram", Info, |view| {
        wanted(view)?;
        view.those_there(&[
            "/etc/systemd/zram-generator.conf",
            "/usr/lib/systemd/zram-generator.conf",
            "/etc/default/zramswap",
        ])
    })
    .says("compressed swap in memory is made at every boot", OFF),
    swap("swap-unit", Info, |view| {
        wanted(view)?;
        let units =
            view.names("/etc/systemd/system")?.iter().filter(|name| name.rsplit('.').next() == Some("swap"));
        Ok(units.map(|name| format!("/etc/systemd/system/{name}")).collect())
    })
    .says("a unit switches swap on at every boot", OFF),
    swap("swap-cloud-init", Warn, |view| {
        wanted(view)?;
        let made = |(name, text): (&str, String)| {
            let line = lines(&text).find(|line| line.starts_with("swap:"))?;
            Some(format!("/etc/cloud/cloud.cfg.d/{name}: {line}"))
        };
        Ok(view.each_text("/etc/cloud/cloud.cfg.d/", "")?.filter_map(made).collect())
    })
    .says("cloud-init makes a swap file anew", "take `swap:` out of that file"),
];

fn wanted(view: &View<'_>) -> Result<(), Miss> {
    if view.cluster.os().swap == Swap::Ignore {
        not_here("the cluster file says `swap: ignore`")
    } else {
        Ok(())
    }
}

fn full(view: &View<'_>) -> Judged {
    wanted(view)?;
    let text = view.needed("/proc/meminfo")?;
    let read =
        |key: &str| memory(&text, key).ok_or_else(|| Miss::Unknown(format!("no {key} in /proc/meminfo")));
    let used = read("SwapTotal")?.saturating_sub(read("SwapFree")?);
    let room = read("MemAvailable")?;
    crate::view::when(used > room, || {
        format!("{} in swap, {} of memory to be had", ByteSize(used), ByteSize(room))
    })
}
