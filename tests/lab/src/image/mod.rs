//! Container images with true insides, written as OCI layouts; same inputs, same digests.

pub mod compose;
pub mod hash;
pub mod layer;
pub mod layout;
pub mod spec;
