//! Blobs from node to node, so that the operator's link carries each of them once.
//!
//! A giver listens on its own address while the run lasts, and gives blobs to whoever proves to know the run's key. Both
//! helpers have that from the operator over SSH. The proof answers a challenge (HMAC-SHA-256, RFC 2104), so that nothing
//! that is worth stealing goes over the wire. The bytes themselves go in clear; whether they are right is found as for
//! any other source, by their digest.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::BlobTarget;

/// Bytes that have come of a blob so far, counted while they come.
pub type Came = Arc<AtomicU64>;

/// What takers prove to know: made for one run, by its operator.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayKey(#[serde(with = "crate::wire::base64_bytes")] Vec<u8>);

impl RelayKey {
    /// A new one.
    pub fn new() -> Self {
        Self(rand::random::<[u8; 32]>().to_vec())
    }

    fn hmac(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.0)
    }
}

impl Default for RelayKey {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RelayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RelayKey")
    }
}

/// A node that gives blobs away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Giver {
    /// Its name in the cluster file.
    pub node: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it wants to see proven.
    pub key: RelayKey,
    /// Whether the blob is still coming to it.
    pub growing: bool,
}

/// The giver's first word.
#[derive(Serialize, Deserialize)]
pub(crate) struct Challenge {
    #[serde(with = "crate::wire::base64_bytes")]
    nonce: Vec<u8>,
}

/// What the taker answers.
#[derive(Serialize, Deserialize)]
pub(crate) struct Wanted {
    pub(crate) target: BlobTarget,
    pub(crate) offset: u64,
    /// Whether it may still be coming.
    pub(crate) growing: bool,
    #[serde(with = "crate::wire::base64_bytes")]
    proof: Vec<u8>,
}

/// The giver's second word; after the first of them come the bytes.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Given {
    Here,
    Missing,
}

impl Challenge {
    pub(crate) fn new() -> Self {
        Self { nonce: rand::random::<[u8; 32]>().to_vec() }
    }

    /// What is proven: this challenge, this blob, from there on.
    fn text(&self, target: &BlobTarget, offset: u64) -> Vec<u8> {
        let kind = match target {
            BlobTarget::File { .. } => "file",
            BlobTarget::Content { .. } => "content",
        };
        let asked = format!("{kind} {} {} {offset}", target.digest(), target.size());
        [&self.nonce, asked.as_bytes()].concat()
    }

    pub(crate) fn answer(&self, key: &RelayKey, target: BlobTarget, offset: u64) -> Wanted {
        let proof = hmac::sign(&key.hmac(), &self.text(&target, offset)).as_ref().to_vec();
        Wanted { target, offset, growing: false, proof }
    }

    pub(crate) fn is_answered(&self, key: &RelayKey, wanted: &Wanted) -> bool {
        hmac::verify(&key.hmac(), &self.text(&wanted.target, wanted.offset), &wanted.proof).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use sealift_stream::Digest;

    use super::{BlobTarget, Challenge, RelayKey};

    #[test]
    fn a_proof_is_for_one_key_one_challenge_and_one_question() {
        let target = BlobTarget::Content { digest: Digest::of(b"x"), size: 9 };
        let (key, challenge) = (RelayKey::new(), Challenge::new());
        let mut wanted = challenge.answer(&key, target.clone(), 3);
        assert!(challenge.is_answered(&key, &wanted));
        assert!(!challenge.is_answered(&RelayKey::new(), &wanted));
        assert!(!Challenge::new().is_answered(&key, &wanted));
        wanted.offset = 4;
        assert!(!challenge.is_answered(&key, &wanted));
        wanted.offset = 3;
        wanted.target = BlobTarget::File { digest: target.digest(), size: 9 };
        assert!(!challenge.is_answered(&key, &wanted));
        assert_eq!(format!("{key:?}"), "RelayKey");
    }
}
