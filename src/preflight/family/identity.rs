//! Servers that were cloned: what must be each one's own.

use crate::check::{
    Check,
    Severity::{Refuse, Warn},
};
use crate::site::Site;
use crate::view::{Judged, Miss, View, not_here, when};

const ANEW: &str = "on all but one: rm /etc/machine-id; systemd-machine-id-setup; then reboot";

pub(super) const CHECKS: &[Check] = &[
    Check::node("machine-id-missing", Refuse, |view| {
        let id = view.words("/etc/machine-id")?.trim().to_owned();
        let right = id.len() == 32 && id.chars().all(|c| c.is_ascii_hexdigit());
        when(!right, || format!("/etc/machine-id says {id:?}"))
    })
    .says("systemd, DHCP and Kubernetes tell machines by it", "systemd-machine-id-setup, then reboot"),
    Check::between("machine-id-duplicate", Refuse, |site| {
        same(site, "machine-id", |view| Ok(vec![view.words("/etc/machine-id")?.trim().to_owned()]))
    })
    .says(
        "clones of one disk: they get one DHCP address and one MAC on bridges, and are one machine in logs",
        ANEW,
    ),
    Check::between("product-uuid-duplicate", Refuse, |site| {
        same(site, "product_uuid", |view| {
            if view.container()? {
                return not_here("a container has its host's");
            }
            Ok(vec![view.words("/sys/class/dmi/id/product_uuid")?.trim().to_lowercase()])
        })
    })
    .says(
        "kubeadm and network plugins tell machines by it; it comes from the firmware or the hypervisor",
        "give every virtual machine a UUID of its own",
    ),
    Check::between("host-key-duplicate", Refuse, |site| {
        same(site, "SSH host key", |view| {
            let keys = view.each_text("/etc/ssh/", "")?;
            let public = keys.filter(|(name, _)| name.starts_with("ssh_host_") && name.ends_with("_key.pub"));
            Ok(public.filter_map(|(_, text)| Some(text.split_whitespace().nth(1)?.to_owned())).collect())
        })
    })
    .says(
        "whoever has one of these servers can pass for the other",
        "on all but one: rm /etc/ssh/ssh_host_*; dpkg-reconfigure openssh-server; then sealift enroll",
    ),
    Check::between("mac-duplicate", Refuse, |site| {
        same(site, "MAC address", |view| Ok(vec![view.interface()?.mac.clone()]))
    })
    .says(
        "two servers with one MAC address on one network lose each other's packets",
        "give every virtual machine a MAC address of its own",
    ),
    Check::node("machine-id-dbus", Warn, |view| {
        let (id, bus) = (view.words("/etc/machine-id")?, view.words("/var/lib/dbus/machine-id")?);
        when(!bus.trim().is_empty() && bus.trim() != id.trim(), || {
            "/var/lib/dbus/machine-id is another one than /etc/machine-id".to_owned()
        })
    })
    .says(
        "half of the programs take the server for another machine: a sign of a half-mended clone",
        "ln -sf /etc/machine-id /var/lib/dbus/machine-id",
    ),
];

/// What two nodes have in common and must not.
fn same(site: &Site<'_>, what: &str, of: impl Fn(&View<'_>) -> Result<Vec<String>, Miss>) -> Judged {
    let (all, absent) = site.each(of);
    if all.is_empty() && absent.is_none() {
        return not_here("a container has its host's");
    }
    let mut found = vec![];
    for (at, (one, values)) in all.iter().enumerate() {
        for (other, others) in &all[at + 1..] {
            if let Some(value) = values.iter().find(|value| !value.is_empty() && others.contains(value)) {
                let value: String = value.chars().take(44).collect();
                found.push(format!("{one} and {other} have one {what}: {value}"));
            }
        }
    }
    Site::found(found, absent)
}
