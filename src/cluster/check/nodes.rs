//! Nodes among each other, and the API's address.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::net::IpAddr;

use crate::decode::{Draft, NetworkDraft, NodeDraft, SshDraft};
use crate::host_key::HostKey;
use crate::model::{Access, Interface, Node, Role, Ssh};
use crate::name::Label;
use crate::problem::Problem;
use crate::sink::{Placed, Sink};
use crate::wrong::Wrong;

/// Names, keys and interfaces that may be there only once, and at least one control plane.
pub(super) fn unique(draft: &Draft, sink: &mut Sink<'_>) {
    let nodes = &draft.nodes;
    let named =
        |what: &Label| Wrong::new(format!("{what} is there twice")).hint("each needs a name of its own");
    once(nodes.iter().filter_map(|node| node.name.as_ref()), sink, named);
    once(draft.pools.iter().filter_map(|pool| pool.name.as_ref()), sink, named);
    once(nodes.iter().filter_map(|node| node.ssh.as_ref()?.host_key.as_ref()), sink, |key: &HostKey| {
        let wrong = Wrong::new(format!("the key {} is that of two nodes", key.fingerprint()));
        wrong
            .hint("machines copied from one image share it: make new keys there (ssh-keygen -A), then enroll")
    });
    let macs = nodes.iter().filter_map(|node| node.network.as_ref()).flat_map(macs);
    once(macs, sink, |_| {
        Wrong::new("the same MAC address on two nodes").hint("each interface has one of its own")
    });
    let control = |node: &NodeDraft| node.role.as_ref().is_none_or(|role| role.value == Role::ControlPlane);
    if let Some(first) = nodes.first()
        && !nodes.iter().any(control)
    {
        let at = first.role.as_ref().map_or(first.at, |role| role.at);
        let wrong = Wrong::new("no node is a control plane");
        sink.add(at, "spec.nodes", wrong.hint("give one node `role: control-plane`"));
    }
}

/// The MAC addresses that a node's network names, each once: two VLANs may be on one interface.
fn macs(network: &NetworkDraft) -> Vec<&Placed<Interface>> {
    let mut macs: Vec<&Placed<Interface>> = vec![];
    for interface in network.interfaces().filter(|one| matches!(one.value, Interface::Mac(_))) {
        if !macs.iter().any(|known| known.value == interface.value) {
            macs.push(interface);
        }
    }
    macs
}

fn once<'a, T: Hash + Eq + 'a>(
    values: impl Iterator<Item = &'a Placed<T>>,
    sink: &mut Sink<'_>,
    wrong: impl Fn(&T) -> Wrong,
) {
    let mut seen: HashMap<&T, &Placed<T>> = HashMap::new();
    for placed in values {
        match seen.entry(&placed.value) {
            Entry::Occupied(first) => sink.clash(placed.spot(), first.get().spot(), wrong(&placed.value)),
            Entry::Vacant(free) => drop(free.insert(placed)),
        }
    }
}

/// sealift runs on one machine; that is where the login keys of all others lie.
pub(super) fn local(draft: &Draft, sink: &mut Sink<'_>) {
    let mut first: Option<&SshDraft> = None;
    for node in &draft.nodes {
        let Some(ssh) = node.ssh.as_ref().filter(|ssh| matches!(ssh.access, Access::Local)) else { continue };
        if let Some(first) = first {
            let wrong = Wrong::new("`local` is there twice");
            let wrong = wrong.hint("only one server can be the one that sealift runs on");
            sink.clash((ssh.at, &ssh.path), (first.at, &first.path), wrong);
        }
        first = first.or(Some(ssh));
        if node.role.as_ref().is_some_and(|role| role.value == Role::Worker) {
            let wrong = Wrong::new("`local` is for a control plane, and this is a worker");
            let hint =
                "run sealift on a control plane: the keys to all servers must not lie where workloads run";
            sink.add(ssh.at, &ssh.path, wrong.hint(hint));
        }
    }
}

/// A node's address.
pub(super) fn address(node: &NodeDraft) -> Option<&Placed<IpAddr>> {
    node.ssh.as_ref()?.address.as_ref()
}

