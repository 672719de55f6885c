//! The bundle: what goes in (recipe, lock), how it is laid out (layout, tar, volumes, chunks), who vouches
//! for it (manifest, signature, trust), and how it is read (verified chunk by chunk, in memory).
//!
//! `FORMAT.md` in the repository's `bundle/` folder describes the same for a reader without this code.

mod artifact;
mod blob;
mod check;
mod item;
mod lock;
mod manifest;
mod oci;
mod platform;
mod recipe;
mod source;

pub use blob::{BlobEntry, BlobKind, LockedBlob, Source};
pub use item::{ChartItem, Item, ItemKind};
pub use lock::{Lock, LockError};
pub use manifest::{ChunkInfo, Kubernetes, Manifest, VolumeInfo};
pub use platform::{BadPlatform, Platform};
pub use recipe::{ChartRecipe, FileRecipe, ManifestRecipe, Metadata, Recipe, RecipeError, RecipeSpec};
pub use source::{BlobSource, BoxBlobStream};
