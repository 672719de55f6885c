//! What `enroll` shows to a person before it is pinned.

use super::{HostKey, Target, session};
use crate::HostError;

/// The key that the SSH server at this IP address shows, of the type it and sealift like best (ed25519
/// first). The connection ends there: no user is named, nothing is tried.
pub async fn scan_host_key(name: &str, address: &str, port: u16) -> Result<HostKey, HostError> {
    let target = Target {
        name: name.to_owned(),
        address: address.to_owned(),
        before: None,
        port,
        user: String::new(),
        identities: vec![],
        host_key: None,
    };
    session::show(&target, None).await
}
