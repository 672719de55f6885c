//! containerd over its socket: content, snapshots, images in the namespace that kubelet's runtime uses.

mod client;
mod content;
mod image;
mod import;
mod labels;
mod list;
mod oci;
mod snapshot;

pub(crate) use content::{content_offset, open_content, put_content};
pub(crate) use image::remove;
pub(crate) use import::{Import, import};
pub(crate) use list::images;
