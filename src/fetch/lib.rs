//! Brings images, charts and files from registries and download sites: resolves a recipe into a lock,
//! opens the blobs a lock names, and proves that every image anything names is inside.

mod auth;
mod dns;
mod error;
mod fetcher;
mod http;
mod local;
mod mirrors;
mod name;
mod registry;
mod resolve;
mod retry;
mod world;

pub use error::FetchError;
pub use fetcher::{FetchOptions, Fetcher};
pub use mirrors::Mirrors;
pub use name::ImageName;
pub use resolve::resolve;
pub use retry::Patience;
pub use world::{FoundImage, MissingImage, WorldError, WorldReport, closed_world, images_of};
