//! Firewalls.

use crate::check::{
    Check, Class,
    Severity::{Refuse, Warn},
};
use crate::parse::system::value;
use crate::view::{Judged, View, known, not_here, when};

const PORTS: &str = "let the nodes reach each other: 6443, 2379-2380, 10250, 7946 tcp; 8472, 7946 udp, and 123 with `time: chrony`; or switch it off";

pub(super) const CHECKS: &[Check] = &[
    Check::node("firewall-ufw", Warn, |view| {
        let on = value(&view.words("/etc/ufw/ufw.conf")?, "ENABLED").as_deref() == Some("yes");
        when(on, || "/etc/ufw/ufw.conf: ENABLED=yes".to_owned())
    })
    .says("ufw drops what it does not know, and writes its rules anew at every boot and reload", PORTS),
    Check::node("firewall-firewalld", Warn, |view| {
        when(view.unit("firewalld.service")?.active == "active", || "firewalld.service is active".to_owned())
    })
    .says("firewalld drops what it does not know, and takes others' rules away at every reload", PORTS),
    Check::node("firewall-nftables", Warn, |view| {
        let on = view.unit("nftables.service")?.enabled == "enabled";
        when(on, || "nftables.service is enabled".to_owned())
    })
    .says("it begins with `flush ruleset`, as a rule: a reload takes the cluster's rules away until kube-proxy writes them again", "take `flush ruleset` out of /etc/nftables.conf, or disable it"),
    Check::node("firewall-input", Warn, |view| dropping(view, "input"))
        .says("what no rule lets in is dropped; the port checks between nodes tell whether that is the cluster's", PORTS)
        .on(Class::Untouched),
    Check::node("firewall-forward", Refuse, |view| dropping(view, "forward"))
        .says("packets of pods are forwarded, and dropped here (Docker sets this, too)", "set the policy of that chain to accept")
        .on(Class::Untouched),
    Check::node("firewall-mixed", Warn, |view| {
        let tables = view.words("/proc/net/ip_tables_names")?;
        let names: Vec<&str> = tables.lines().collect();
        when(!names.is_empty(), || format!("iptables-legacy has tables {}", names.join(", ")))
    })
    .says("rules of two generations apply one after the other, and each tool shows only its own", "iptables-legacy -F; reboot")
    .on(Class::Untouched),
];

fn dropping(view: &View<'_>, hook: &str) -> Judged {
    match known(&view.facts.filter)? {
        None => not_here("neither nft nor iptables is installed, so nobody made rules"),
        Some(filter) => Ok(filter.dropping(hook)),
    }
}
