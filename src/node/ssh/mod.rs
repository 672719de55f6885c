//! SSH: russh, wrapped here alone.

mod auth;
mod channel;
mod dial;
mod exec;
mod key;
mod links;
mod offer;
mod password;
mod scan;
mod secret;
mod session;
mod shared;
mod target;

pub(crate) use exec::{Script, Told, exec};
pub use key::HostKey;
pub(crate) use links::Links;
pub use scan::{scan_host_key, scan_host_key_like};
pub use secret::{Ask, Nobody, Secret, Wanted};
pub use shared::Shared;
pub use target::{Identity, Target};
