//! Why a bundle could not be packed.

use std::io;
use std::path::{Path, PathBuf};

use sealift_stream::Digest;

use crate::{BundleError, LockError};

/// What can go wrong while packing. What was fetched stays in the `.part` directory, for the next run.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The lock contradicts itself.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Volumes must hold whole chunks.
    #[error("choosing a volume size: {size} is no multiple of 4 MiB")]
    VolumeSize {
        /// Bytes asked for.
        size: u64,
    },
    /// Another bundle of this name and version is there.
    #[error("packing {dir}: another bundle of this name and version is there already")]
    Exists {
        /// It.
        dir: PathBuf,
    },
    /// It is there, by its manifest, and its content is another one. Exit code 3.
    #[error("packing {dir}: it is there already and not as it was packed: {reason}; it was not signed")]
    Spoilt {
        /// It.
        dir: PathBuf,
        /// What of it.
        reason: String,
    },
    /// Another sealift is packing the same.
    #[error("packing {part}: another sealift is at work there")]
    Busy {
        /// The part directory.
        part: PathBuf,
    },
    /// The file system said no.
    #[error("{doing} {path}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A source did not give a blob.
    #[error("fetching blob {digest} from {origin}, byte {at} of {size}: {source}")]
    Source {
        /// Which.
        digest: Digest,
        /// From where.
        origin: String,
        /// How far it had come.
        at: u64,
        /// Its size.
        size: u64,
        /// Why not.
        source: io::Error,
    },
    /// A source gave other content than the lock pins. Exit code 3.
    #[error("fetching blob {digest} from {origin}: {reason}")]
    Content {
        /// What the lock pins.
        digest: Digest,
        /// From where.
        origin: String,
        /// What came.
        reason: String,
    },
    /// The finished bundle does not hold together. Exit code 3.
    #[error("checking the packed bundle: {0}")]
    Check(#[from] BundleError),
    /// A thread ended by itself: a bug of ours.
    #[error("packing: a worker ended early: {0}")]
    Worker(#[from] tokio::task::JoinError),
}

impl PackError {
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }

    /// Whether content was checked and is bad (exit code 3), as opposed to not to be had.
    pub fn is_integrity(&self) -> bool {
        match self {
            Self::Content { .. } | Self::Spoilt { .. } => true,
            Self::Check(error) => error.is_integrity(),
            _ => false,
        }
    }

    /// What to do next, for people.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Exists { .. } => "give the recipe a new version, or move the old bundle away",
            Self::Spoilt { .. } => "move it away, then run the same command again",
            Self::Busy { .. } => "wait for it, or end it; what it has fetched is kept",
            Self::Source { .. } | Self::Io { .. } => {
                "what was fetched is kept; run the same command again to go on"
            }
            Self::Content { .. } => {
                "upstream or a mirror changed it under the same name: make a new lock and look at what differs"
            }
            _ => return None,
        })
    }
}
