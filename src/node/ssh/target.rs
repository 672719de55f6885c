//! Whom to connect to, and as whom.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use super::HostKey;
use crate::HostError;

/// A node as SSH sees it.
#[derive(Debug, Clone)]
pub struct Target {
    /// The node's name in the cluster file.
    pub name: String,
    /// Its IP address: a static binary cannot ask the system's resolver.
    pub address: String,
    /// Where else it may be, until it has that address.
    pub before: Option<String>,
    /// The SSH server's port.
    pub port: u16,
    /// The user; root, or one that may use sudo without a password.
    pub user: String,
    /// What is tried to log in, in this order.
    pub identities: Vec<Identity>,
    /// The pinned key. Without one there is no connection.
    pub host_key: Option<HostKey>,
}

/// Something to log in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A private key's file, in OpenSSH's or PEM format, without a passphrase.
    File(PathBuf),
    /// An agent's socket (`SSH_AUTH_SOCK`); every key it holds.
    Agent(PathBuf),
}

impl Target {
    pub(super) fn socket_address(&self) -> Result<SocketAddr, HostError> {
        let ip: Result<IpAddr, _> = self.address.parse();
        let ip = ip.map_err(|_| self.unreachable("not an IP address; names cannot be resolved here"))?;
        Ok(SocketAddr::new(ip, self.port))
    }

    /// The same machine where it may be until it has its address.
    pub(super) fn at_its_old_place(&self) -> Option<Self> {
        let address = self.before.clone()?;
        Some(Self { address, before: None, ..self.clone() })
    }

    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.address, self.port)
    }

    pub(super) fn unreachable(&self, why: impl std::fmt::Display) -> HostError {
        HostError::Unreachable { host: self.name.clone(), address: self.place(), why: why.to_string() }
    }
}
