//! Small readers and digests that everything else is stacked from.

mod atomic;
mod digest;
mod hash;
mod limit;
mod meter;
mod size;

pub use atomic::AtomicFile;
pub use digest::{BadDigest, Digest, Hasher};
pub use hash::HashReader;
pub use limit::LimitReader;
pub use meter::{Meter, NoMeter};
pub use size::ByteSize;
