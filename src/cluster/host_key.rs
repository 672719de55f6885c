//! A server's public SSH key, as `ssh-keyscan` and `known_hosts` write it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sealift_stream::Digest;
use serde::{Serialize, Serializer};

use crate::wrong::Wrong;

/// Key types that OpenSSH servers have and sealift checks. `ssh-dss` is not among them on purpose.
const ALGORITHMS: [&str; 5] =
    ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"];

/// A public host key: `ssh-ed25519 AAAA...`. A comment behind the key is dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKey {
    algorithm: String,
    blob: Vec<u8>,
}

impl HostKey {
    /// The key's type, e.g. `ssh-ed25519`.
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// The fingerprint as `ssh-keygen -l` prints it: `SHA256:` and unpadded base64.
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Digest::of(&self.blob).raw()))
    }
}

impl FromStr for HostKey {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let hint =
            "paste the line of /etc/ssh/ssh_host_ed25519_key.pub, or leave it out and run `sealift enroll`";
        let mut words = text.split_whitespace();
        let (Some(algorithm), Some(data)) = (words.next(), words.next()) else {
            return Err(Wrong::new("not a public host key: needs a type and a key").hint(hint));
        };
        if algorithm.starts_with("SHA256:") || data.starts_with("SHA256:") {
            return Err(Wrong::new("this is a fingerprint, not the key itself").hint(hint));
        }
        if !ALGORITHMS.contains(&algorithm) {
            return Err(Wrong::new(format!("unknown key type {algorithm:?}"))
                .hint(format!("one of {}", ALGORITHMS.join(", "))));
        }
        let blob = STANDARD
            .decode(data)
            .map_err(|_| Wrong::new("the key is not whole base64: was it cut?").hint(hint))?;
        // RFC 4253 section 6.6: the blob starts with its own type as a string
        let inner = blob
            .split_first_chunk::<4>()
            .and_then(|(len, rest)| rest.get(..usize::try_from(u32::from_be_bytes(*len)).ok()?));
        if inner != Some(algorithm.as_bytes()) || blob.len() < algorithm.len() + 8 {
            return Err(
                Wrong::new(format!("the key is not an {algorithm} key: was it cut or mixed up?")).hint(hint)
            );
        }
        Ok(Self { algorithm: algorithm.to_owned(), blob })
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm, STANDARD.encode(&self.blob))
    }
}

impl Serialize for HostKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::HostKey;

    /// Made once by `ssh-keygen -t ed25519`; the fingerprint is what `ssh-keygen -l` said of it.
    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB17WsHfdX2mQEAx6cSX505TEmHdRl4dDgn3I2Ulau3L";

    #[test]
    fn the_fingerprint_is_openssh_s() {
        let key: HostKey = format!("{KEY} root@cp1").parse().unwrap();
        assert_eq!(key.fingerprint(), "SHA256:+bvmyXjCSb+cB9QPkxVvPXJS/xVh3U59pHDjXOZ1Q4U");
        assert_eq!(key.to_string(), KEY, "the comment is dropped");
    }

    #[test]
    fn what_only_looks_like_a_key_is_refused() {
        let swapped = KEY.replacen("ssh-ed25519", "ssh-rsa", 1);
        for bad in
            ["", "ssh-ed25519", &KEY[..30], &swapped, "ssh-dss AAAA", "256 SHA256:abc", "ssh-ed25519 !!!!"]
        {
            assert!(bad.parse::<HostKey>().is_err(), "{bad}");
        }
    }
}
