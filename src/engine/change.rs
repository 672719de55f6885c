//! One difference between what a node is and what it should be, and why it matters.

use serde::{Deserialize, Serialize};

/// A difference a step found. What a plan shows, a run applies, and the journal records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What is changed, e.g. `/etc/sysctl.d/90-sealift.conf` or `image registry.k8s.io/pause:3.10.2`.
    pub what: String,
    /// How it is now, in a few words; never content of a secret.
    pub before: String,
    /// How it will be.
    pub after: String,
    /// Why, as a clause that can stand behind "because".
    pub reason: String,
}

impl Change {
    /// A change with all its words.
    pub fn new(
        what: impl Into<String>,
        before: impl Into<String>,
        after: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        Self { what: what.into(), before: before.into(), after: after.into(), reason: reason.into() }
    }
}

/// How sure a plan is of a step's changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// Observed now.
    Known,
    /// Can only be observed after the named step has run, e.g. nothing can be asked of an API that is not up.
    After(String),
}
