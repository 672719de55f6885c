//! Why a bundle could not be read, kept apart from why it is refused.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use sealift_stream::Digest;

use crate::KeyId;

/// What can go wrong with a bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It could not be checked: the file system said no.
    #[error("{doing} {path}: {source}")]
    Io {
        /// What was tried, e.g. `reading`.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It was checked, and it is bad. Exit code 3.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Checked, and bad. Nothing of the bundle has been used.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no signature at all.
    #[error("checking {dir}: it has no signature (manifest.json.minisig)")]
    Unsigned {
        /// The bundle.
        dir: PathBuf,
    },
    /// A signature file is not in minisign's format, to the letter.
    #[error("checking signature {path}: {reason}")]
    SignatureFormat {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The signature is not one over this manifest.
    #[error("checking signature {path}: it does not match manifest.json (key {key})")]
    SignatureBad {
        /// The file.
        path: PathBuf,
        /// The trusted key it claims to be from.
        key: KeyId,
    },
    /// Signed, but by nobody we trust.
    #[error(
        "checking {dir}: signed by {}, which is none of the trusted keys ({})",
        list(seen),
        list(trusted)
    )]
    UnknownKey {
        /// The bundle.
        dir: PathBuf,
        /// The keys that signed.
        seen: Vec<KeyId>,
        /// The keys we were given.
        trusted: Vec<KeyId>,
    },
    /// The manifest is not one, or contradicts itself.
    #[error("checking manifest {path}: {reason}")]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The bundle is for a later sealift.
    #[error("checking manifest {path}: it needs sealift {minimum} or later, this is {ours}; {brings}")]
    TooNew {
        /// The file.
        path: PathBuf,
        /// What it needs.
        minimum: semver::Version,
        /// What we are.
        ours: semver::Version,
        /// Whether the way out is in it. Boxed, as every result would carry its size.
        brings: Box<Brings>,
    },
    /// Another format than the one we know, so that not even a newer sealift can be found in it.
    #[error(
        "checking manifest {path}: it has schema {schema}; this sealift knows schema {known}, and cannot look for a \
         later sealift in it",
        known = crate::Manifest::SCHEMA
    )]
    UnknownSchema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        schema: u32,
    },
    /// `chunks.bin` is not the signed one.
    #[error("checking chunk list {path}: {reason}")]
    ChunkList {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Volumes are missing, cut, or not listed. All of them at once.
    #[error("checking volumes in {dir}: {}", list(problems))]
    Volumes {
        /// The bundle.
        dir: PathBuf,
        /// What is wrong.
        problems: Vec<VolumeProblem>,
    },
    /// Parts of volumes are not what was signed.
    #[error("checking content of {dir}: damaged: {}", list(ranges))]
    Damaged {
        /// The bundle.
        dir: PathBuf,
        /// Where, in order.
        ranges: Vec<DamagedRange>,
    },
    /// Every chunk is as signed and the blob is not: the one who packed it made a mistake.
    #[error("checking blob {expected}: its content has {seen}")]
    BlobDigest {
        /// What the manifest says.
        expected: Digest,
        /// What came out.
        seen: Digest,
    },
    /// Something that is needed is not in the bundle.
    #[error("looking for {what}: it is not in the bundle")]
    Absent {
        /// What was looked for.
        what: String,
    },
    /// An image's documents cannot be followed.
    #[error("reading image {image}: {reason}")]
    Image {
        /// Its name.
        image: String,
        /// What is wrong.
        reason: String,
    },
}

/// Whether a bundle that needs a later sealift brings it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Brings {
    /// This one, for this platform.
    Sealift(semver::Version),
    /// None for this platform.
    None(crate::Platform),
    /// Its schema is unknown: nobody can look.
    Unknown(u32),
}

impl fmt::Display for Brings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sealift(version) => write!(f, "it brings sealift {version}"),
            Self::None(platform) => write!(f, "it brings no sealift for {platform}"),
            Self::Unknown(schema) => {
                write!(f, "its schema {schema} is unknown, so it cannot be asked for one")
            }
        }
    }
}

