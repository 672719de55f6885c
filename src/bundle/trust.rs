//! Whose signature counts.

use std::path::{Path, PathBuf};

use crate::KeyId;
use crate::minisig::{Minisig, parse_public_key};

/// A set of public keys; a bundle needs a valid signature by one of them.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    keys: Vec<(KeyId, minisign_verify::PublicKey)>,
}

/// Why trusted keys cannot be used. Usage, not integrity.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A key file could not be read.
    #[error("reading public key {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It is not a public key.
    #[error("parsing public key {origin}: {reason}")]
    Parse {
        /// The file.
        origin: String,
        /// What is wrong.
        reason: String,
    },
    /// No key was given: nothing could be trusted.
    #[error("no trusted key was given; name the signer's .pub file with --trust")]
    Empty,
}

impl Trust {
    /// Reads `.pub` files of `sealift key generate` or `minisign -G`.
    pub fn from_files<P: AsRef<Path>>(paths: &[P]) -> Result<Self, TrustError> {
        let mut trust = Self::default();
        for path in paths {
            let path = path.as_ref();
            let text = std::fs::read_to_string(path)
                .map_err(|source| TrustError::Read { path: path.to_owned(), source })?;
            trust.add(&text, &path.display().to_string())?;
        }
        if trust.keys.is_empty() { Err(TrustError::Empty) } else { Ok(trust) }
    }

    /// Adds the text of one `.pub` file.
    pub fn add(&mut self, text: &str, origin: &str) -> Result<(), TrustError> {
        let key = parse_public_key(text)
            .map_err(|reason| TrustError::Parse { origin: origin.to_owned(), reason })?;
        self.keys.push(key);
        Ok(())
    }

    /// The numbers of the trusted keys.
    pub fn key_ids(&self) -> Vec<KeyId> {
        self.keys.iter().map(|(id, _)| *id).collect()
    }

    /// Whether a trusted key of the signature's number made it over these bytes; none when we trust no such key.
    pub(crate) fn check(&self, minisig: &Minisig, bytes: &[u8]) -> Option<bool> {
        let mut candidates = self.keys.iter().filter(|(id, _)| *id == minisig.key).peekable();
        candidates.peek()?;
        Some(candidates.any(|(_, key)| key.verify(bytes, &minisig.signature, false).is_ok()))
    }
}
