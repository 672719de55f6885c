//! The SSH transport and the helper against Debian's own sshd. Needs root and `openssh-server`; without
//! them it fails, it does not pass.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests are not marked as tests")]

mod canary;
mod helper;
mod jump;
mod keys;
mod login;
mod measure;
mod passwords;
mod pattern;
mod person;
mod proxy;
mod sshd;
mod sudo;
mod transfer;
