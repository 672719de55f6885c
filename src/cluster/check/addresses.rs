//! No address may mean two things.

use std::net::IpAddr;

use super::nodes::address;
use crate::decode::Draft;
use crate::fields::{Placed, Sink};
use crate::model::Network;
use crate::range::AddressRange;
use crate::wrong::Wrong;

/// Pod network, service network, pools, nodes and the API's address lie apart.
pub(super) fn disjoint(draft: &Draft, network: Option<&Network>, sink: &mut Sink) {
    let ranges: Vec<&Placed<AddressRange>> = draft.pools.iter().flat_map(|pool| &pool.addresses).collect();
    for (i, range) in ranges.iter().enumerate() {
        if let Some(other) = ranges[..i].iter().find(|other| other.value.overlaps(&range.value)) {
            let place = format!("{}:{}", other.at.line, other.at.column);
            sink.add(range.at, &range.path, Wrong::new(format!("overlaps {} at {place}", other.value)));
        }
    }
    if let Some(network) = network {
        networks(draft, network, &ranges, sink);
    }
    for used in used(draft) {
        if let Some(range) = ranges.iter().find(|range| range.value.contains(used.value)) {
            let wrong =
                Wrong::new(format!("{} contains {}, which is {}", range.value, used.value, used.path));
            sink.add(range.at, &range.path, wrong.hint("MetalLB must own every address of a pool"));
        }
    }
    in_own_network(draft, sink);
}

/// Addresses that stand on some interface, the API's included.
fn used(draft: &Draft) -> Vec<&Placed<IpAddr>> {
    let mut used: Vec<&Placed<IpAddr>> = draft.nodes.iter().filter_map(address).collect();
    let known = |typed: &&Placed<IpAddr>| !used.iter().any(|node| node.value == typed.value);
    let typed = draft.control_plane.iter().find(known);
    used.extend(typed);
    used
}

fn networks(draft: &Draft, network: &Network, ranges: &[&Placed<AddressRange>], sink: &mut Sink) {
    let named = [("the pod network", network.pod_subnet), ("the service network", network.service_subnet)];
    let typed = draft.service_subnet.as_ref().or(draft.pod_subnet.as_ref());
    if network.pod_subnet.overlaps(&network.service_subnet) {
        let (at, path) = typed.map_or((draft.at, "spec.network"), |typed| (typed.at, typed.path.as_str()));
        let (pods, services) = (network.pod_subnet, network.service_subnet);
        sink.add(at, path, Wrong::new(format!("pod network {pods} and service network {services} overlap")));
    }
    for (what, cidr) in named {
        for used in used(draft).into_iter().filter(|used| cidr.contains(used.value)) {
            let wrong = Wrong::new(format!("{} is inside {what} {cidr}", used.value));
            sink.add(used.at, &used.path, wrong.hint("choose a network for it that the site does not use"));
        }
        for range in ranges.iter().filter(|range| range.value.overlaps_network(&cidr)) {
            let wrong = Wrong::new(format!("{} overlaps {what} {cidr}", range.value));
            sink.add(range.at, &range.path, wrong.hint("a pool is addresses of the nodes' own network"));
        }
        for upstream in draft.upstreams.iter().filter(|upstream| cidr.contains(upstream.value)) {
            let wrong = Wrong::new(format!("{} is inside {what} {cidr}", upstream.value));
            sink.add(upstream.at, &upstream.path, wrong.hint("an upstream is a resolver of the site"));
        }
    }
}

/// A gateway must be reachable from one of its node's addresses.
fn in_own_network(draft: &Draft, sink: &mut Sink) {
    for network in draft.nodes.iter().filter_map(|node| node.network.as_ref()) {
        let Some(gateway) = &network.gateway else { continue };
        let reachable =
            network.addresses.iter().any(|address| address.value.network().contains(gateway.value));
        if !network.addresses.is_empty() && !reachable {
            let wrong = Wrong::new(format!("{} is in none of the node's networks", gateway.value));
            sink.add(gateway.at, &gateway.path, wrong.hint("check the prefix length of its addresses"));
        }
    }
}
