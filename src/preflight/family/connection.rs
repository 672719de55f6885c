//! Can every node be worked on at all?

use sealift_node::{HostError, Unreached};

use crate::check::{Check, Scope, Severity::Refuse};
use crate::site::Site;
use crate::view::Judged;

const fn check(id: &'static str, judge: fn(&Site<'_>) -> Judged) -> Check {
    let mut check = Check::site(id, Refuse, judge);
    check.scope = Scope::Node;
    check
}

pub(super) const CHECKS: &[Check] = &[
    check("ssh-refused", |site| lost(site, Lost::Refused)).says(
        "the address answers and nothing there speaks SSH: sshd is off, on another port, or a firewall says no",
        "start sshd on the server, or mend ssh.address and ssh.port in the cluster file",
    ),
    check("ssh-silent", |site| lost(site, Lost::Silent)).says(
        "nothing comes back from the address: the server is off, asleep, elsewhere, or behind a firewall that drops",
        "switch the server on and look at its cable and its address",
    ),
    check("ssh-host-key", |site| lost(site, Lost::HostKey)).says(
        "the machine cannot prove that it is the one in the cluster file; no credential was sent to it",
        "compare the fingerprint at the server's own console, then `sealift enroll`",
    ),
    check("ssh-login", |site| lost(site, Lost::Login)).says(
        "the SSH server does not let this user in",
        "mend ssh.user or ssh.identityFile in the cluster file, or authorized_keys on the server",
    ),
    check("sudo-refused", |site| lost(site, Lost::Sudo)).says(
        "the user may not become root without being asked for a password",
        "as root: echo 'USER ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/sealift",
    ),
    check("node-busy", |site| lost(site, Lost::Busy)).says(
        "another run of sealift is at work on the server",
        "wait until that run has ended",
    ),
    check("helper-failed", |site| lost(site, Lost::Helper)).says(
        "the helper does not start there: the node is full, its file systems are read-only or without exec, or systemd is not its init",
        "read what it says; `journalctl -u 'sealift-helper-*'` on the server has more",
    ),
];

/// Why a node is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lost {
    Refused,
    Silent,
    HostKey,
    Login,
    Sudo,
    Busy,
    Helper,
}

impl Lost {
    fn of(error: &HostError) -> Self {
        match error {
            // NoWay: the network itself says that nobody is there, after having asked for it by ARP
            HostError::Unreachable { kind: Unreached::Silent | Unreached::NoWay, .. } => Self::Silent,
            HostError::Unreachable { .. } => Self::Refused,
            HostError::HostKeyChanged { .. } | HostError::HostKeyUnknown { .. } => Self::HostKey,
            HostError::AuthFailed { .. } => Self::Login,
            HostError::SudoRefused { .. } | HostError::NotRoot { .. } => Self::Sudo,
            HostError::Busy { .. } => Self::Busy,
            _ => Self::Helper,
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a judgement, as every check has one")]
fn lost(site: &Site<'_>, class: Lost) -> Judged {
    Ok(site
        .lost()
        .filter(|(_, error)| Lost::of(error) == class)
        .map(|(node, error)| format!("{}: {error}", node.name))
        .collect())
}
