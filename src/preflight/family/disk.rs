//! Room on disks, and how fast etcd's is.

use std::collections::BTreeMap;

use sealift_cluster::Role;
use sealift_node::Room;
use sealift_stream::ByteSize;

use crate::check::{
    Check, Class,
    Severity::{Refuse, Warn},
};
use crate::view::{Judged, View, known, not_here, when};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// What each path needs at least, without workloads: a release unpacked beside its blobs, etcd up to its quota of 2 GiB.
pub(crate) fn needs(role: Role) -> &'static [(&'static str, u64)] {
    const ALL: &[(&str, u64)] = &[
        ("/var/lib/etcd", 2 * GIB),
        ("/etc", 16 * MIB),
        ("/opt/cni", 64 * MIB),
        ("/usr/local", 512 * MIB),
        ("/var/lib/containerd", 2 * GIB),
        ("/var/lib/kubelet", 512 * MIB),
        ("/var/lib/sealift", GIB),
        ("/var/log", 256 * MIB),
    ];
    match role {
        Role::ControlPlane => ALL,
        Role::Worker => &ALL[1..],
    }
}

pub(super) const CHECKS: &[Check] = &[
    Check::node("disk-space", Refuse, |view| space(view, 1))
        .says(
            "the system or its images do not fit; a full disk stops etcd for good",
            "make room, or give the path a disk of its own",
        )
        .on(Class::Untouched),
    Check::node(
        "disk-low",
        Warn,
        |view| {
            if space(view, 1)?.is_empty() { space(view, 3) } else { Ok(vec![]) }
        },
    )
    .says(
        "it fits, and there is little room for workloads and the next release",
        "make room, or give the path a disk of its own",
    )
    .on(Class::Untouched),
    Check::node("disk-inodes", Refuse, |view| {
        let mut found = vec![];
        for (path, _) in needs(view.node.role) {
            let room = view.room(path)?;
            if room.inodes > 0 && room.inodes_free < 20_000 && path.starts_with("/var/lib/") {
                found.push(format!("{path}: {} files can still be made", room.inodes_free));
            }
        }
        Ok(found)
    })
    .says(
        "images are many small files; no file can be made though there is room",
        "delete what has so many files, or make the file system anew",
    ),
    Check::node("disk-pressure", Warn, |view| {
        if view.kubelet("evictionHard").is_some() {
            return not_here("the cluster file has its own `evictionHard`");
        }
        let mut found = vec![];
        for (path, part) in [("/var/lib/kubelet", 10), ("/var/lib/containerd", 15)] {
            let room = view.room(path)?;
            if room.free < room.size / 100 * part {
                let free = room.free * 100 / room.size.max(1);
                found.push(format!(
                    "{path}: {free} % free; below {part} % kubelet deletes images and ends pods"
                ));
            }
        }
        Ok(found)
    })
    .says(
        "kubelet takes the disk for full from the first minute and deletes what was installed",
        "make room, or set kubelet's evictionHard in bytes",
    )
    .by("spec.kubernetes.kubelet"),
    Check::node("etcd-sync", Warn, |view| {
        let timing = known(&view.facts.sync)?;
        let slow = timing.p99 > 10_000 && timing.p99 <= 100_000;
        when(slow, || told(timing))
    })
    .says(
        "etcd wants its disk to keep 99 of 100 small writes within 10 ms, or leaders change under load",
        "put /var/lib/etcd on an SSD that nothing else uses",
    )
    .on(Class::ControlPlanes)
    .measured(),
    Check::node("etcd-sync-unfit", Refuse, |view| {
        let timing = known(&view.facts.sync)?;
        when(timing.p99 > 100_000, || told(timing))
    })
    .says(
        "a write takes longer than etcd's heartbeat: the cluster would lose its leader again and again",
        "put /var/lib/etcd on an SSD",
    )
    .on(Class::ControlPlanes)
    .measured(),
];

fn told(timing: &sealift_node::Timing) -> String {
    let ms = |micros: u64| format!("{}.{} ms", micros / 1000, micros % 1000 / 100);
    format!(
        "{} writes: half within {}, 99 of 100 within {}, the longest {}",
        timing.count,
        ms(timing.p50),
        ms(timing.p99),
        ms(timing.longest)
    )
}

/// Paths on one file system share its room, so their needs are added up.
fn space(view: &View<'_>, times: u64) -> Judged {
    let mut disks: BTreeMap<u64, (&Room, u64, Vec<&str>)> = BTreeMap::new();
    for (path, need) in needs(view.node.role) {
        let room = view.room(path)?;
        let disk = disks.entry(room.device).or_insert((room, 0, vec![]));
        disk.1 += need * times;
        disk.2.push(path);
    }
    let short = disks.values().filter(|(room, need, _)| room.free < *need);
    Ok(short
        .map(|(room, need, paths)| {
            format!("{}: {} free, {} needed", paths.join(" "), ByteSize(room.free), ByteSize(*need))
        })
        .collect())
}
