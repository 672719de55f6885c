//! Small readers and digests that everything else is stacked from.

mod atomic;
mod digest;
mod hash;
mod limit;
mod meter;
mod schema;
mod size;

pub use atomic::{AtomicFile, SealedFile};
pub use digest::{BadDigest, Digest, Hasher};
pub use hash::HashReader;
pub use limit::LimitReader;
pub use meter::{Meter, NoMeter};
pub use schema::{Format, SchemaError, Step};
pub use size::ByteSize;
