//! Nodes, and how to reach them.

use std::net::IpAddr;

use crate::cidr::InterfaceAddress;
use crate::fields::{Field, Fields, Placed, Sink};
use crate::host_key::HostKey;
use crate::model::{Access, Gpu, Interface, Login, Role};
use crate::name::Label;
use crate::suggest::nearest;
use crate::tree::{At, Value};
use crate::wrong::Wrong;

/// `spec.ssh`: what nodes do not say themselves.
#[derive(Debug, Default)]
pub(crate) struct SshDefaults {
    user: Option<String>,
    port: Option<u16>,
    identity_file: Option<String>,
}

/// A node as typed.
#[derive(Debug)]
pub(crate) struct NodeDraft {
    pub(crate) at: At,
    pub(crate) path: String,
    pub(crate) name: Option<Placed<Label>>,
    pub(crate) role: Option<Placed<Role>>,
    pub(crate) gpu: Gpu,
    pub(crate) ssh: Option<SshDraft>,
    pub(crate) network: Option<NetworkDraft>,
}

/// A node's `ssh`, with the address that stands beside it when it is `local`.
#[derive(Debug)]
pub(crate) struct SshDraft {
    pub(crate) at: At,
    pub(crate) path: String,
    pub(crate) address: Option<Placed<IpAddr>>,
    pub(crate) access: Access,
}

/// A node's `network`.
#[derive(Debug)]
pub(crate) struct NetworkDraft {
    pub(crate) interface: Option<Interface>,
    pub(crate) addresses: Vec<Placed<InterfaceAddress>>,
    pub(crate) gateway: Option<Placed<IpAddr>>,
    pub(crate) nameservers: Vec<IpAddr>,
}

pub(crate) fn ssh_defaults(field: &Field<'_>, sink: &mut Sink) -> Option<SshDefaults> {
    let mut map = field.map(sink)?;
    let user = map.take("user").and_then(|field| user(&field, sink));
    let port = map.take("port").and_then(|field| field.port(sink));
    let identity_file = map.take("identityFile").and_then(|field| non_empty(&field, sink));
    map.finish(sink);
    Some(SshDefaults { user, port, identity_file })
}

pub(crate) fn node(item: &Field<'_>, defaults: &SshDefaults, sink: &mut Sink) -> Option<NodeDraft> {
    let mut map = item.map(sink)?;
    let name = map.need(sink, "name", "the server's hostname, e.g. cp1").and_then(|field| field.parse(sink));
    let roles = [("control-plane", Role::ControlPlane), ("worker", Role::Worker)];
    let role = map.need(sink, "role", "control-plane or worker").and_then(|field| field.choice(sink, &roles));
    let gpu =
        map.take("gpu").and_then(|field| field.choice(sink, &[("auto", Gpu::Auto), ("none", Gpu::None)]));
    let ssh = map.need(sink, "ssh", "at least its address, `ssh: {address: 10.77.0.11}`");
    let ssh = ssh.and_then(|field| match &field.node.value {
        Value::Text(_) => local(&field, &mut map, sink),
        _ => ssh_of(&field, defaults, sink),
    });
    not_beside(&mut map, ssh.as_ref(), sink);
    let network = map.take("network").and_then(|field| network(&field, sink));
    let at = map.at();
    map.finish(sink);
    let gpu = gpu.map_or(Gpu::None, |gpu| gpu.value);
    Some(NodeDraft { at, path: item.path.clone(), name, role, gpu, ssh, network })
}

/// `ssh: local`: this node is the machine that sealift runs on; its address stands beside it.
fn local(field: &Field<'_>, map: &mut Fields<'_>, sink: &mut Sink) -> Option<SshDraft> {
    let text = field.text(sink)?;
    if text != "local" {
        let wrong = Wrong::new(format!("unknown value {text:?}"));
        let hint = nearest(text, &["local"]).map_or_else(
            || "write {address: 10.77.0.11}, or local for the machine that sealift runs on".to_owned(),
            |word| format!("did you mean {word:?}?"),
        );
        sink.add(field.at(), &field.path, wrong.hint(hint));
        return None;
    }
    let address = map.need(sink, "address", "with `ssh: local` the server's own IP address stands here");
    let address = address.and_then(|field| field.address(sink));
    Some(SshDraft { at: field.at(), path: field.path.clone(), address, access: Access::Local })
}

