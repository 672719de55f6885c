//! The SSH transport and the helper against Debian's own sshd. Needs root and `openssh-server`; without
//! them it fails, it does not pass.

mod helper;
mod login;
mod pattern;
mod proxy;
mod sshd;
mod transfer;
