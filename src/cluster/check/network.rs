//! A node's own network, within itself.

use std::collections::HashMap;

use super::nodes::address;
use crate::decode::{LinkDraft, NetworkDraft, NodeDraft};
use crate::model::{Bond, Interface, NodeLink, NodeNetwork, Route};
use crate::sink::{Placed, Sink};
use crate::wrong::Wrong;

/// The kernel's limit for the name of a device.
const LONGEST: usize = 15;

/// A gateway must be another machine's, reachable from one of the node's addresses; the address that sealift
/// reaches the node at must still be there when the others are.
pub(super) fn check(node: &NodeDraft, sink: &mut Sink<'_>) {
    let Some(network) = &node.network else { return };
    network.links().for_each(|link| shape(link, sink));
    once(network, sink);
    if network.link.addresses.is_empty() {
        return;
    }
    if let Some(gateway) = &network.gateway {
        router(gateway, &network.link, sink);
    }
    for link in network.links() {
        for route in &link.routes {
            let Some(via) = &route.via else { continue };
            match &route.to {
                Some(to) if to.value.base().is_ipv4() != via.value.is_ipv4() => {
                    let wrong =
                        Wrong::new(format!("{} is of another IP version than {}", via.value, to.value));
                    sink.clash(via.spot(), to.spot(), wrong.hint("a router is of its network's version"));
                }
                _ => router(via, link, sink),
            }
        }
    }
    reached(node, network, sink);
}

/// Whether a router is another machine that this link sees.
fn router(router: &Placed<std::net::IpAddr>, link: &LinkDraft, sink: &mut Sink<'_>) {
    let Some(first) = link.addresses.first() else { return };
    if let Some(own) = link.addresses.iter().find(|own| own.value.address() == router.value) {
        let wrong = Wrong::new(format!("{} is the node's own address", router.value));
        sink.clash(router.spot(), own.spot(), wrong.hint("write the router's address"));
    } else if !link.addresses.iter().any(|own| own.value.network().contains(router.value)) {
        let wrong = Wrong::new(format!("{} is in none of the node's networks", router.value));
        sink.clash(router.spot(), first.spot(), wrong.hint("check the prefix length of its addresses"));
    }
}

/// That the node can be reached before and afterwards.
fn reached(node: &NodeDraft, network: &NetworkDraft, sink: &mut Sink<'_>) {
    let Some(ssh) = address(node) else { return };
    if let Some(current) = network.current.as_ref().filter(|current| current.value == ssh.value) {
        let wrong = Wrong::new(format!("{} is its address already", current.value));
        sink.clash(current.spot(), ssh.spot(), wrong.hint("leave `current` out"));
    }
    let own = network.addresses().any(|own| own.value.address() == ssh.value);
    let by_address = network.link.interface.is_none() && network.link.bond.is_none();
    if own || !(by_address || network.current.is_some()) {
        return;
    }
    let (what, hint) = if by_address {
        ("of the interface that has it", "add it to `addresses`, or name the interface they are for")
    } else {
        ("that the node will have", "add it to `addresses`: it is where sealift goes on")
    };
    let wrong = Wrong::new(format!("{} is not among the addresses {what}", ssh.value));
    sink.clash(ssh.spot(), network.link.addresses[0].spot(), wrong.hint(hint));
}

/// One thing carries the addresses, and its name fits.
fn shape(link: &LinkDraft, sink: &mut Sink<'_>) {
    if let (Some(interface), Some(bond)) = (&link.interface, &link.bond) {
        let wrong = Wrong::new("has both interface and bond").hint("keep one; the bond names its interfaces");
        sink.clash((bond.at, &bond.path), interface.spot(), wrong);
    }
    let parent = match (&link.interface, &link.bond) {
        (Some(Placed { value: Interface::Name(name), .. }), None) => Some(name),
        (None, Some(bond)) => bond.name.as_ref().map(|name| &name.value),
        _ => None,
    };
    if let (Some(vlan), Some(parent)) = (&link.vlan, parent) {
        let name = format!("{parent}.{}", vlan.value);
        if name.len() > LONGEST {
            let wrong = Wrong::new(format!("the VLAN's name {name} is longer than {LONGEST} characters"));
            sink.add(vlan.at, &vlan.path, wrong.hint("name the interface below it shorter"));
        }
    }
}

/// Nothing carries addresses twice.
fn once(network: &NetworkDraft, sink: &mut Sink<'_>) {
    let mut seen: HashMap<(String, Option<u16>), &LinkDraft> = HashMap::new();
    for link in network.links() {
        let Some(carrier) = carrier(link) else { continue };
        let key = (carrier, link.vlan.as_ref().map(|vlan| vlan.value));
        if let Some(first) = seen.insert(key, link) {
            let wrong = Wrong::new("is the same interface as another entry");
            let wrong = wrong.hint("write all its addresses in one");
            sink.clash((link.at, &link.path), (first.at, &first.path), wrong);
        }
    }
}

fn carrier(link: &LinkDraft) -> Option<String> {
    match (&link.interface, &link.bond) {
        (Some(Placed { value: Interface::Name(name) | Interface::Mac(name), .. }), _) => Some(name.clone()),
        (None, Some(bond)) => bond.name.as_ref().map(|name| name.value.clone()),
        (None, None) => None,
    }
}

/// A node's network with nothing missing: what is missing was told.
pub(super) fn finished(network: NetworkDraft) -> NodeNetwork {
    NodeNetwork {
        current: network.current.map(|address| address.value),
        link: link(network.link),
        gateway: network.gateway.map(|gateway| gateway.value),
        nameservers: network.nameservers.into_iter().map(|address| address.value).collect(),
        more: network.more.into_iter().map(link).collect(),
    }
}

fn link(link: LinkDraft) -> NodeLink {
    let bond = link.bond.and_then(|bond| {
        let interfaces = bond.interfaces.into_iter().map(|interface| interface.value).collect();
        Some(Bond { name: bond.name?.value, mode: bond.mode, interfaces })
    });
    let routes = link.routes.into_iter();
    NodeLink {
        interface: link.interface.map(|interface| interface.value),
        bond,
        vlan: link.vlan.map(|vlan| vlan.value),
        mtu: link.mtu.map(|mtu| mtu.value),
        addresses: link.addresses.into_iter().map(|address| address.value).collect(),
        routes: routes
            .filter_map(|route| Some(Route { to: route.to?.value, via: route.via?.value }))
            .collect(),
    }
}
