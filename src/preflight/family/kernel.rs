//! What the kernel can do.

use crate::check::{
    Check,
    Severity::{Refuse, Warn},
};
use crate::parse::mounts::{mounts, of};
use crate::parse::system::{kernel, lines, value};
use crate::view::{Judged, Miss, View, not_here, when};

/// kube-proxy's nftables mode needs this one (Kubernetes, "Virtual IPs and Service Proxies").
const OLDEST: (u32, u32) = (5, 13);
const NAMESPACES: &[&str] = &["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];
/// What sealift writes, and files that are read after it have the last word.
const OURS: &str = "90-sealift.conf";

const LOAD: &str = "install the distribution's own kernel (linux-image-amd64) and reboot";

pub(super) const CHECKS: &[Check] = &[
    Check::node("kernel-old", Refuse, |view| {
        let release = &view.machine()?.kernel;
        let version = kernel(release).ok_or_else(|| Miss::Unknown(format!("{release} is no version")))?;
        when(version < OLDEST, || format!("kernel {release}; {}.{} is the oldest", OLDEST.0, OLDEST.1))
    })
    .says("kube-proxy's nftables mode needs a newer kernel", "boot a newer kernel"),
    Check::node("kernel-modules-gone", Refuse, |view| {
        if !view.there("/proc/modules")? {
            return not_here("this kernel has no modules");
        }
        if view.container()? {
            return not_here("a container has its host's modules");
        }
        let release = &view.machine()?.kernel;
        let there = view.names("/lib/modules")?.contains(release);
        when(!there, || format!("there is no /lib/modules/{release}"))
    })
    .says(
        "the running kernel's modules are not on disk: it was updated and the server not booted since",
        "reboot the server",
    ),
    Check::node("kernel-overlay", Refuse, |view| {
        let listed = view
            .words("/proc/filesystems")?
            .lines()
            .any(|line| line.split_whitespace().last() == Some("overlay"));
        if listed { Ok(vec![]) } else { feature(view, "overlay") }
    })
    .says("container images are laid over each other by overlayfs", LOAD),
    Check::node("kernel-vxlan", Refuse, |view| feature(view, "vxlan"))
        .says("the pod network between nodes is VXLAN", LOAD),
    Check::node("kernel-nf-tables", Refuse, |view| feature(view, "nf_tables"))
        .says("services are rules of nftables", LOAD),
    Check::node("kernel-conntrack", Refuse, |view| feature(view, "nf_conntrack"))
        .says("services need connection tracking", LOAD),
    Check::node("kernel-namespaces", Refuse, |view| {
        let names = view.names("/proc/self/ns")?;
        if names.is_empty() {
            return Err(Miss::Unknown("/proc/self/ns cannot be listed".to_owned()));
        }
        let missing = NAMESPACES.iter().filter(|name| !names.iter().any(|one| one == *name));
        Ok(missing.map(|name| format!("no namespace {name}")).collect())
    })
    .says("containers are made of namespaces, and the kernel was built without one", LOAD),
    Check::node("kernel-seccomp", Refuse, |view| {
        when(!view.there("/proc/sys/kernel/seccomp/actions_avail")?, || {
            "there is no /proc/sys/kernel/seccomp".to_owned()
        })
    })
    .says("runc filters system calls by seccomp", LOAD),
    Check::node("modules-locked", Refuse, |view| {
        let locked = view.words("/proc/sys/kernel/modules_disabled")?.trim() == "1";
        if !locked {
            return Ok(vec![]);
        }
        let mut missing = vec![];
        for name in ["vxlan", "nf_tables", "nf_conntrack"] {
            if !loaded(view, name)? {
                missing.push(format!("kernel.modules_disabled is 1 and {name} is not loaded"));
            }
        }
        Ok(missing)
    })
    .says(
        "no module can be loaded until the next boot",
        "load them at boot (/etc/modules-load.d) and reboot",
    ),
    Check::node("sysctl-locked", Refuse, |view| {
        let all = mounts(&view.needed("/proc/1/mountinfo")?);
        let path = "/proc/sys/net/ipv4/ip_forward";
        when(of(&all, path).is_some_and(|mount| mount.has("ro")), || format!("{path} is mounted read-only"))
    })
    .says("kernel parameters cannot be set", "a container needs its host to make /proc/sys/net writable"),
    Check::node("sysctl-overridden", Warn, overridden).says(
        "a file that is read after sealift's sets forwarding off: pods lose each other at the next boot",
        "take the line out of that file",
    ),
    Check::node("pid-max", Warn, |view| {
        let text = view.needed("/proc/sys/kernel/pid_max")?;
        let most: u64 = text.trim().parse().unwrap_or(u64::MAX);
        when(most < 32768, || format!("kernel.pid_max is {most}"))
    })
    .says("pods run out of process numbers", "set kernel.pid_max to 32768 or more in /etc/sysctl.d"),
    Check::node("file-max", Warn, |view| {
        let text = view.needed("/proc/sys/fs/file-max")?;
        let most: u64 = text.trim().parse().unwrap_or(u64::MAX);
        when(most < 100_000, || format!("fs.file-max is {most}"))
    })
    .says("all programs together may open too few files", "take fs.file-max out of /etc/sysctl.d"),
];

/// Loaded, or built in.
fn loaded(view: &View<'_>, name: &str) -> Result<bool, Miss> {
    if view.there(&format!("/sys/module/{name}"))? {
        return Ok(true);
    }
    Ok(view.words("/proc/modules")?.lines().any(|line| line.split(' ').next() == Some(name)))
}

/// Loaded, built in, or a file that can be loaded.
fn feature(view: &View<'_>, name: &str) -> Judged {
    if loaded(view, name)? {
        return Ok(vec![]);
    }
    if !view.there("/proc/modules")? {
        return not_here("this kernel has no modules: what it can do is built in, and cannot be listed");
    }
    if view.container()? {
        return not_here("a container has its host's modules");
    }
    let lines = view.facts.modules.as_ref().map_err(|absence| Miss::Unknown(absence.0.clone()))?;
    let file = format!("/{name}.ko");
    let there = lines.lines().any(|line| line.split(':').next().unwrap_or(line).contains(&file));
    when(!there, || {
        format!("kernel {} has no module {name}", view.facts.machine.as_ref().map_or("", |one| &one.kernel))
    })
}

/// Later files win; `/etc/sysctl.conf` is read as `99-sysctl.conf` on Debian.
fn overridden(view: &View<'_>) -> Judged {
    let later =
        view.each_text("/etc/sysctl.d/", "")?.filter(|(name, _)| *name > OURS && name.contains(".conf"));
    let later = later.map(|(name, text)| (format!("/etc/sysctl.d/{name}"), text));
    let main = view.text("/etc/sysctl.conf")?.map(|text| ("/etc/sysctl.conf".to_owned(), text));
    let mut found = vec![];
    for (path, text) in later.chain(main) {
        let kept = lines(&text).collect::<Vec<_>>().join("\n");
        for key in ["net.ipv4.ip_forward", "net/ipv4/ip_forward"] {
            if value(&kept, key).as_deref() == Some("0") {
                found.push(format!("{path} sets {key} to 0"));
            }
        }
    }
    Ok(found)
}
