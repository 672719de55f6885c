//! minisign's files, read to the letter: one signature has one spelling.
//!
//! Format: <https://jedisct1.github.io/minisign/#signature-format>. The untrusted comment's text is the one
//! thing that no signature covers; it is never shown.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A minisign key's number, as `minisign` prints it: 16 upper-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(u64);

impl KeyId {
    pub(crate) fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_le_bytes(bytes))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}

/// A signature file.
#[derive(Clone)]
pub(crate) struct Minisig {
    pub(crate) key: KeyId,
    pub(crate) signature: minisign_verify::Signature,
}

impl Minisig {
    /// Reads a `.minisig` file's bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not text".to_owned())?;
        let body = text.strip_suffix('\n').ok_or("its last line does not end")?;
        let lines: Vec<&str> = body.split('\n').collect();
        let [untrusted, first, trusted, second] = lines[..] else {
            return Err(format!("it has {} lines instead of 4", lines.len()));
        };
        if text.contains('\r') || !untrusted.starts_with("untrusted comment: ") {
            return Err("its first line is not an untrusted comment".into());
        }
        if !trusted.starts_with("trusted comment: ") {
            return Err("its third line is not a trusted comment".into());
        }
        let head = canonical(first, 74)?;
        canonical(second, 64)?;
        if !head.starts_with(b"ED") {
            return Err("it is not a prehashed signature (ED)".into());
        }
        let key = head[2..10].try_into().map_err(|_| "it has no key number".to_owned())?;
        let signature = minisign_verify::Signature::decode(text).map_err(|error| error.to_string())?;
        Ok(Self { key: KeyId::from_bytes(key), signature })
    }
}

/// Reads a `.pub` file's text; returns the key's number with the key.
pub(crate) fn parse_public_key(text: &str) -> Result<(KeyId, minisign_verify::PublicKey), String> {
    let mut lines = text.lines();
    let comment = lines.next().unwrap_or_default();
    let line = lines.next().unwrap_or_default();
    if !comment.starts_with("untrusted comment:") || lines.any(|rest| !rest.trim().is_empty()) {
        return Err("want two lines: an untrusted comment and a minisign public key".into());
    }
    // the one mistake that matters: a secret key must not travel
    if STANDARD.decode(line).is_ok_and(|raw| raw.len() == 158 && raw.starts_with(b"Ed")) {
        return Err("it is a secret key; take the .pub beside it, and leave this one at home".into());
    }
    let raw = canonical(line, 42)?;
    if !raw.starts_with(b"Ed") {
        return Err("it is not an Ed25519 public key".into());
    }
    let key = raw[2..10].try_into().map_err(|_| "it has no key number".to_owned())?;
    let public = minisign_verify::PublicKey::from_base64(line).map_err(|error| error.to_string())?;
    Ok((KeyId::from_bytes(key), public))
}

/// Base64 with its one spelling: padding there, unused bits zero.
fn canonical(line: &str, length: usize) -> Result<Vec<u8>, String> {
    let bytes = STANDARD.decode(line).map_err(|error| format!("its base64 is not canonical: {error}"))?;
    if bytes.len() != length || STANDARD.encode(&bytes) != line {
        return Err(format!("a line holds {} bytes instead of {length}", bytes.len()));
    }
    Ok(bytes)
}
