//! How sealift logs in: what can be an address, a port, a user and the path of a key.

use std::net::IpAddr;

use crate::address;
use crate::fields::Field;
use crate::plain::quoted;
use crate::sink::Sink;
use crate::tree::Value;
use crate::wrong::Wrong;

/// An address at which another machine can reach a server.
pub fn reachable(text: &str) -> Result<IpAddr, Wrong> {
    let address = address::parse(text)?;
    match address::special(address) {
        Some(why) => {
            let wrong = Wrong::new(format!("{address} {why}"));
            Err(wrong.hint("write the server's own address in the nodes' network"))
        }
        None => Ok(address),
    }
}

/// The same, or this machine's loopback.
pub(super) fn or_forwarded(text: &str) -> Result<IpAddr, Wrong> {
    match address::parse(text)? {
        loopback if loopback.is_loopback() => Ok(loopback),
        _ => reachable(text),
    }
}

/// Ports on which Kubernetes, etcd and MetalLB listen on a node. An SSH server cannot have them too.
const TAKEN: &[(u16, &str)] = &[
    (2379, "etcd"),
    (2380, "etcd"),
    (6443, "the API"),
    (7946, "MetalLB"),
    (10249, "kube-proxy"),
    (10250, "kubelet"),
    (10256, "kube-proxy"),
    (10257, "the controller manager"),
    (10259, "the scheduler"),
];

pub(super) fn port(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<u16> {
    let port = field.port(sink)?;
    if let Some((_, who)) = TAKEN.iter().find(|(taken, _)| *taken == port) {
        let wrong = Wrong::new(format!("{who} listens on port {port} of a node"));
        field.wrong(sink, wrong.hint("write the port of the SSH server, which is another one"));
        return None;
    }
    Some(port)
}

/// A login name as `useradd` takes it: it becomes part of what is sent to a server.
pub(crate) fn user_name(text: &str) -> Result<String, Wrong> {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !text.is_empty() && text.len() <= 32 && !text.starts_with('-') && text.chars().all(word) {
        return Ok(text.to_owned());
    }
    let hint = text.split_once('@').map_or_else(
        || "1 to 32 letters, digits and _ - . like ops".to_owned(),
        |(user, _)| format!("write {} here; the address has a field of its own", quoted(user)),
    );
    Err(Wrong::new(format!("{} is not a user's name", quoted(text))).hint(hint))
}

pub(super) fn user(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<String> {
    field.parse_with(sink, user_name).map(|user| user.value)
}

/// The path of a private key. A key that was pasted here is not repeated in the message.
pub(crate) fn key_path(text: &str) -> Result<String, Wrong> {
    let wrong = if text.trim().is_empty() {
        Wrong::new("is empty").hint("write a path, or leave the field out to use the agent's keys only")
    } else if text.contains("PRIVATE KEY") || text.contains('\n') {
        Wrong::new("this is a key itself, where its path belongs").hint(
            "write the path of the key's file; whoever has read this file has the key: make another one",
        )
    } else if text.starts_with("ssh-") || text.starts_with("ecdsa-") {
        Wrong::new("this is a public key, where the path of the private one belongs")
            .hint("like ~/.ssh/id_ed25519")
    } else if text.starts_with('~') && !text.starts_with("~/") {
        Wrong::new(format!("{}: only your own home is known, as `~/`", quoted(text)))
            .hint("write the path from the root: /home/…")
    } else if text.starts_with('$') {
        Wrong::new(format!("{}: variables are not looked up", quoted(text)))
            .hint("write the path, or begin it with `~/`")
    } else if let Some(private) = text.strip_suffix(".pub") {
        Wrong::new(format!("{} is the public half of a key", quoted(text)))
            .hint(format!("write {}", quoted(private)))
    } else if text.ends_with('/') || text.contains('\0') {
        Wrong::new(format!("{} is not the path of a file", quoted(text))).hint("like ~/.ssh/id_ed25519")
    } else {
        return Ok(text.to_owned());
    };
    Err(wrong)
}

/// One path, or several in the order in which they are tried.
pub(super) fn identity_files(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Vec<String>> {
    let one = |field: &Field<'_>, sink: &mut Sink<'_>| Some(field.parse_with(sink, key_path)?.value);
    match field.node.value {
        Value::List(_) => Some(field.list(sink).iter().filter_map(|item| one(item, sink)).collect()),
        _ => one(field, sink).map(|path| vec![path]),
    }
}
