//! Why a node did not do what it was asked.

use serde::{Deserialize, Serialize};

use crate::{Obstacle, Owner, SudoRefusal, Unreached};

/// Each variant says where and why; what state the node is in follows from the kind: after everything but
/// [`LinkLost`](Self::LinkLost) and [`Timeout`](Self::Timeout) nothing of the one thing asked for has taken
/// effect; after these two it may have, and only observing tells.
///
/// It travels over the wire, so it holds texts, not sources.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a variant's message tells its fields")]
pub enum HostError {
    /// No SSH connection; nothing was sent.
    #[error("connecting to {host} at {address}: {why}; nothing was done there")]
    Unreachable { host: String, address: String, kind: Unreached, why: String },
    /// Another key than the pinned one: another machine, or someone in between. No credential was sent.
    #[error(
        "host key of {host} at {address} has changed: expected {expected}, seen {seen}; \
         no credential was sent. If the machine was reinstalled, run `sealift enroll` again"
    )]
    HostKeyChanged { host: String, address: String, expected: String, seen: String },
    /// No key is pinned. No credential was sent.
    #[error(
        "host key of {host} at {address} is not pinned: seen {seen}; no credential was sent. Run `sealift enroll`"
    )]
    HostKeyUnknown { host: String, address: String, seen: String },
    /// The SSH server does not let this user in.
    #[error("logging in on {host} as {user}: {why}; nothing was done there{}", offers(offered))]
    AuthFailed { host: String, user: String, offered: String, why: String },
    /// sudo does not let this user become root.
    #[error("starting the helper on {host}: sudo refused {user}: {refusal}: {why}; nothing was done there")]
    SudoRefused { host: String, user: String, refusal: SudoRefusal, why: String },
    /// The user is root, and still no helper works there.
    #[error("starting the helper on {host}: {why}; nothing was changed there")]
    NoHelper { host: String, obstacle: Obstacle, why: String },
    /// The same on the machine that sealift itself runs on.
    #[error("starting the helper on {host}, which is this machine: that takes root, and sudo said: {why}")]
    NotRoot { host: String, why: String },
    /// Another run is at work on this node and its operator is alive.
    #[error(
        "{host} is being changed by {owner}, heard {heard_s} s ago; nothing was done there. \
         Wait for it, or stop it on {}", owner.host
    )]
    Busy { host: String, owner: Box<Owner>, heard_s: u64 },
    /// The connection ended, or stood still, while this was under way.
    #[error("{doing} on {host}: the link was lost: {why}; run the same command again")]
    LinkLost { host: String, doing: String, why: String },
    /// The node took longer than it was given; what was started was ended.
    #[error("{doing} on {host}: not done after {seconds} s, ended")]
    Timeout { host: String, doing: String, seconds: u64 },
    /// Content that arrived whole but is not what its digest says. It was thrown away.
    #[error("{doing} on {host}: the content's digest is {seen}; it was thrown away")]
    Damaged { host: String, doing: String, seen: String },
    /// The node's answer was no.
    #[error("{what} on {host}: {why}")]
    Refused { host: String, what: String, why: String },
    /// The helper speaks otherwise than this sealift does: a bug of ours.
    #[error("talking to the helper on {host}: {why}")]
    Protocol { host: String, why: String },
}

impl HostError {
    /// A plain no: `what` is a lower-case gerund naming the object, e.g. `writing /etc/hosts`.
    pub fn refused(host: &str, what: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::Refused { host: host.to_owned(), what: what.into(), why: why.to_string() }
    }

    /// Whether the same thing may work when tried again without anyone doing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::LinkLost { .. })
    }

    /// What to do about it where that follows from the kind of refusal alone.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable { kind, .. } => Some(kind.remedy()),
            Self::HostKeyChanged { .. } | Self::HostKeyUnknown { .. } => {
                Some("compare the fingerprints at the machine's own console, then sealift enroll")
            }
            Self::AuthFailed { .. } => Some(
                "mend ssh.user or ssh.identityFile in the cluster file, or authorized_keys on the server; \
                 a password is taken from a terminal or from --ssh-password-file",
            ),
            Self::SudoRefused { refusal, .. } => Some(refusal.remedy()),
            Self::NotRoot { .. } => Some("run the same command as root: sudo sealift ..."),
            Self::NoHelper { obstacle, .. } => Some(obstacle.remedy()),
            Self::Busy { .. } => Some("run the same command again when that run has ended"),
            _ => None,
        }
    }

    /// Whether the machine could not prove that it is the one in the cluster file (exit code 6).
    pub fn is_identity(&self) -> bool {
        matches!(self, Self::HostKeyChanged { .. } | Self::HostKeyUnknown { .. })
    }
}

/// What a server said it takes, for a message.
fn offers(offered: &str) -> String {
    if offered.is_empty() { String::new() } else { format!(". It offers: {offered}") }
}

/// Shorthand for the errors of one host: adds its name and what was being done.
pub(crate) trait Context<T> {
    /// `what` is a lower-case gerund naming the object.
    fn on(self, host: &str, what: impl FnOnce() -> String) -> Result<T, HostError>;
}

impl<T, E: std::fmt::Display> Context<T> for Result<T, E> {
    fn on(self, host: &str, what: impl FnOnce() -> String) -> Result<T, HostError> {
        self.map_err(|error| HostError::refused(host, what(), error))
    }
}