/// One volume that is not as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VolumeProblem {
    /// Listed, and not there.
    Missing {
        /// Its name.
        volume: String,
    },
    /// There, with another size than listed.
    Size {
        /// Its name.
        volume: String,
        /// Bytes listed.
        expected: u64,
        /// Bytes there.
        seen: u64,
    },
    /// There, and not listed.
    Unlisted {
        /// Its name.
        volume: String,
    },
}

impl fmt::Display for VolumeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { volume } => write!(f, "{volume} is missing"),
            Self::Size { volume, expected, seen } if seen < expected => {
                let range = DamagedRange::of(volume, *seen, *expected, false);
                write!(f, "{volume} is cut: {seen} of {expected} bytes ({range} is gone)")
            }
            Self::Size { volume, expected, seen } => {
                write!(f, "{volume} has {seen} bytes instead of {expected}")
            }
            Self::Unlisted { volume } => write!(f, "{volume} is not in the signed list"),
        }
    }
}

/// A range of one volume, in whole chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedRange {
    /// The volume's name.
    pub volume: String,
    /// First byte, within the volume.
    pub from: u64,
    /// Byte behind the last, within the volume.
    pub to: u64,
    /// The device did not give the bytes; otherwise it gave wrong ones.
    pub unreadable: bool,
}

impl DamagedRange {
    /// The whole chunks around some bytes of a volume.
    pub(crate) fn of(volume: &str, from: u64, to: u64, unreadable: bool) -> Self {
        let from = from - from % crate::CHUNK_SIZE;
        Self { volume: volume.to_owned(), from, to, unreadable }
    }

    /// Bytes.
    pub fn len(&self) -> u64 {
        self.to - self.from
    }

    /// A range of nothing; does not occur in a refusal.
    pub fn is_empty(&self) -> bool {
        self.to == self.from
    }
}

impl fmt::Display for DamagedRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from >> 20, self.to.div_ceil(1 << 20));
        let note = if self.unreadable { " (unreadable)" } else { "" };
        write!(f, "{}, {from}-{to} MiB{note}", self.volume)
    }
}

impl BundleError {
    pub(crate) fn reading(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        Self::io("reading", path)
    }

    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }

    /// Finds the refusal that a [`BlobReader`](crate::BlobReader) wrapped into an `io::Error`, if it is one.
    pub fn refusal_in(error: &io::Error) -> Option<&Refusal> {
        match error.get_ref()?.downcast_ref::<Self>()? {
            Self::Refused(refusal) => Some(refusal),
            Self::Io { .. } => None,
        }
    }

    /// Whether the bundle itself is bad (exit code 3), as opposed to unreadable here and now.
    pub fn is_integrity(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    /// What to do next, for people.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Io { .. } => {
                Some("nothing was used; check the stick and the path, then run the same command again")
            }
            Self::Refused(refusal) => refusal.hint(),
        }
    }
}

impl From<BundleError> for io::Error {
    fn from(error: BundleError) -> Self {
        let kind = match &error {
            BundleError::Io { source, .. } => source.kind(),
            BundleError::Refused(_) => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

impl Refusal {
    /// What to do next, for people.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Unsigned { .. } => "pack it again with --key KEY.sec: pack signs what it has packed",
            Self::UnknownKey { .. } => {
                "if you know the signer, get the .pub file from them by another way than this stick, and give it with --trust"
            }
            Self::SignatureFormat { .. } | Self::SignatureBad { .. } | Self::Manifest { .. } => {
                "do not use this bundle; get it again from where it was packed"
            }
            Self::TooNew { .. } | Self::UnknownSchema { .. } => {
                "take the later sealift from whoever packed the bundle"
            }
            Self::ChunkList { .. } | Self::Volumes { .. } | Self::Damaged { .. } => {
                "nothing was used; copy the bundle to the stick again, or try another stick"
            }
            Self::BlobDigest { .. } | Self::Image { .. } => "the bundle was packed wrongly; pack it again",
            Self::Absent { .. } => return None,
        })
    }
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
