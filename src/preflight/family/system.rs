//! The operating system and its packages.

use crate::check::{
    Check, Class,
    Severity::{Refuse, Warn},
};
use crate::parse::system::{lines, value};
use crate::view::{Judged, Miss, View, when};

/// Systems on which every release is tried.
const SUPPORTED: &[(&str, &str)] = &[("debian", "12"), ("debian", "13")];

/// What sealift and kubeadm run on a node.
const PROGRAMS: &[&str] = &[
    "sh",
    "id",
    "sha256sum",
    "mount",
    "umount",
    "nsenter",
    "systemctl",
    "systemd-run",
    "modprobe",
    "swapoff",
];
/// Where they may be.
const FOLDERS: &[&str] = &["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Packages that bring their own kubelet or container runtime.
const PACKAGES: &[&str] = &["kubelet", "kubeadm", "kubectl", "cri-o", "containerd", "containerd.io"];

pub(super) const CHECKS: &[Check] = &[
    Check::node("os-supported", Refuse, supported).says(
        "sealift is tried on Debian 12 and 13; on another system nobody knows what is different",
        "install one of them; or take the risk with --skip os-supported: untested",
    ),
    Check::node("init-systemd", Refuse, |view| {
        let init = view.needed("/proc/1/comm")?;
        when(init.trim() != "systemd", || format!("process 1 is {}", init.trim()))
    })
    .says("services, jobs and the helper are systemd units", "boot the server with systemd as its init"),
    Check::node("programs-missing", Refuse, programs).says(
        "programs that sealift or kubeadm runs are not installed",
        "install the packages that they are in",
    ),
    Check::node("packages-kubernetes", Warn, packages)
        .says(
            "a package brings its own kubelet or container runtime; its next update replaces or restarts it",
            "apt-get purge it, or apt-mark hold it if something else needs it",
        )
        .on(Class::All),
    Check::node("unattended-upgrades", Warn, unattended).says(
        "packages are updated and services restarted at a time that nobody chose, on all nodes at once",
        "systemctl disable --now unattended-upgrades, and set APT::Periodic::Unattended-Upgrade to 0",
    ),
    Check::node("package-interrupted", Warn, |view| {
        let left = view.names("/var/lib/dpkg/updates")?;
        when(!left.is_empty(), || format!("{} files wait in /var/lib/dpkg/updates", left.len()))
    })
    .says(
        "an installation of packages was cut off; the system is half one thing and half another",
        "dpkg --configure -a",
    ),
    Check::node("reboot-pending", Warn, |view| {
        when(view.there("/run/reboot-required")?, || "/run/reboot-required is there".to_owned())
    })
    .says("an update waits for a reboot; better now than with a cluster on it", "reboot the server first"),
];

fn release(view: &View<'_>) -> Result<String, Miss> {
    match view.text("/etc/os-release")? {
        Some(text) => Ok(text),
        None => view.needed("/usr/lib/os-release"),
    }
}

/// As recipes call it: `debian-12`.
pub(super) fn name(view: &View<'_>) -> Result<String, Miss> {
    let text = release(view)?;
    let read = |key: &str| value(&text, key).unwrap_or_default();
    Ok(format!("{}-{}", read("ID"), read("VERSION_ID")))
}

fn supported(view: &View<'_>) -> Judged {
    let text = release(view)?;
    let read = |key: &str| value(&text, key).unwrap_or_default();
    let (id, version) = (read("ID"), read("VERSION_ID"));
    let known = SUPPORTED.iter().any(|(name, number)| *name == id && *number == version);
    when(!known, || format!("it is {} ({id} {version})", read("PRETTY_NAME")))
}

fn programs(view: &View<'_>) -> Judged {
    let mut there = vec![];
    for folder in FOLDERS {
        there.extend(view.names(folder)?);
    }
    if there.is_empty() {
        return Err(Miss::Unknown("no folder of programs could be listed".to_owned()));
    }
    let missing = PROGRAMS.iter().filter(|program| !there.iter().any(|one| one == *program));
    Ok(missing.map(|program| format!("there is no program {program}")).collect())
}

fn packages(view: &View<'_>) -> Judged {
    let mut found = vec![];
    for package in PACKAGES {
        if view.there(&format!("/var/lib/dpkg/info/{package}.list"))? {
            found.push(format!("package {package} is installed"));
        }
    }
    Ok(found)
}

fn unattended(view: &View<'_>) -> Judged {
    let on = |(name, text): (&str, String)| {
        let line = lines(&text).find(|line| {
            line.contains("APT::Periodic::Unattended-Upgrade")
                && !line.contains("\"0\"")
                && !line.contains("\"false\"")
        })?;
        Some(format!("/etc/apt/apt.conf.d/{name}: {line}"))
    };
    if !view.there("/usr/bin/unattended-upgrade")? {
        return Ok(vec![]);
    }
    Ok(view.each_text("/etc/apt/apt.conf.d/", "")?.filter_map(on).collect())
}
