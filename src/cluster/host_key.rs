//! A server's public SSH key, as `ssh-keyscan` and `known_hosts` write it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sealift_stream::Digest;
use serde::{Serialize, Serializer};

use crate::plain::quoted;
use crate::suggest::nearest;
use crate::wrong::Wrong;

/// Key types that OpenSSH servers have and sealift checks. `ssh-dss` is not among them on purpose.
pub(crate) const ALGORITHMS: [&str; 5] =
    ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"];

/// A public host key: `ssh-ed25519 AAAA...`. A comment behind the key is dropped.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
        if let Some(wrong) = something_else(text) {
            return Err(wrong.hint(MEND));
        }
        let mut words = text.split_whitespace();
        let (Some(algorithm), Some(data)) = (words.next(), words.next()) else {
            return Err(Wrong::new("not a public host key: needs a type and a key").hint(MEND));
        };
        if !ALGORITHMS.contains(&algorithm) {
            let all = ALGORITHMS.join(", ");
            let hint = nearest(algorithm, &ALGORITHMS).map_or_else(
                || format!("one of {all}"),
                |near| format!("did you mean {near}? (one of {all})"),
            );
            return Err(Wrong::new(format!("unknown key type {}", quoted(algorithm))).hint(hint));
        }
        let blob = STANDARD
            .decode(data)
            .map_err(|_| Wrong::new("the key is not whole base64: was it cut?").hint(MEND))?;
        if !is_whole(&blob, algorithm) {
            let message = format!("the key is not an {algorithm} key: was it cut or mixed up?");
            return Err(Wrong::new(message).hint(MEND));
        }
        Ok(Self { algorithm: algorithm.to_owned(), blob })
    }
}

const MEND: &str =
    "paste the line of /etc/ssh/ssh_host_ed25519_key.pub, or leave it out and run `sealift enroll`";

/// What is often pasted in place of a public host key. None of it is repeated in the message: it may be secret.
fn something_else(text: &str) -> Option<Wrong> {
    let first = text.split_whitespace().next().unwrap_or_default();
    let second = text.split_whitespace().nth(1).unwrap_or_default();
    Some(Wrong::new(if text.contains("PRIVATE KEY") {
        "this is a private key, which belongs in no cluster file: whoever reads it can be the server"
    } else if text.contains("BEGIN SSH2 PUBLIC KEY") {
        "this is a public key in another format (`ssh-keygen -i` converts it)"
    } else if first.starts_with("SHA256:") || second.starts_with("SHA256:") || first.starts_with("MD5:") {
        "this is a fingerprint, not the key itself"
    } else if ALGORITHMS.contains(&second) {
        "this is a line of known_hosts: leave away what is before the key's type"
    } else if first.contains("-cert-v0") {
        "this is a certificate, not a key"
    } else {
        return None;
    }))
}

/// Whether a key is made of the strings that its type has (RFC 4253 section 6.6, RFC 5656, RFC 8709), to the
/// last byte, and starts with its own type.
fn is_whole(blob: &[u8], algorithm: &str) -> bool {
    let mut strings = Vec::new();
    let mut rest = blob;
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let Some((string, left)) = usize::try_from(u32::from_be_bytes(*length))
            .ok()
            .and_then(|length| after.split_at_checked(length))
        else {
            return false;
        };
        strings.push(string);
        rest = left;
    }
    let shape = match strings.as_slice() {
        [_, key] => algorithm == "ssh-ed25519" && key.len() == 32,
        [_, curve, point] if algorithm.starts_with("ecdsa-") => {
            algorithm.as_bytes().ends_with(curve) && !curve.is_empty() && !point.is_empty()
        }
        [_, exponent, modulus] => algorithm == "ssh-rsa" && !exponent.is_empty() && modulus.len() > 64,
        _ => false,
    };
    rest.is_empty() && shape && strings.first() == Some(&algorithm.as_bytes())
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

    /// Made once by `ssh-keygen -t rsa -b 2048` and `-t ecdsa`.
    #[test]
    fn the_other_types_are_read() {
        for key in [
            concat!(
                "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDFI9BW4rM2PZe1s2E/+QLYm1vtfuY6eBVPruA8pWaAH04q4kKcd3",
                "R7OJ0A+pKR3ur0oBzTUcJw3FOITdOFaj2iyRLCU5uIEYh43/sB+dlCSrj84vv/hHp9te+C5452Op1yj98Dni8LMhEk",
                "PfnsAIAufroKxPxZXcHRtSEisXqQmEsb+cttbf12Nmqd/GHBnV6vIw1KbYGidolzN0N/A7XfjrcGAqB0KUa2CmkeVG",
                "/D12ZfAFuf0CVk21UGANgYmuMQBNB7GaRiDjxu1WwcQlNsEKoNIDKHEk7rbofqKPskYKpgecDLCLx0ukyKMKxEhL5C",
                "sHXvLK9WV1/lxGOM3M+R"
            ),
            concat!(
                "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBOTFiQQwhmf/Axb6df",
                "n0VWcDD73HPdrU6JXhO29vcD4Tjm7nD6NTtVB/7pHwB/VB10YnFjrgM3y8DMQXR1XqCco="
            ),
        ] {
            assert_eq!(key.parse::<HostKey>().unwrap().to_string(), key);
        }
    }

    #[test]
    fn a_secret_is_not_repeated() {
        let wrong =
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE".parse::<HostKey>().unwrap_err();
        assert!(
            wrong.message.contains("private key") && !format!("{wrong:?}").contains("b3Blb"),
            "{wrong:?}"
        );
    }

    #[test]
    fn what_only_looks_like_a_key_is_refused() {
        let swapped = KEY.replacen("ssh-ed25519", "ssh-rsa", 1);
        for bad in
            ["", "ssh-ed25519", &KEY[..30], &swapped, "ssh-dss AAAA", "256 SHA256:abc", "ssh-ed25519 !!!!"]
        {
            assert!(bad.parse::<HostKey>().is_err(), "{bad}");
        }
        for cut in 20..KEY.len() {
            assert!(KEY[..cut].parse::<HostKey>().is_err(), "cut at {cut}");
        }
    }
}
