//! The part of a receipt that says what was installed, and where.

use sealift_bundle::{Bundle, ItemKind, Verified};
use sealift_cluster::Role;
use sealift_stream::Digest;
use serde::Serialize;

use super::course::Course;
use super::site::SiteFiles;

/// The bundle, as its signature binds it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Release {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) sequence: u64,
    pub(crate) created: String,
    pub(crate) kubernetes: String,
    /// Digest of `manifest.json`, whose signature binds everything else.
    pub(crate) manifest: Option<Digest>,
    /// Number of the key that signed it and is trusted here.
    pub(crate) signer: String,
    pub(crate) comment: String,
}

/// A server.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) role: &'static str,
    pub(crate) address: String,
    /// Fingerprint of the pinned host key, by which it proved to be this machine.
    pub(crate) host_key: Option<String>,
    /// What it is; none when it could not be asked.
    pub(crate) system: Option<System>,
    /// Images in its container runtime when the run had ended; none when it could not be asked.
    pub(crate) images: Option<Vec<Image>>,
}

/// What a server is.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct System {
    pub(crate) os: String,
    pub(crate) kernel: String,
    pub(crate) arch: String,
    pub(crate) cpus: u32,
    pub(crate) memory: u64,
}

/// An image on a server.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Image {
    pub(crate) name: String,
    pub(crate) digest: Digest,
    pub(crate) whole: bool,
    pub(crate) pinned: bool,
}

/// A thing in the bundle.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Item {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) digest: Digest,
    /// Bytes; of an image with all its layers, so that layers which images share count in each.
    pub(crate) size: u64,
}

impl Release {
    pub(super) fn of(bundle: &Bundle<Verified>) -> Self {
        let manifest = bundle.manifest();
        Self {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            sequence: manifest.sequence,
            created: manifest.created.clone(),
            kubernetes: manifest.kubernetes.version.clone(),
            manifest: bundle.manifest_digest(),
            signer: bundle.signer().to_string(),
            comment: bundle.trusted_comment().to_owned(),
        }
    }
}

/// Every item of the bundle.
pub(super) fn items(bundle: &Bundle<Verified>) -> Vec<Item> {
    let platform = bundle.manifest().platforms.first();
    let size = |item: &sealift_bundle::Item| {
        let blobs = platform.filter(|_| item.kind == ItemKind::Image);
        let blobs = blobs.and_then(|platform| bundle.image_blobs(item, platform).ok());
        blobs.map_or(item.size, |blobs| blobs.iter().map(|blob| blob.size).sum())
    };
    let items = bundle.manifest().items.iter().map(|item| Item {
        kind: item.kind.as_str(),
        name: item.name.clone(),
        version: item.version.clone(),
        digest: item.digest,
        size: size(item),
    });
    items.collect()
}

/// Every node of the cluster file, with what the run learned about it.
pub(super) fn nodes(files: &SiteFiles, course: &Course) -> Vec<Node> {
    let node = |node: &sealift_cluster::Node| {
        let name = node.name.as_str();
        let images = course.images.get(name).map(|images| {
            let image = |image: &sealift_node::ImageState| Image {
                name: image.name.clone(),
                digest: image.target,
                whole: image.complete,
                pinned: image.pinned,
            };
            images.iter().map(image).collect()
        });
        Node {
            name: name.to_owned(),
            role: match node.role {
                Role::ControlPlane => "control-plane",
                Role::Worker => "worker",
            },
            address: node.ssh.address.to_string(),
            host_key: node.ssh.host_key().map(sealift_cluster::HostKey::fingerprint),
            system: course.facts.get(name).map(|facts| System {
                os: facts.os_name.clone(),
                kernel: facts.kernel.clone(),
                arch: facts.arch.clone(),
                cpus: facts.cpus,
                memory: facts.memory,
            }),
            images,
        }
    };
    files.cluster.nodes().iter().map(node).collect()
}
