//! Host keys as people pin them.

use std::fmt;
use std::str::FromStr;

use russh::keys::ssh_key::{Algorithm, HashAlg, PublicKey};
use serde::{Deserialize, Serialize};

/// A server's public key, written as in `known_hosts`: `ssh-ed25519 AAAA...`, without a comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostKey(Box<PublicKey>);

impl HostKey {
    pub(super) fn new(mut key: PublicKey) -> Self {
        key.set_comment("");
        Self(Box::new(key))
    }

    /// `SHA256:...`, as ssh-keygen prints it.
    pub fn fingerprint(&self) -> String {
        format!("{} {}", self.0.algorithm().as_str(), self.0.fingerprint(HashAlg::Sha256))
    }

    pub(super) fn is(&self, other: &PublicKey) -> bool {
        self.0.key_data() == other.key_data()
    }

    /// The algorithms under which a server can prove this key; no others are offered to it, or it would
    /// show another key, which would look like a changed one.
    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        match self.0.algorithm() {
            Algorithm::Rsa { .. } => {
                [Some(HashAlg::Sha512), Some(HashAlg::Sha256)].map(|hash| Algorithm::Rsa { hash }).to_vec()
            }
            other => vec![other],
        }
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_openssh().map_err(|_| fmt::Error)?)
    }
}

/// Why a text is not a [`HostKey`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not a host key: want a type and base64, as in known_hosts, e.g. ssh-ed25519 AAAA...")]
pub struct BadHostKey {
    /// The text as it was read, cut to 100 characters.
    pub text: String,
}

impl FromStr for HostKey {
    type Err = BadHostKey;

    fn from_str(text: &str) -> Result<Self, BadHostKey> {
        let key = PublicKey::from_openssh(text.trim());
        key.map(Self::new).map_err(|_| BadHostKey { text: text.chars().take(100).collect() })
    }
}

impl TryFrom<String> for HostKey {
    type Error = BadHostKey;

    fn try_from(text: String) -> Result<Self, BadHostKey> {
        text.parse()
    }
}

impl From<HostKey> for String {
    fn from(key: HostKey) -> Self {
        key.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::HostKey;

    #[test]
    fn reads_keys_with_and_without_a_comment() {
        let text = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
        let key: HostKey = format!("{text} root@cp1\n").parse().unwrap();
        assert_eq!(key.to_string(), text);
        assert!(key.fingerprint().starts_with("ssh-ed25519 SHA256:"));
        for bad in ["", "ssh-ed25519", "ssh-ed25519 AAAA", "10.0.0.1 ssh-ed25519 AAAA"] {
            assert!(bad.parse::<HostKey>().is_err(), "{bad:?} was taken");
        }
    }
}
