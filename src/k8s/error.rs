//! What can go wrong between sealift and a cluster's API.

use crate::wait::Stuck;

/// An error of this crate; each names the object and what the API said.
#[derive(Debug, thiserror::Error)]
pub enum K8sError {
    /// The kubeconfig cannot be used.
    #[error("reading the kubeconfig: {why}")]
    Kubeconfig {
        /// What is wrong with it; never its content.
        why: String,
    },
    /// The API did not answer.
    #[error("{doing}: the API at {server} did not answer: {why}")]
    Unreachable {
        /// What was asked, e.g. `getting Node cp1`.
        doing: String,
        /// The server's name.
        server: String,
        /// The innermost reason.
        why: String,
    },
    /// The API answered no.
    #[error("{doing}: the API refused ({code} {reason}): {message}")]
    Refused {
        /// What was asked.
        doing: String,
        /// HTTP status.
        code: u16,
        /// Kubernetes' machine-readable reason.
        reason: String,
        /// Kubernetes' message.
        message: String,
    },
    /// A manifest cannot be understood.
    #[error("reading document {index} of {origin}: {why}")]
    Document {
        /// Name of the manifest.
        origin: String,
        /// Which of its documents, counted from 1.
        index: usize,
        /// What is wrong.
        why: String,
    },
    /// The cluster knows no such kind.
    #[error("applying {object}: the cluster knows no {kind} in {api_version}; is its CRD applied?")]
    UnknownKind {
        /// The object, shortly.
        object: String,
        /// Its kind.
        kind: String,
        /// Its group and version.
        api_version: String,
    },
    /// A deadline passed while an object was still refused for a reason that can pass.
    #[error(
        "applying {object}: gave up after {seconds} s and {attempts} attempts; the last answer was: {last}"
    )]
    GaveUp {
        /// The object, shortly.
        object: String,
        /// Seconds since the first attempt.
        seconds: u64,
        /// Attempts.
        attempts: u32,
        /// The last error.
        last: String,
    },
    /// A deadline passed while something was not ready.
    #[error("waiting for the cluster: after {seconds} s not ready:{}", list(stuck))]
    NotReady {
        /// Seconds waited.
        seconds: u64,
        /// What is not ready, and why.
        stuck: Vec<Stuck>,
    },
}

fn list(stuck: &[Stuck]) -> String {
    stuck.iter().fold(String::new(), |text, stuck| text + "\n  " + &stuck.to_string())
}

impl K8sError {
    /// Puts kube's error into our words.
    pub(crate) fn of(doing: &str, server: &str, error: &kube::Error) -> Self {
        let doing = doing.to_owned();
        if let kube::Error::Api(status) = error {
            let (reason, message) = (status.reason.clone(), status.message.clone());
            return Self::Refused { doing, code: status.code, reason, message };
        }
        Self::Unreachable { doing, server: server.to_owned(), why: innermost(error) }
    }

    /// Whether the thing asked for is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { code: 404, .. })
    }
}

/// The last cause of a chain: hyper and tower wrap "connection refused" three times.
fn innermost(error: &kube::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
