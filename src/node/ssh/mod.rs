//! SSH: russh, wrapped here alone.

mod auth;
mod channel;
mod exec;
mod key;
mod links;
mod scan;
mod session;
mod target;

pub(crate) use exec::exec;
pub use key::HostKey;
pub(crate) use links::Links;
pub use scan::scan_host_key;
pub use target::{Identity, Target};