/// One place for the address: beside `ssh: local`, else inside `ssh`.
fn not_beside(map: &mut Fields<'_>, ssh: Option<&SshDraft>, sink: &mut Sink) {
    if ssh.is_some_and(|ssh| matches!(ssh.access, Access::Local)) {
        return;
    }
    if let Some(field) = map.take("address").filter(|_| ssh.is_some()) {
        let wrong =
            Wrong::new("stands here with `ssh: local` only").hint("write it inside ssh: {address: …}");
        sink.add(field.at(), &field.path, wrong);
    }
}

fn ssh_of(field: &Field<'_>, defaults: &SshDefaults, sink: &mut Sink) -> Option<SshDraft> {
    let mut map = field.map(sink)?;
    let address = map.need(sink, "address", "the server's IP address").and_then(|field| field.address(sink));
    let port = map.take("port").and_then(|field| field.port(sink)).or(defaults.port);
    let user = map.take("user").and_then(|field| user(&field, sink)).or_else(|| defaults.user.clone());
    let identity_file = map.take("identityFile").and_then(|field| non_empty(&field, sink));
    let host_key = map.take("hostKey").and_then(|field| field.parse::<HostKey>(sink));
    map.finish(sink);
    let access = Access::Login(Login {
        port: port.unwrap_or(22),
        user: user.unwrap_or_else(|| "root".to_owned()),
        identity_file: identity_file.or_else(|| defaults.identity_file.clone()),
        host_key: host_key.map(|key| key.value),
    });
    Some(SshDraft { at: field.at(), path: field.path.clone(), address, access })
}

/// A login name as `useradd` takes it: it becomes part of what is sent to a server.
fn user(field: &Field<'_>, sink: &mut Sink) -> Option<String> {
    let text = field.text(sink)?;
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !text.is_empty() && text.len() <= 32 && !text.starts_with('-') && text.chars().all(word) {
        return Some(text.to_owned());
    }
    sink.add(field.at(), &field.path, Wrong::new(format!("{text:?} is not a user's name")));
    None
}

fn non_empty(field: &Field<'_>, sink: &mut Sink) -> Option<String> {
    let text = field.text(sink)?;
    if text.is_empty() {
        sink.add(field.at(), &field.path, Wrong::new("is empty"));
        return None;
    }
    Some(text.to_owned())
}

fn network(field: &Field<'_>, sink: &mut Sink) -> Option<NetworkDraft> {
    let mut map = field.map(sink)?;
    let interface = map.take("interface").and_then(|field| interface(&field, sink));
    let addresses = map.need(sink, "addresses", "a list, e.g. [10.77.0.11/24]").map(|field| field.list(sink));
    let addresses = addresses.unwrap_or_default().iter().filter_map(|item| item.parse(sink)).collect();
    let gateway = map.take("gateway").and_then(|field| field.address(sink));
    let nameservers = map.take("nameservers").map(|field| field.list(sink)).unwrap_or_default();
    let nameservers = nameservers.iter().filter_map(|item| Some(item.address(sink)?.value)).collect();
    map.finish(sink);
    Some(NetworkDraft { interface, addresses, gateway, nameservers })
}

fn interface(field: &Field<'_>, sink: &mut Sink) -> Option<Interface> {
    let mut map = field.map(sink)?;
    let mac = map.take("mac").and_then(|field| mac(&field, sink)).map(Interface::Mac);
    let name = map.take("name").and_then(|field| non_empty(&field, sink)).map(Interface::Name);
    let at = map.at();
    map.finish(sink);
    if mac.is_some() && name.is_some() {
        sink.add(at, &field.path, Wrong::new("has both mac and name").hint("keep mac: it stays the same"));
    }
    mac.or(name)
}

fn mac(field: &Field<'_>, sink: &mut Sink) -> Option<String> {
    let text = field.text(sink)?.to_lowercase().replace('-', ":");
    let octet = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit());
    if text.split(':').count() == 6 && text.split(':').all(octet) {
        return Some(text);
    }
    let wrong =
        Wrong::new(format!("{text:?} is not a MAC address")).hint("write it like \"52:54:00:00:00:11\"");
    sink.add(field.at(), &field.path, wrong);
    None
}
