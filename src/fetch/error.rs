//! What can go wrong between here and an upstream, and whether it is worth another try.

use std::time::Duration;

use sealift_stream::Digest;

/// Why something could not be fetched or resolved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// A mirror setting makes no sense.
    #[error("reading mirror '{text}': {reason}")]
    Mirror {
        /// The setting as given.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A name or address cannot be used.
    #[error("reading address '{text}': {reason}")]
    Address {
        /// As it stands in the recipe, the lock or an upstream's answer.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The HTTP client could not be made.
    #[error("preparing the HTTP client: {reason}")]
    Client {
        /// Why not.
        reason: String,
    },
    /// No answer, or one that broke off.
    #[error("asking {url}: {reason}")]
    Transport {
        /// The address that was really asked.
        url: String,
        /// The innermost cause, e.g. `Connection refused (os error 111)`.
        reason: String,
    },
    /// An answer other than success.
    #[error("asking {url}: the server says {status}{}", say(.message))]
    Status {
        /// The address that was really asked.
        url: String,
        /// HTTP status.
        status: u16,
        /// The server's `Retry-After`, cut to what we are ready to wait.
        retry_after: Option<Duration>,
        /// The first words of the body, if it is text.
        message: String,
    },
    /// Tried as often or as long as the budget allows.
    #[error("{last} (gave up after {attempts} attempts in {} s)", .spent.as_secs())]
    Exhausted {
        /// How often it was tried.
        attempts: u32,
        /// From the first attempt on.
        spent: Duration,
        /// The last failure.
        last: Box<FetchError>,
    },
    /// The registry wants credentials that an anonymous pull does not have.
    #[error("authenticating at {registry} for {repository}: {reason}")]
    Auth {
        /// Host and port.
        registry: String,
        /// Repository at that host.
        repository: String,
        /// What the registry or its token service said.
        reason: String,
    },
    /// Content is not what its digest promises.
    #[error("checking {what}: it has {seen}, not {expected}")]
    Digest {
        /// What was fetched, and from where.
        what: String,
        /// Promised.
        expected: Digest,
        /// Received.
        seen: Digest,
    },
    /// Content is longer or shorter than promised.
    #[error("checking {what}: it has {seen} bytes, not {expected}")]
    Size {
        /// What was fetched, and from where.
        what: String,
        /// Promised bytes.
        expected: u64,
        /// Received or announced bytes.
        seen: u64,
    },
    /// A document is larger than any honest one.
    #[error("reading {url}: more than {limit} bytes for a document of this kind")]
    TooLarge {
        /// The address that was really asked.
        url: String,
        /// Bytes.
        limit: u64,
    },
    /// The server answered a range request with another range.
    #[error("resuming {url} at byte {offset}: the server answers {seen}")]
    Range {
        /// The address that was really asked.
        url: String,
        /// Bytes already here.
        offset: u64,
        /// The server's `Content-Range`.
        seen: String,
    },
    /// An image's documents cannot be packed.
    #[error("resolving image {image}: {reason}")]
    Image {
        /// Upstream name.
        image: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file's checksum cannot be had.
    #[error("resolving file {file}: {reason}")]
    File {
        /// The file's name in the recipe.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A chart is not in its repository, or not as promised.
    #[error("resolving chart {chart} from {repository}: {reason}")]
    Chart {
        /// The chart's name in the recipe.
        chart: String,
        /// Its repository, under the upstream name.
        repository: String,
        /// What is wrong.
        reason: String,
    },
    /// A repository of packages cannot be believed, or read.
    #[error("reading repository {repository}: {reason}")]
    Repository {
        /// Its address and suite.
        repository: String,
        /// What is wrong.
        reason: String,
    },
    /// Packages that cannot be had.
    #[error("choosing packages for {system}: {reason}")]
    Packages {
        /// The system they are for.
        system: String,
        /// Why not.
        reason: String,
    },
    /// Something that was being resolved failed below.
    #[error("resolving {what}: {source}")]
    Item {
        /// e.g. `image registry.k8s.io/pause:3.10.2`.
        what: String,
        /// Why.
        source: Box<FetchError>,
    },
    /// More than one item failed.
    #[error("{} items failed:{}", .0.len(), lines(.0))]
    Several(Vec<FetchError>),
    /// What came of it is not a lock.
    #[error(transparent)]
    Lock(#[from] sealift_bundle::LockError),
    /// A local file.
    #[error("using {path}: {source}")]
    Local {
        /// The file.
        path: std::path::PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// Each on a line of its own.
pub(crate) fn lines(all: &[impl std::fmt::Display]) -> String {
    all.iter().fold(String::new(), |text, one| format!("{text}\n{one}"))
}

/// `: text`, or nothing.
fn say(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}

impl FetchError {
    /// From reqwest, whose own text hides the cause and may repeat the address.
    pub(crate) fn transport(url: &str, error: &reqwest::Error) -> Self {
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let reason = if error.is_timeout() { "no answer in time".to_owned() } else { cause.to_string() };
        if error.is_redirect() {
            return Self::Address { text: url.to_owned(), reason: format!("redirected: {reason}") };
        }
        Self::Transport { url: url.to_owned(), reason }
    }

    /// Whether the same request may succeed later. Content that contradicts its digest is never asked for again:
    /// the upstream is wrong, and a second answer that fits would only hide it.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Transport { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }

    /// Whether upstream content contradicts what was promised of it.
    pub fn is_integrity(&self) -> bool {
        match self {
            Self::Digest { .. } | Self::Size { .. } | Self::Range { .. } => true,
            Self::Item { source, .. } => source.is_integrity(),
            Self::Several(errors) => errors.iter().any(Self::is_integrity),
            Self::Exhausted { last, .. } => last.is_integrity(),
            _ => false,
        }
    }

    /// The server's wish.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Names the item on whose behalf it failed.
    pub(crate) fn of(self, what: impl Into<String>) -> Self {
        match self {
            Self::Image { .. }
            | Self::File { .. }
            | Self::Chart { .. }
            | Self::Packages { .. }
            | Self::Item { .. } => self,
            other => Self::Item { what: what.into(), source: Box::new(other) },
        }
    }
}

impl From<FetchError> for std::io::Error {
    fn from(error: FetchError) -> Self {
        let kind =
            if error.is_integrity() { std::io::ErrorKind::InvalidData } else { std::io::ErrorKind::Other };
        Self::new(kind, error)
    }
}
