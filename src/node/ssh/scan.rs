//! What `enroll` shows to a person before it is pinned.

use super::{HostKey, Target, session};
use crate::HostError;

/// The key that this SSH server shows, of the type it and sealift like best (ed25519 first). The connection ends
/// there: no user is named, nothing is tried. Jump hosts on the way are logged in to, so their keys must be pinned.
pub async fn scan_host_key(target: &Target) -> Result<HostKey, HostError> {
    session::show(target, None).await
}

/// The same, asking for a key of this one's type: what a server likes best need not be what is known of it.
pub async fn scan_host_key_like(target: &Target, like: &HostKey) -> Result<HostKey, HostError> {
    session::show(target, Some(like.algorithms())).await
}
