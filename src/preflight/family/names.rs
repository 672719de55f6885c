//! Host names and /etc/hosts.

use std::net::IpAddr;

use sealift_cluster::Hostname;

use crate::check::{
    Check,
    Severity::{self, Refuse, Warn},
};
use crate::parse::system::lines;
use crate::site::Site;
use crate::view::{Judged, Miss, View, not_here, when};

const NAME: &str = "`hostname: set` in `spec.os` of the cluster file, or hostnamectl set-hostname NAME, with the name that the file has";

/// A check of a server's own name, which counts only where it stays.
const fn own(id: &'static str, severity: Severity, judge: fn(&View<'_>) -> Judged) -> Check {
    Check::node(id, severity, judge).by("spec.os.hostname")
}

const GIVEN: &str = "install gives it the name of the cluster file";

/// The server's own name, where it stays.
fn kept(view: &View<'_>) -> Result<String, Miss> {
    if view.cluster.os().hostname == Hostname::Set { not_here(GIVEN) } else { hostname(view) }
}

pub(super) const CHECKS: &[Check] = &[
    own("hostname-invalid", Refuse, |view| {
        let name = kept(view)?;
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        let bad = name.is_empty()
            || name.len() > 63
            || !name.chars().all(good)
            || name.starts_with(['-', '.'])
            || name.ends_with(['-', '.']);
        when(bad, || format!("its host name is {name:?}"))
    })
    .says("Kubernetes takes lower-case letters, digits and '-', at most 63 of them", NAME),
    own("hostname-localhost", Refuse, |view| {
        let name = kept(view)?;
        when(name.split('.').next() == Some("localhost"), || format!("its host name is {name:?}"))
    })
    .says("the server has no name of its own", NAME),
    own("hostname-differs", Warn, |view| {
        let (name, wanted) = (kept(view)?, view.node.name.as_str());
        let short = name.split('.').next().unwrap_or_default();
        when(short != wanted, || format!("its host name is {name:?}, the cluster file calls it {wanted:?}"))
    })
    .says(
        "one of both may be another server than you think; logs and alarms name the one, kubectl the other",
        NAME,
    ),
    own("hostname-unstable", Warn, |view| {
        let (now, kept) = (kept(view)?, view.words("/etc/hostname")?.trim().to_owned());
        let differ = !kept.is_empty() && kept.split('.').next() != now.split('.').next();
        when(differ, || format!("it is {now:?} now and {kept:?} after the next boot"))
    })
    .says("the name changes with the next boot", "hostnamectl set-hostname writes both"),
    Check::between("hostname-duplicate", Warn, |site| {
        if site.cluster.os().hostname == Hostname::Set {
            return not_here(GIVEN);
        }
        let (names, absent) = site.each(hostname);
        let mut found = vec![];
        for (at, (one, name)) in names.iter().enumerate() {
            for (other, same) in &names[at + 1..] {
                if name == same {
                    found.push(format!("{one} and {other} are both called {name:?}"));
                }
            }
        }
        Site::found(found, absent)
    })
    .says("two servers with one name cannot be told apart in logs", NAME),
    Check::node("hosts-localhost", Refuse, |view| {
        let text = view.words("/etc/hosts")?;
        let has =
            entries(&text).any(|(address, names)| address.is_loopback() && names.contains(&"localhost"));
        when(!has, || "/etc/hosts has no line for localhost".to_owned())
    })
    .says("health checks go to localhost", "add to /etc/hosts: 127.0.0.1 localhost"),
    Check::node("hosts-own-name", Warn, |view| {
        let (text, name) = (view.words("/etc/hosts")?, hostname(view)?);
        let short = name.split('.').next().unwrap_or_default();
        let has = entries(&text).any(|(_, names)| names.contains(&short) || names.contains(&name.as_str()));
        when(!has, || format!("/etc/hosts has no line for {name}"))
    })
    .says(
        "sudo and others ask a name server for the server's own name, and wait where there is none",
        "add to /etc/hosts: 127.0.1.1 NAME",
    ),
    Check::node("hosts-conflict", Refuse, conflict).says(
        "/etc/hosts leads nodes to another address than the cluster file has",
        "take that line out of /etc/hosts",
    ),
];

pub(super) fn hostname(view: &View<'_>) -> Result<String, Miss> {
    Ok(view.needed("/proc/sys/kernel/hostname")?.trim().to_owned())
}

/// Addresses and their names, as hosts(5) has them.
fn entries(text: &str) -> impl Iterator<Item = (IpAddr, Vec<&str>)> {
    lines(text).filter_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        Some((words.next()?.parse().ok()?, words.collect()))
    })
}

/// Without the lines that an earlier run wrote, which the next one writes anew. What is behind a mark without the other
/// one stays there, and counts.
fn of_others(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mark = |mark: &str| lines.iter().position(|line| line.starts_with(mark));
    let ours = mark("# BEGIN sealift").zip(mark("# END sealift")).filter(|(begin, end)| begin < end);
    let others = |at: &usize| ours.is_none_or(|(begin, end)| *at < begin || *at > end);
    let kept: Vec<&str> = (0..lines.len()).filter(others).map(|at| lines[at]).collect();
    kept.join("\n")
}

/// A node's own name may be at a loopback address, as Debian's installer writes it.
fn conflict(view: &View<'_>) -> Judged {
    let text = of_others(&view.words("/etc/hosts")?);
    let mut found = vec![];
    for (address, names) in entries(&text) {
        for node in view.cluster.nodes() {
            let own = node.name == view.node.name && address.is_loopback();
            // another family's address of the same server is nobody's business
            let other = address.is_ipv4() == node.ssh.address.is_ipv4() && address != node.ssh.address;
            if other && !own && names.contains(&node.name.as_str()) {
                found.push(format!(
                    "/etc/hosts: {} is {address}, in the cluster file {}",
                    node.name, node.ssh.address
                ));
            }
        }
        if names.contains(&view.cluster.endpoint_name()) && address != view.cluster.control_plane().address {
            found.push(format!("/etc/hosts: {} is {address}", view.cluster.endpoint_name()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::of_others;

    #[test]
    fn what_we_wrote_is_no_conflict() {
        let text = "1.1.1.1 a\n# BEGIN sealift: written by sealift\n2.2.2.2 b\n# END sealift\n3.3.3.3 c\n";
        assert_eq!(of_others(text), "1.1.1.1 a\n3.3.3.3 c");
        let torn = text.replace("# END sealift\n", "");
        assert!(of_others(&torn).contains("3.3.3.3"), "install keeps it, too");
    }
}
