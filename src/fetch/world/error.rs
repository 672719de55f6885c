//! "Not closed" and "could not check" are different things.

use std::fmt;
use std::path::PathBuf;

use crate::FetchError;
use crate::error::lines;

/// An image that something names and the lock does not have.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct MissingImage {
    /// Who names it: `chart metallb`, `manifest flannel`, `kubeadm`.
    pub origin: String,
    /// In which object: `Deployment/controller`.
    pub object: String,
    /// The name, written out in full.
    pub image: String,
}

impl fmt::Display for MissingImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {}", self.origin, self.object, self.image)
    }
}

/// Why a recipe's world is not closed, or was not found out.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// Checked, and bad: all that is missing.
    #[error("{} not in the bundle:{}", count(.0), lines(.0))]
    Missing(Vec<MissingImage>),
    /// The recipe has charts or a Kubernetes version, but not the program that says what they need.
    #[error("checking the recipe's images: it has no file named '{name}', which is needed for that")]
    NoTool {
        /// `helm` or `kubeadm`.
        name: &'static str,
    },
    /// The program could not be had.
    #[error("fetching {what} to check the recipe's images: {source}")]
    Fetch {
        /// Which file or chart.
        what: String,
        /// Why not.
        source: FetchError,
    },
    /// The program failed.
    #[error("{doing}: {reason}")]
    Program {
        /// e.g. `rendering chart metallb`.
        doing: String,
        /// Its exit status and its last words.
        reason: String,
    },
    /// A sealift that is not what the recipe says: a site would be told of a version that never comes.
    #[error("asking file sealift for its version: it says '{said}', and the recipe says {wanted}")]
    Sealift {
        /// Its own words.
        said: String,
        /// The recipe's.
        wanted: String,
    },
    /// Its output, or a manifest, is not YAML of Kubernetes objects.
    #[error("looking for images in {origin}: {reason}")]
    Unreadable {
        /// `chart metallb`, `manifest flannel`.
        origin: String,
        /// What is wrong.
        reason: String,
    },
    /// A local file.
    #[error("using {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

fn count(missing: &[MissingImage]) -> String {
    match missing.len() {
        1 => "1 image is".to_owned(),
        more => format!("{more} images are"),
    }
}
