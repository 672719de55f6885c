//! Whom to connect to, and as whom.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use super::{HostKey, Shared};
use crate::{HostError, Unreached};

/// A node, or a jump host on the way to one, as SSH sees it.
#[derive(Debug, Clone)]
pub struct Target {
    /// The node's name in the cluster file; of a jump host, whose it is.
    pub name: String,
    /// Its IP address.
    pub address: String,
    /// Where else it may be, until it has that address.
    pub before: Option<String>,
    /// The SSH server's port.
    pub port: u16,
    /// The user; root, or one that may use sudo.
    pub user: String,
    /// What is tried to log in, in this order; then a password, where the server takes one.
    pub identities: Vec<Identity>,
    /// The pinned key. Without one there is no connection.
    pub host_key: Option<HostKey>,
    /// The jump host that it is reached through; with one of its own, a chain.
    pub through: Option<Box<Self>>,
    /// What the run's connections share.
    pub shared: Arc<Shared>,
}

/// Something to log in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A private key's file, in OpenSSH's or PEM format, perhaps with a certificate (`FILE-cert.pub`) beside it.
    File(PathBuf),
    /// An agent's socket (`SSH_AUTH_SOCK`).
    Agent(PathBuf),
}

impl Target {
    pub(super) fn socket_address(&self) -> Result<SocketAddr, HostError> {
        let ip: Result<IpAddr, _> = self.address.parse();
        let ip =
            ip.map_err(|_| self.unreachable(Unreached::Name, "not an IP address; names are not resolved"))?;
        Ok(SocketAddr::new(ip, self.port))
    }

    /// The same machine where it may be until it has its address.
    pub fn at_its_old_place(&self) -> Option<Self> {
        let address = self.before.clone()?;
        Some(Self { address, before: None, ..self.clone() })
    }

    pub(super) fn place(&self) -> String {
        match &self.through {
            Some(hop) => format!("{}:{} through {}", self.address, self.port, hop.place()),
            None => format!("{}:{}", self.address, self.port),
        }
    }

    /// What tells this jump host from any other, as this user.
    pub(super) fn way(&self) -> String {
        format!("{}@{}", self.user, self.place())
    }

    pub(super) fn unreachable(&self, kind: Unreached, why: impl std::fmt::Display) -> HostError {
        HostError::Unreachable { host: self.name.clone(), address: self.place(), kind, why: why.to_string() }
    }
}
