//! Nodes among each other, and the API's address.

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;
use std::net::IpAddr;

use crate::decode::{Draft, NodeDraft, SshDraft};
use crate::fields::{Placed, Sink};
use crate::model::{Access, Node, NodeNetwork, Role, Ssh};
use crate::problem::Problem;
use crate::wrong::Wrong;

/// Names and addresses that may be there only once, and at least one control plane.
pub(super) fn unique(draft: &Draft, sink: &mut Sink) {
    once(draft.nodes.iter().filter_map(|node| node.name.as_ref()), sink);
    once(draft.nodes.iter().filter_map(address), sink);
    once(draft.pools.iter().filter_map(|pool| pool.name.as_ref()), sink);
    let control = |node: &NodeDraft| node.role.as_ref().is_none_or(|role| role.value == Role::ControlPlane);
    if !draft.nodes.is_empty() && !draft.nodes.iter().any(control) {
        let at = draft.nodes.first().map_or(draft.at, |node| node.at);
        let wrong = Wrong::new("no node is a control plane");
        sink.add(at, "spec.nodes", wrong.hint("give at least one node `role: control-plane`"));
    }
    // a missing or misspelt list has been told already; an empty one has not
    if draft.nodes.is_empty() && sink.found.is_empty() {
        sink.add(
            draft.at,
            "spec.nodes",
            Wrong::new("the list is empty").hint("a cluster is at least one server"),
        );
    }
}

fn once<'a, T: Display + Hash + Eq + 'a>(values: impl Iterator<Item = &'a Placed<T>>, sink: &mut Sink) {
    let mut seen: HashMap<&T, &Placed<T>> = HashMap::new();
    for placed in values {
        match seen.get(&placed.value) {
            Some(first) => {
                let place = format!("{}:{}", first.at.line, first.at.column);
                let wrong =
                    Wrong::new(format!("{} is there twice: also {} at {place}", placed.value, first.path));
                sink.add(placed.at, &placed.path, wrong);
            }
            None => {
                seen.insert(&placed.value, placed);
            }
        }
    }
}

/// sealift runs on one machine; that is where the login keys of all others lie.
pub(super) fn local(draft: &Draft, sink: &mut Sink) {
    let is_local = |ssh: &&SshDraft| matches!(ssh.access, Access::Local);
    let mut first: Option<&SshDraft> = None;
    for node in &draft.nodes {
        let Some(ssh) = node.ssh.as_ref().filter(is_local) else { continue };
        if let Some(first) = first {
            let place = format!("{}:{}", first.at.line, first.at.column);
            let wrong = Wrong::new(format!("`local` is there twice: also {} at {place}", first.path));
            sink.add(ssh.at, &ssh.path, wrong.hint("only one server can be the one that sealift runs on"));
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
pub(super) fn endpoint(draft: &Draft, sink: &mut Sink) -> Option<(IpAddr, bool)> {
    let planes: Vec<IpAddr> =
        of_role(draft, Role::ControlPlane).filter_map(address).map(|placed| placed.value).collect();
    let Some(typed) = &draft.control_plane else {
        if planes.len() > 1 {
            let wrong =
                Wrong::new(format!("is missing: {} control planes need one address for all", planes.len()));
            sink.add(
                draft.at,
                "spec.controlPlane.address",
                wrong.hint("a free address of the nodes' network"),
            );
            return None;
        }
        return planes.first().map(|address| (*address, false));
    };
    if of_role(draft, Role::Worker).filter_map(address).any(|worker| worker.value == typed.value) {
        let wrong = Wrong::new(format!("{} is the address of a worker", typed.value));
        sink.add(typed.at, &typed.path, wrong.hint("the API runs on control planes"));
        return None;
    }
    Some((typed.value, !planes.contains(&typed.value)))
}

/// What is right but cannot be done yet.
pub(super) fn not_yet(draft: &Draft, sink: &Sink, found: &mut Vec<Problem>) {
    let planes: Vec<&NodeDraft> = of_role(draft, Role::ControlPlane).collect();
    if let Some(second) = planes.get(1) {
        let wrong = Wrong::new(format!("{} control planes: this version installs one", planes.len()));
        found.push(sink.problem(second.at, &second.path, wrong.hint("make the others workers")));
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

/// A node with nothing missing.
pub(super) fn finished(node: NodeDraft) -> Option<Node> {
    let ssh = node.ssh?;
    Some(Node {
        name: node.name?.value,
        role: node.role?.value,
        gpu: node.gpu,
        ssh: Ssh { address: ssh.address?.value, access: ssh.access },
        network: node.network.map(|network| NodeNetwork {
            interface: network.interface,
            addresses: network.addresses.into_iter().map(|address| address.value).collect(),
            gateway: network.gateway.map(|gateway| gateway.value),
            nameservers: network.nameservers,
        }),
    })
}
