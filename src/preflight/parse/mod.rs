//! Texts of the kernel and of Debian, read without the node.

pub(crate) mod filter;
pub(crate) mod mounts;
pub(crate) mod net;
pub(crate) mod system;
