//! The bundle: what goes in (recipe, lock), how it is laid out (layout, tar, volumes, chunks), who vouches
//! for it (manifest, signature, trust), and how it is read (verified chunk by chunk, in memory).
//!
//! `FORMAT.md` in the repository's `bundle/` folder describes the same for a reader without this code.

mod artifact;
mod blob;
mod carrier;
mod check;
mod chunk;
mod content;
mod error;
mod files;
mod image;
mod item;
mod key;
mod layout;
mod lock;
mod manifest;
mod minisig;
mod nearby;
mod oci;
mod open;
mod pack;
mod platform;
mod reader;
mod recipe;
mod sign;
mod source;
mod strict;
mod summary;
mod tarhead;
mod trust;
mod verified;
mod verify;
mod volume;

pub use blob::{BlobEntry, BlobKind, LockedBlob, Source};
pub use carrier::{Carried, Carrier, SEALIFT};
pub use chunk::CHUNK_SIZE;
pub use error::{Brings, BundleError, DamagedRange, Refusal, VolumeProblem};
pub use item::{ChartItem, Item, ItemKind, PackageItem};
pub use key::{KeyError, SecretKey, generate_key};
pub use layout::pack_size;
pub use lock::{Lock, LockError};
pub use manifest::{ChunkInfo, Kubernetes, Manifest, VolumeInfo};
pub use minisig::KeyId;
pub use open::{Bundle, Unverified};
pub use pack::{PackError, PackOptions, Packed, discard_part, pack};
pub use platform::{BadPlatform, Platform};
pub use reader::BlobReader;
pub use recipe::{
    AptRepository, ChartRecipe, FileRecipe, ManifestRecipe, Metadata, OsPackagesRecipe, Recipe, RecipeError,
    RecipeSpec,
};
pub use sign::{sign, sign_document};
pub use source::{BlobSource, BoxBlobStream};
pub use summary::Summary;
pub use trust::{Trust, TrustError};
pub use verified::Verified;
pub use verify::Report;
pub use volume::DEFAULT_VOLUME_SIZE;
