//! Nodes, and how to reach them.

use std::net::IpAddr;

use super::jump::{self, JumpDraft};
use super::login::{identity_files, or_forwarded, port, reachable, user};
use super::network::{NetworkDraft, network};
use crate::fields::{Field, Fields};
use crate::host_key::HostKey;
use crate::model::{Access, Gpu, Login, Role};
use crate::name::Label;
use crate::plain::quoted;
use crate::sink::{Placed, Sink};
use crate::suggest::nearest;
use crate::tree::{At, Value};
use crate::wrong::Wrong;

/// `spec.ssh`: what nodes do not say themselves.
#[derive(Debug, Default)]
pub(crate) struct SshDefaults {
    user: Option<String>,
    port: Option<u16>,
    identity_files: Option<Vec<String>>,
    jump: Vec<JumpDraft>,
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
    /// For the check that no two nodes have the same; the way to the node has it too.
    pub(crate) host_key: Option<Placed<HostKey>>,
    pub(crate) access: Access,
}

pub(crate) fn ssh_defaults(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<SshDefaults> {
    let mut map = field.map(sink)?;
    let user = map.take("user").and_then(|field| user(&field, sink));
    let port = map.take("port").and_then(|field| port(&field, sink));
    let identity_files = map.take("identityFile").and_then(|field| identity_files(&field, sink));
    let jump = map.take("jump").map(|field| jump::jump(&field, sink)).unwrap_or_default();
    map.finish(sink);
    Some(SshDefaults { user, port, identity_files, jump })
}

pub(crate) fn node(item: &Field<'_>, defaults: &SshDefaults, sink: &mut Sink<'_>) -> Option<NodeDraft> {
    let mut map = item.map(sink)?;
    let name = map.need("name").and_then(|field| node_name(&field, sink));
    let roles = [("control-plane", Role::ControlPlane), ("worker", Role::Worker)];
    let role = map.need("role").and_then(|field| field.choice(sink, &roles));
    let gpu =
        map.take("gpu").and_then(|field| field.choice(sink, &[("auto", Gpu::Auto), ("none", Gpu::None)]));
    let ssh = map.need("ssh");
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
fn local(field: &Field<'_>, map: &mut Fields<'_>, sink: &mut Sink<'_>) -> Option<SshDraft> {
    let text = field.text(sink)?;
    if text != "local" {
        let wrong = Wrong::new(format!("unknown value {}", quoted(text)));
        let hint = nearest(text, &["local"]).map_or_else(
            || "write {address: 10.77.0.11}, or local for the machine that sealift runs on".to_owned(),
            |word| format!("did you mean {word:?}?"),
        );
        sink.add(field.at(), &field.path, wrong.hint(hint));
        return None;
    }
    let address = map.need("address").and_then(|field| field.parse_with(sink, reachable));
    Some(SshDraft {
        at: field.at(),
        path: field.path.clone(),
        address,
        host_key: None,
        access: Access::Local,
    })
}

/// One place for the address: beside `ssh: local`, else inside `ssh`.
fn not_beside(map: &mut Fields<'_>, ssh: Option<&SshDraft>, sink: &mut Sink<'_>) {
    if ssh.is_some_and(|ssh| matches!(ssh.access, Access::Local)) {
        return;
    }
    if let Some(field) = map.take("address").filter(|_| ssh.is_some()) {
        let wrong =
            Wrong::new("stands here with `ssh: local` only").hint("write it inside ssh: {address: …}");
        sink.add(field.at(), &field.path, wrong);
    }
}

fn ssh_of(field: &Field<'_>, defaults: &SshDefaults, sink: &mut Sink<'_>) -> Option<SshDraft> {
    let mut map = field.map(sink)?;
    let port = map.take("port").and_then(|field| port(&field, sink));
    // a port of its own on loopback leads on to another machine: a tunnel, or a virtual machine's forwarded port
    let taken = if port.is_some() { or_forwarded } else { reachable };
    let address = map.need("address").and_then(|field| field.parse_with(sink, taken));
    let port = port.or(defaults.port);
    let user = map.take("user").and_then(|field| user(&field, sink)).or_else(|| defaults.user.clone());
    let identity_files = map.take("identityFile").and_then(|field| identity_files(&field, sink));
    let jump = map.take("jump").map(|field| jump::jump(&field, sink));
    let host_key = map.take("hostKey").and_then(|field| field.parse::<HostKey>(sink));
    map.finish(sink);
    let user = user.unwrap_or_else(|| "root".to_owned());
    let identity_files = identity_files.or_else(|| defaults.identity_files.clone()).unwrap_or_default();
    let own_jump = jump.is_some();
    let jump = jump.as_ref().unwrap_or(&defaults.jump).iter();
    let access = Access::Login(Login {
        port: port.unwrap_or(22),
        jump: jump.map(|hop| hop.filled(&user, &identity_files)).collect(),
        own_jump,
        user,
        identity_files,
        host_key: host_key.as_ref().map(|key| key.value.clone()),
    });
    Some(SshDraft { at: field.at(), path: field.path.clone(), address, host_key, access })
}

/// A node's name becomes its hostname, beside names that every machine has already.
fn node_name(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Placed<Label>> {
    field.parse_with(sink, |text| match text {
        "localhost" => Err(Wrong::new("every machine calls itself localhost").hint("choose a name like cp1")),
        _ => text.parse(),
    })
}