fn of_role(draft: &Draft, role: Role) -> impl Iterator<Item = &NodeDraft> {
    draft.nodes.iter().filter(move |node| node.role.as_ref().is_some_and(|r| r.value == role))
}

/// The API's address and whether it belongs to no node.
pub(super) fn endpoint(draft: &Draft, sink: &mut Sink<'_>) -> Option<(IpAddr, bool)> {
    let planes: Vec<IpAddr> =
        of_role(draft, Role::ControlPlane).filter_map(address).map(|placed| placed.value).collect();
    let Some(typed) = &draft.control_plane else {
        if planes.len() > 1 {
            let wrong =
                Wrong::new(format!("is missing: {} control planes need one address for all", planes.len()));
            let wrong = wrong.hint("a free address of the nodes' network");
            sink.add(draft.at, "spec.controlPlane.address", wrong);
            return None;
        }
        return planes.first().map(|address| (*address, false));
    };
    let mut workers = of_role(draft, Role::Worker).filter_map(address);
    let known = planes.is_empty() || planes.contains(&typed.value);
    if let Some(worker) = workers.find(|worker| worker.value == typed.value && !known) {
        let wrong = Wrong::new(format!("{} is the address of a worker", typed.value));
        sink.clash(typed.spot(), worker.spot(), wrong.hint("the API runs on control planes"));
        return None;
    }
    Some((typed.value, !planes.contains(&typed.value)))
}

/// What is right but cannot be done yet.
pub(super) fn not_yet(draft: &Draft, sink: &Sink<'_>, found: &mut Vec<Problem>) {
    let planes: Vec<&NodeDraft> = of_role(draft, Role::ControlPlane).collect();
    if let Some(second) = planes.get(1) {
        let even = if planes.len().is_multiple_of(2) {
            "; an even number survives no more than one less"
        } else {
            ""
        };
        let message = format!("{} control planes: this version installs one{even}", planes.len());
        found.push(sink.problem(
            second.at,
            &second.path,
            Wrong::new(message).hint("make the others workers"),
        ));
    }
    let is_node =
        |typed: IpAddr| planes.iter().filter_map(|node| address(node)).any(|plane| plane.value == typed);
    if let Some(typed) = draft.control_plane.as_ref().filter(|typed| !is_node(typed.value)) {
        let wrong = Wrong::new("a virtual address: this version knows the control plane's own only");
        found.push(sink.problem(
            typed.at,
            &typed.path,
            wrong.hint("leave it out, or write the node's address"),
        ));
    }
}

/// IPv6 where the cluster itself would have to speak it. Names of the site may have such addresses.
pub(super) fn not_yet_ipv6(draft: &Draft, sink: &Sink<'_>, found: &mut Vec<Problem>) {
    let wrong = || {
        Wrong::new("IPv6: this version makes clusters of IPv4 addresses only")
            .hint("write an IPv4 one; `dns.hosts` and `dns.upstreams` may be IPv6")
    };
    let addresses = draft.nodes.iter().filter_map(address).chain(&draft.control_plane);
    let addresses = addresses.filter(|placed| placed.value.is_ipv6()).map(Placed::spot);
    let networks = draft.pod_subnet.iter().chain(&draft.service_subnet);
    let networks = networks.filter(|placed| placed.value.base().is_ipv6()).map(Placed::spot);
    let ranges = draft.pools.iter().flat_map(|pool| &pool.addresses);
    let ranges = ranges.filter(|placed| placed.value.first().is_ipv6()).map(Placed::spot);
    found.extend(addresses.chain(networks).chain(ranges).map(|(at, path)| sink.problem(at, path, wrong())));
}

/// A node with nothing missing.
pub(super) fn finished(node: NodeDraft) -> Option<Node> {
    let ssh = node.ssh?;
    Some(Node {
        name: node.name?.value,
        role: node.role?.value,
        gpu: node.gpu,
        ssh: Ssh { address: ssh.address?.value, access: ssh.access },
        network: node.network.map(super::network::finished),
    })
}
