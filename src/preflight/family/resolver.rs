//! The node's own name resolution. Pods have a file of their own, so most of this is worth knowing and no more.

use crate::check::{
    Check,
    Severity::{Info, Warn},
};
use crate::parse::system::lines;
use crate::site::Site;
use crate::view::{View, not_here, when};

const OWN: &str =
    "pods are not affected: kubelet gives them /etc/sealift/resolv.conf, and CoreDNS asks spec.dns.upstreams";

pub(super) const CHECKS: &[Check] = &[
    Check::node("resolv-empty", Info, |view| {
        let servers = servers(view)?;
        when(servers.is_empty(), || "/etc/resolv.conf names no server".to_owned())
    })
    .says("programs on the node resolve no names; a CoreDNS that used this file would not start", OWN),
    Check::node("resolv-loop", Info, |view| {
        let own = servers(view)?.into_iter().filter(|server| server.starts_with("127.") || server == "::1");
        Ok(own.map(|server| format!("/etc/resolv.conf asks {server}, the node itself")).collect())
    })
    .says("a CoreDNS that used this file would ask itself and end", OWN),
    Check::node("resolv-many", Warn, |view| {
        let servers = servers(view)?;
        when(servers.len() > 3, || format!("/etc/resolv.conf names {}; three are asked", servers.len()))
    })
    .says("the C library asks the first three only", "take the others out"),
    Check::node("resolv-search", Warn, |view| {
        let text = view.words("/etc/resolv.conf")?;
        let zone = view.cluster.network().cluster_domain.to_string();
        let words = lines(&text).filter(|line| line.starts_with("search") || line.starts_with("domain"));
        let trap = words.flat_map(|line| line.split_whitespace().skip(1));
        let trap = trap.filter(|domain| *domain == zone || domain.ends_with(&format!(".{zone}")));
        Ok(trap.map(|domain| format!("/etc/resolv.conf searches {domain}")).collect())
    })
    .says(
        "names of the cluster are looked for in a zone of the site that has the same name",
        "choose another spec.network.clusterDomain",
    )
    .by("spec.network.clusterDomain"),
    Check::node("nsswitch-files", Warn, |view| {
        let text = view.words("/etc/nsswitch.conf")?;
        let hosts = lines(&text).find_map(|line| line.strip_prefix("hosts:"));
        let Some(hosts) = hosts else { return not_here("/etc/nsswitch.conf says nothing about hosts") };
        let at = |word: &str| hosts.split_whitespace().position(|one| one == word);
        let late = match (at("files"), at("dns")) {
            (None, _) => true,
            (Some(files), Some(dns)) => files > dns,
            (Some(_), None) => false,
        };
        when(late, || format!("/etc/nsswitch.conf: hosts:{hosts}"))
    })
    .says(
        "/etc/hosts, by which nodes know the API, is asked after name servers or never",
        "hosts: files dns",
    ),
    Check::site("dns-upstream", Warn, |site| {
        if site.cluster.dns().upstreams.is_empty() {
            return not_here("the cluster file names no upstreams");
        }
        let answers = site.measured(|facts| &facts.resolvers)?;
        let silent = answers.iter().filter(|(_, answers)| !answers);
        Ok(silent.map(|(server, _)| format!("{server} does not answer on port 53/tcp")).collect())
    })
    .says("names of the site cannot be resolved by pods", "mend spec.dns.upstreams, or the server")
    .by("spec.dns.upstreams")
    .measured(),
    Check::site("dns-upstream-node", Warn, |site: &Site<'_>| {
        let nodes = site.cluster.nodes();
        let own = site
            .cluster
            .dns()
            .upstreams
            .iter()
            .filter(|up| nodes.iter().any(|node| node.ssh.address == **up));
        Ok(own.map(|up| format!("upstream {up} is a node of the cluster")).collect())
    })
    .says(
        "the cluster's DNS depends on a server that is rebooted with it",
        "name a server outside the cluster",
    )
    .by("spec.dns.upstreams"),
];

fn servers(view: &View<'_>) -> Result<Vec<String>, crate::view::Miss> {
    let text = view.words("/etc/resolv.conf")?;
    let servers = lines(&text).filter_map(|line| line.strip_prefix("nameserver"));
    Ok(servers.map(|server| server.trim().to_owned()).collect())
}
