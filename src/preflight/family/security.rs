//! Hardening that Kubernetes or sealift is not made for, or that slows a login down.

use crate::check::{
    Check,
    Severity::{Info, Refuse, Warn},
};
use crate::parse::system::lines;
use crate::view::{Judged, View, when};

pub(super) const CHECKS: &[Check] = &[
    Check::node("selinux-enforcing", Refuse, |view| {
        when(view.words("/sys/fs/selinux/enforce")?.trim() == "1", || "SELinux is enforcing".to_owned())
    })
    .says(
        "sealift sets no labels: programs and volumes would be refused one by one",
        "setenforce 0, and SELINUX=permissive in /etc/selinux/config",
    ),
    Check::node("apparmor-parser", Info, |view| {
        let on = view.words("/sys/module/apparmor/parameters/enabled")?.trim() == "Y";
        let parser = view.there("/usr/sbin/apparmor_parser")? || view.there("/sbin/apparmor_parser")?;
        when(on && !parser, || "AppArmor is on and there is no apparmor_parser".to_owned())
    })
    .says(
        "containers run without an AppArmor profile",
        "apt-get install apparmor, if profiles are asked for",
    ),
    Check::node("fips", Warn, |view| {
        when(view.words("/proc/sys/crypto/fips_enabled")?.trim() == "1", || {
            "crypto.fips_enabled is 1".to_owned()
        })
    })
    .says(
        "the kernel is in FIPS mode; sealift's and Kubernetes' own cryptography is not validated",
        "ask whoever demands it",
    ),
    Check::node("lockdown", Info, |view| {
        let text = view.words("/sys/kernel/security/lockdown")?;
        let mode = text.split('[').nth(1).and_then(|rest| rest.split(']').next()).unwrap_or("none");
        when(mode == "confidentiality", || format!("kernel lockdown is {mode}"))
    })
    .says(
        "programs that look into the kernel (eBPF) do not work",
        "nothing, unless such a program is planned",
    ),
    Check::node("sudo-requiretty", Warn, |view| {
        let mut found = vec![];
        let more =
            view.each_text("/etc/sudoers.d/", "")?.map(|(name, text)| (format!("sudoers.d/{name}"), text));
        for (name, text) in std::iter::once(("sudoers".to_owned(), view.words("/etc/sudoers")?)).chain(more) {
            let bad = |line: &&str| {
                line.starts_with("Defaults") && line.contains("requiretty") && !line.contains("!requiretty")
            };
            found.extend(lines(&text).filter(bad).map(|line| format!("/etc/{name}: {line}")));
        }
        Ok(found)
    })
    .says("sudo wants a terminal; this login works, another user's may not", "Defaults:USER !requiretty"),
    Check::node("proc-hidden", Warn, |view| {
        let all = crate::parse::mounts::mounts(&view.needed("/proc/1/mountinfo")?);
        let hidden = all.iter().find(|mount| {
            mount.point == "/proc"
                && mount.options.iter().any(|one| matches!(one.as_str(), "hidepid=2" | "hidepid=invisible"))
        });
        when(hidden.is_some(), || "/proc is mounted with hidepid".to_owned())
    })
    .says(
        "services that look at other processes as another user than root find nothing",
        "take hidepid out of /etc/fstab",
    ),
    Check::node("coredump-pipe", Info, pipe)
        .says("crashes in containers are handed to a program of the node", "nothing; its disk may fill up"),
];

fn pipe(view: &View<'_>) -> Judged {
    let text = view.words("/proc/sys/kernel/core_pattern")?;
    let known = ["systemd-coredump", "apport"];
    let foreign = text.trim().starts_with('|') && !known.iter().any(|name| text.contains(name));
    when(foreign, || format!("kernel.core_pattern: {}", text.trim()))
}
