//! Checks that compare values with each other, and the step from a draft to the finished parts.

mod addresses;
mod network;
mod nodes;

use crate::address;
use crate::cidr::Cidr;
use crate::cluster::Parts;
use crate::decode::Draft;
use crate::model::{ControlPlane, Dns, LoadBalancer, Network, Os, Pool};
use crate::name::DomainName;
use crate::sink::{Placed, Sink};
use crate::tree::At;
use crate::wrong::Wrong;

/// kubeadm's ports are not configurable here: 6443 is what every firewall list says.
const API_PORT: u16 = 6443;

/// Checks a draft; `None` when a part is missing, which the sink then says.
pub(crate) fn check(draft: Option<Draft>, sink: &mut Sink<'_>) -> Option<Parts> {
    let draft = draft?;
    let network = network(&draft, sink);
    nodes::unique(&draft, sink);
    nodes::local(&draft, sink);
    addresses::disjoint(&draft, network.as_ref(), sink);
    names_of_the_site(&draft, network.as_ref(), sink);
    let address = nodes::endpoint(&draft, sink);
    let mut not_yet = Vec::new();
    nodes::not_yet(&draft, sink, &mut not_yet);
    nodes::not_yet_ipv6(&draft, sink, &mut not_yet);
    let name = draft.name.clone()?.value;
    let (address, is_virtual) = address?;
    let endpoint_name = format!("api.{name}.sealift.internal");
    let pools = draft.pools.into_iter().filter_map(|pool| {
        let addresses = pool.addresses.into_iter().map(|range| range.value).collect();
        Some(Pool { name: pool.name?.value, addresses })
    });
    Some(Parts {
        name,
        control_plane: ControlPlane { address, is_virtual, endpoint_name, port: API_PORT },
        network: network?,
        dns: Dns {
            upstreams: draft.upstreams.into_iter().map(|address| address.value).collect(),
            hosts: draft.hosts.into_iter().map(|(name, address)| (name, address.value)).collect(),
        },
        load_balancer: LoadBalancer { pools: pools.collect() },
        nodes: draft.nodes.into_iter().filter_map(nodes::finished).collect(),
        os: Os {
            time_servers: draft.time_servers.into_iter().map(|address| address.value).collect(),
            ..draft.os
        },
        containerd: draft.containerd,
        kubernetes: draft.kubernetes,
        preflight: draft.preflight,
        not_yet,
    })
}

/// The value as typed, or a default that stands at the top of the file.
fn or_default<T: Clone + std::str::FromStr>(
    typed: Option<&Placed<T>>,
    default: &str,
    at: At,
) -> Option<Placed<T>> {
    let path = String::new();
    typed.cloned().or_else(|| Some(Placed { value: default.parse().ok()?, at, path }))
}

fn network(draft: &Draft, sink: &mut Sink<'_>) -> Option<Network> {
    let pods = or_default(draft.pod_subnet.as_ref(), "10.244.0.0/16", draft.at)?;
    let services = or_default(draft.service_subnet.as_ref(), "10.96.0.0/16", draft.at)?;
    let domain = or_default(draft.cluster_domain.as_ref(), "cluster.local", draft.at)?;
    if pods.value.base().is_ipv4() != services.value.base().is_ipv4() {
        // the one that somebody wrote is the one to mend
        let (here, other) =
            if services.path.is_empty() { (&pods, "serviceSubnet") } else { (&services, "podSubnet") };
        let wrong = Wrong::new(format!("is of another IP version than {other}"));
        sink.add(here.at, &here.path, wrong.hint("write an IPv4 network, like 10.96.0.0/16"));
    }
    fits(&pods, draft.nodes.len(), sink);
    nowhere(&pods, sink);
    nowhere(&services, sink);
    // kube-controller-manager keeps a bitmap of them (kubeadm's MaximumBitsForServiceSubnet)
    if services.value.host_bits() > 20 {
        let wrong = Wrong::new(format!(
            "{} is too large: Kubernetes takes 2^20 addresses of services",
            services.value
        ));
        sink.add(services.at, &services.path, wrong.hint("a /16 is usual"));
    }
    let (api_address, dns_address) = services.value.nth(1).zip(services.value.nth(10)).or_else(|| {
        let wrong =
            Wrong::new(format!("{} is too small: the DNS service is its tenth address", services.value));
        sink.add(services.at, &services.path, wrong.hint("a /16 is usual"));
        None
    })?;
    Some(Network {
        pod_subnet: pods.value,
        service_subnet: services.value,
        cluster_domain: domain.value,
        dns_address,
        api_address,
    })
}

/// Every node takes a share of the pod network (kube-controller-manager's `--node-cidr-mask-size`).
fn fits(pods: &Placed<Cidr>, nodes: usize, sink: &mut Sink<'_>) {
    let share: u8 = if pods.value.base().is_ipv4() { 24 } else { 64 };
    let network = pods.value;
    let Some(bits) = u32::from(share).checked_sub(u32::from(network.prefix())) else {
        let wrong = Wrong::new(format!("{network} is too small: every node takes a /{share} of it"));
        return sink.add(pods.at, &pods.path, wrong.hint("a /16 is enough for 256 nodes"));
    };
    if bits > 16 {
        let wrong = Wrong::new(format!("{network} is too large: Kubernetes takes 2^16 shares of /{share}"));
        sink.add(pods.at, &pods.path, wrong.hint("a /16 is enough for 256 nodes"));
    } else if nodes > 1 << bits {
        let wrong = Wrong::new(format!(
            "{network} has {} shares of /{share}, and there are {nodes} nodes",
            1 << bits
        ));
        sink.add(pods.at, &pods.path, wrong.hint("a /16 is enough for 256 nodes"));
    }
}

/// A network that no machine can have addresses of.
fn nowhere(network: &Placed<Cidr>, sink: &mut Sink<'_>) {
    let (first, last) = (network.value.base(), network.value.last());
    if let Some(why) = address::special(first).or(address::special(last)) {
        let at = if address::special(first).is_some() { first } else { last };
        let wrong = Wrong::new(format!("{} cannot be used: {at} {why}", network.value));
        sink.add(network.at, &network.path, wrong.hint("take a private network, like 10.244.0.0/16"));
    }
}

/// Zones that belong to the cluster and to sealift.
fn names_of_the_site(draft: &Draft, network: Option<&Network>, sink: &mut Sink<'_>) {
    let ours: DomainName = DomainName::sealift();
    if let Some(domain) = draft.cluster_domain.as_ref().filter(|domain| domain.value.is_in(&ours)) {
        let wrong = Wrong::new(format!("{} is in {ours}, which belongs to sealift", domain.value));
        sink.add(domain.at, &domain.path, wrong.hint("leave it out for cluster.local"));
    }
    let Some(network) = network else { return };
    for (name, address) in &draft.hosts {
        let whose = if name.is_in(&network.cluster_domain) {
            format!("{}, which belongs to the cluster", network.cluster_domain)
        } else if name.is_in(&ours) {
            format!("{ours}, which belongs to sealift")
        } else {
            continue;
        };
        let wrong = Wrong::new(format!("{name} is in {whose}"));
        sink.add(address.at, &address.path, wrong.hint("use a name of the site's own zone"));
    }
}
