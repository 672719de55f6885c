//! No address may mean two things.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use super::nodes::address;
use crate::cidr::{Cidr, bits};
use crate::decode::{Draft, NetworkDraft};
use crate::model::Network;
use crate::range::AddressRange;
use crate::sink::{Placed, Sink};
use crate::tree::At;
use crate::wrong::Wrong;

/// Addresses in order, IPv4 first: a file may hold thousands, and comparing each with each takes too long.
type Ordered<T> = BTreeMap<(bool, u128), T>;

fn key(address: IpAddr) -> (bool, u128) {
    (address.is_ipv6(), bits(address))
}

/// Pod network, service network, pools, nodes and the API's address lie apart.
pub(super) fn disjoint(draft: &Draft, network: Option<&Network>, sink: &mut Sink<'_>) {
    let ranges: Vec<&Placed<AddressRange>> = draft.pools.iter().flat_map(|pool| &pool.addresses).collect();
    let used = used(draft);
    if let Some(network) = network {
        networks(draft, network, &ranges, &used, sink);
    }
    pools(draft, ranges, &used, sink);
    owners(draft, sink);
    time_servers(draft, sink);
    draft.nodes.iter().for_each(|node| super::network::check(node, sink));
}

/// Addresses that stand on some interface, the API's and the gateways' included, the first place of each.
fn used(draft: &Draft) -> Ordered<Placed<IpAddr>> {
    let mut used = Ordered::new();
    let mut add = |placed: Placed<IpAddr>| {
        used.entry(key(placed.value)).or_insert(placed);
    };
    draft.nodes.iter().filter_map(address).cloned().for_each(&mut add);
    draft.control_plane.iter().cloned().for_each(&mut add);
    for network in draft.nodes.iter().filter_map(|node| node.network.as_ref()) {
        network.addresses().for_each(|typed| add(typed.clone().map(|typed| typed.address())));
        network.gateway.iter().chain(&network.current).cloned().for_each(&mut add);
    }
    used
}

/// The networks that exist inside the cluster only, against each other and everything that exists outside.
fn networks(
    draft: &Draft,
    network: &Network,
    ranges: &[&Placed<AddressRange>],
    used: &Ordered<Placed<IpAddr>>,
    sink: &mut Sink<'_>,
) {
    let (pods, services) = (draft.pod_subnet.as_ref(), draft.service_subnet.as_ref());
    if network.pod_subnet.overlaps(&network.service_subnet) {
        let message = format!(
            "the pod network {} and the service network {} overlap",
            network.pod_subnet, network.service_subnet
        );
        let wrong =
            Wrong::new(message).hint("give each a network of its own, like 10.244.0.0/16 and 10.96.0.0/16");
        match (services.or(pods), pods) {
            (Some(here), Some(there)) if here.at != there.at => sink.clash(here.spot(), there.spot(), wrong),
            (here, _) => sink.add(
                here.map_or(draft.at, |typed| typed.at),
                here.map_or("spec.network", |typed| &typed.path),
                wrong,
            ),
        }
    }
    for (what, field, typed, cidr) in [
        ("the pod network", "podSubnet", pods, network.pod_subnet),
        ("the service network", "serviceSubnet", services, network.service_subnet),
    ] {
        let inside = used.range(key(cidr.base())..=key(cidr.last())).map(|(_, placed)| placed);
        let inside = inside.map(|placed| (placed.spot(), placed.value.to_string()));
        let pools = ranges.iter().filter(|range| range.value.overlaps_network(&cidr));
        let pools = pools.map(|range| (range.spot(), range.value.to_string()));
        let upstreams = draft.upstreams.iter().filter(|upstream| cidr.contains(upstream.value));
        let upstreams = upstreams.map(|upstream| (upstream.spot(), upstream.value.to_string()));
        let all: Vec<((At, &str), String)> = inside.chain(pools).chain(upstreams).collect();
        let Some((first, value)) = all.iter().min_by_key(|((at, _), _)| (at.file, at.line, at.column)) else {
            continue;
        };
        let more = if all.len() > 1 { format!(" and {} more in use", all.len() - 1) } else { String::new() };
        // one mistake, one problem: at the network when somebody wrote it, else at what lies in the default
        if let Some(typed) = typed {
            let wrong = Wrong::new(format!("{what} {cidr} contains {value}{more}"));
            sink.clash(typed.spot(), *first, wrong.hint("choose a network that the site does not use"));
        } else {
            let message = format!("{value}{more} is inside {what}, {cidr} unless the file says otherwise");
            let wrong = Wrong::new(message).hint(format!("write another `spec.network.{field}`"));
            sink.add(first.0, first.1, wrong);
        }
    }
}

