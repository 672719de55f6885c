//! Small readers and digests that everything else is stacked from.

mod digest;

pub use digest::{BadDigest, Digest, Hasher};
