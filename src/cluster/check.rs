//! Checks that compare values with each other, and the step from a draft to the finished parts.

mod addresses;
mod nodes;

use crate::cluster::Parts;
use crate::decode::Draft;
use crate::fields::{Placed, Sink};
use crate::model::{ControlPlane, Dns, LoadBalancer, Network, Pool};
use crate::tree::At;
use crate::wrong::Wrong;

/// kubeadm's ports are not configurable here: 6443 is what every firewall list says.
const API_PORT: u16 = 6443;

/// Checks a draft; `None` when a part is missing, which the sink then says.
pub(crate) fn check(draft: Option<Draft>, sink: &mut Sink) -> Option<Parts> {
    let draft = draft?;
    let network = network(&draft, sink);
    nodes::unique(&draft, sink);
    nodes::local(&draft, sink);
    addresses::disjoint(&draft, network.as_ref(), sink);
    names_of_the_site(&draft, network.as_ref(), sink);
    let address = nodes::endpoint(&draft, sink);
    let mut not_yet = Vec::new();
    nodes::not_yet(&draft, sink, &mut not_yet);
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
        os: draft.os,
        containerd: draft.containerd,
        kubernetes: draft.kubernetes,
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

fn network(draft: &Draft, sink: &mut Sink) -> Option<Network> {
    let pods = or_default(draft.pod_subnet.as_ref(), "10.244.0.0/16", draft.at)?;
    let services = or_default(draft.service_subnet.as_ref(), "10.96.0.0/16", draft.at)?;
    let domain = or_default(draft.cluster_domain.as_ref(), "cluster.local", draft.at)?;
    if pods.value.base().is_ipv4() != services.value.base().is_ipv4() {
        sink.add(services.at, &services.path, Wrong::new("is of another IP version than podSubnet"));
    }
    // kube-controller-manager gives every node a /24 (IPv4) or /64 (IPv6) of the pod network
    let per_node = if pods.value.base().is_ipv4() { 24 } else { 64 };
    if pods.value.prefix() > per_node {
        let wrong = Wrong::new(format!("{} is too small: every node takes a /{per_node} of it", pods.value));
        sink.add(pods.at, &pods.path, wrong.hint("a /16 is enough for 256 nodes"));
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

fn names_of_the_site(draft: &Draft, network: Option<&Network>, sink: &mut Sink) {
    let Some(network) = network else { return };
    for (name, address) in draft.hosts.iter().filter(|(name, _)| name.is_in(&network.cluster_domain)) {
        let wrong =
            Wrong::new(format!("{name} is in {}, which belongs to the cluster", network.cluster_domain));
        sink.add(address.at, &address.path, wrong.hint("use a name of the site's own zone"));
    }
}
