//! Whose a run is.

use serde::{Deserialize, Serialize};

/// Who works on a cluster, as locks and records name them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// What it does, e.g. `install`.
    pub verb: String,
    /// Process id on the operator's machine.
    pub pid: u32,
    /// The operator's machine.
    pub host: String,
    /// When it began, RFC 3339.
    pub started: String,
}

impl Owner {
    /// Whether both are the same process: how a run is told from the one before it.
    pub fn is(&self, other: &Self) -> bool {
        (self.pid, &self.host) == (other.pid, &other.host)
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}'s {} (process {}, since {})", self.host, self.verb, self.pid, self.started)
    }
}
