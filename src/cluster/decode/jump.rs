//! Jump hosts.

use std::net::IpAddr;

use super::login::{identity_files, or_forwarded, user};
use crate::fields::Field;
use crate::host_key::HostKey;
use crate::model::Jump;
use crate::sink::Sink;

/// A jump host as typed: what it leaves out, it has from the node that is reached through it.
#[derive(Debug, Clone)]
pub(crate) struct JumpDraft {
    address: IpAddr,
    port: Option<u16>,
    user: Option<String>,
    identity_files: Option<Vec<String>>,
    host_key: Option<HostKey>,
}

impl JumpDraft {
    pub(super) fn filled(&self, user: &str, identity_files: &[String]) -> Jump {
        Jump {
            address: self.address,
            port: self.port.unwrap_or(22),
            user: self.user.clone().unwrap_or_else(|| user.to_owned()),
            identity_files: self.identity_files.clone().unwrap_or_else(|| identity_files.to_vec()),
            host_key: self.host_key.clone(),
        }
    }
}

/// A chain of them; an empty one says that there is none.
pub(super) fn jump(field: &Field<'_>, sink: &mut Sink<'_>) -> Vec<JumpDraft> {
    field.list(sink).iter().filter_map(|item| hop(item, sink)).collect()
}

fn hop(item: &Field<'_>, sink: &mut Sink<'_>) -> Option<JumpDraft> {
    let mut map = item.map(sink)?;
    let address = map.need("address").and_then(|field| field.parse_with(sink, or_forwarded));
    let port = map.take("port").and_then(|field| field.port(sink));
    let user = map.take("user").and_then(|field| user(&field, sink));
    let identity_files = map.take("identityFile").and_then(|field| identity_files(&field, sink));
    let host_key = map.take("hostKey").and_then(|field| field.parse::<HostKey>(sink));
    map.finish(sink);
    Some(JumpDraft {
        address: address?.value,
        port,
        user,
        identity_files,
        host_key: host_key.map(|key| key.value),
    })
}