/// Pools against each other, against addresses in use, and against what no host may have.
fn pools(
    draft: &Draft,
    mut ranges: Vec<&Placed<AddressRange>>,
    used: &Ordered<Placed<IpAddr>>,
    sink: &mut Sink<'_>,
) {
    let edges = edges(draft);
    for range in &ranges {
        let within = key(range.value.first())..=key(range.value.last());
        if let Some((_, placed)) = used.range(within.clone()).next() {
            let wrong =
                Wrong::new(format!("{} contains {}, which is {}", range.value, placed.value, placed.path));
            sink.clash(range.spot(), placed.spot(), wrong.hint("MetalLB must own every address of a pool"));
        } else if let Some((_, (address, network))) = edges.range(within).next() {
            let wrong = Wrong::new(format!(
                "{} contains {address}, which no host of {network} can have",
                range.value
            ));
            sink.add(range.at, &range.path, wrong.hint("leave the network's first and its last address out"));
        }
    }
    ranges.sort_by_key(|range| key(range.value.first()));
    let mut farthest: Option<&Placed<AddressRange>> = None;
    for range in ranges {
        match farthest {
            Some(other) if other.value.overlaps(&range.value) => {
                let (here, there) = if at(other) < at(range) { (range, other) } else { (other, range) };
                let wrong = Wrong::new(format!("{} overlaps {}", here.value, there.value));
                sink.clash(here.spot(), there.spot(), wrong.hint("an address belongs to one pool, once"));
            }
            _ => {}
        }
        if farthest.is_none_or(|other| key(other.value.last()) < key(range.value.last())) {
            farthest = Some(range);
        }
    }
}

fn at<T>(placed: &Placed<T>) -> (usize, u64, u64) {
    (placed.at.file, placed.at.line, placed.at.column)
}

/// First and last addresses of the networks that nodes are known to be in.
fn edges(draft: &Draft) -> Ordered<(IpAddr, Cidr)> {
    let typed = draft.nodes.iter().filter_map(|node| node.network.as_ref()).flat_map(NetworkDraft::addresses);
    let networks = typed.map(|address| address.value.network());
    let wide = networks.filter(|network| network.base().is_ipv4() && network.prefix() < 31);
    wide.flat_map(|network| [(network.base(), network), (network.last(), network)])
        .map(|(address, network)| (key(address), (address, network)))
        .collect()
}

/// An address belongs to one node, whether it is written as the SSH server's or as a static one.
fn owners(draft: &Draft, sink: &mut Sink<'_>) {
    let mut owners: HashMap<IpAddr, (usize, Placed<IpAddr>)> = HashMap::new();
    for (index, node) in draft.nodes.iter().enumerate() {
        let fixed = node.network.iter().flat_map(NetworkDraft::addresses);
        let fixed = fixed.map(|typed| typed.clone().map(|typed| typed.address()));
        let fixed = fixed.chain(node.network.iter().filter_map(|network| network.current.clone()));
        for placed in address(node).cloned().into_iter().chain(fixed) {
            match owners.get(&placed.value) {
                Some((owner, first)) if *owner != index => {
                    let wrong = Wrong::new(format!("{} is there twice", placed.value));
                    sink.clash(
                        placed.spot(),
                        first.spot(),
                        wrong.hint("each node has an address of its own"),
                    );
                }
                Some(_) => {}
                None => drop(owners.insert(placed.value, (index, placed))),
            }
        }
    }
}

/// Nodes know each other's time already; one that asked itself would believe itself.
fn time_servers(draft: &Draft, sink: &mut Sink<'_>) {
    for server in &draft.time_servers {
        let own = draft.nodes.iter().filter_map(address).chain(&draft.control_plane);
        if let Some(own) = own.into_iter().find(|own| own.value == server.value) {
            let wrong = Wrong::new(format!("{} belongs to the cluster", server.value));
            let hint = "leave it out: control planes give the others their time";
            sink.clash(server.spot(), own.spot(), wrong.hint(hint));
        }
    }
}
