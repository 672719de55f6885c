//! What a check is: data, and one function that judges facts.

use serde::Serialize;

use crate::family;
use crate::site::Site;
use crate::view::{Judged, View};

/// What becomes of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing: install deals with it, or it does no harm here.
    Info,
    /// It will work, and somebody will be sorry later.
    Warn,
    /// It will not work, or something would be lost: install refuses.
    Refuse,
}

impl Severity {
    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Refuse => "refuse",
        }
    }
}

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// One node by itself.
    Node,
    /// Several nodes, held against each other.
    Between,
    /// The site: networks, pools, name servers, the bundle.
    Site,
}

impl Scope {
    /// In a word or two.
    pub fn word(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Between => "between nodes",
            Self::Site => "site",
        }
    }
}

/// Which nodes a check of one node is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// All of them.
    All,
    /// Those that run the API and etcd.
    ControlPlanes,
    /// Those whose GPUs are used.
    Gpus,
    /// Those on which sealift has not installed anything yet: on the others the cluster itself would be found.
    Untouched,
}

/// How a check comes to its judgement.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Judge {
    /// Of one node.
    Node(fn(&View<'_>) -> Judged),
    /// Of all of them.
    Site(fn(&Site<'_>) -> Judged),
}

/// One check.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Check {
    /// Its name: short, never changed, never used for another.
    pub id: &'static str,
    /// What becomes of a finding.
    pub severity: Severity,
    /// What it is about.
    pub scope: Scope,
    /// Which nodes.
    pub class: Class,
    /// Whether it needs a measurement. Install makes none, so it goes by all other checks.
    pub measured: bool,
    /// Why a finding is bad.
    pub cause: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// The field of the cluster file that decides it, or makes it needless.
    pub field: Option<&'static str>,
    #[serde(skip)]
    pub(crate) judge: Judge,
}

/// All checks, by family.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    family::ALL.iter().flat_map(|family| family.iter())
}

/// A check by its id.
pub fn check(id: &str) -> Option<&'static Check> {
    checks().find(|check| check.id == id)
}

impl Check {
    const fn new(id: &'static str, severity: Severity, scope: Scope, judge: Judge) -> Self {
        let class = Class::All;
        Self { id, severity, scope, class, measured: false, cause: "", remedy: "", field: None, judge }
    }

    /// A check of one node.
    pub(crate) const fn node(id: &'static str, severity: Severity, judge: fn(&View<'_>) -> Judged) -> Self {
        Self::new(id, severity, Scope::Node, Judge::Node(judge))
    }

    /// A check that holds nodes against each other.
    pub(crate) const fn between(
        id: &'static str,
        severity: Severity,
        judge: fn(&Site<'_>) -> Judged,
    ) -> Self {
        Self::new(id, severity, Scope::Between, Judge::Site(judge))
    }

    /// A check of the site.
    pub(crate) const fn site(id: &'static str, severity: Severity, judge: fn(&Site<'_>) -> Judged) -> Self {
        Self::new(id, severity, Scope::Site, Judge::Site(judge))
    }

    /// Why a finding is bad, and what to do about it.
    pub(crate) const fn says(mut self, cause: &'static str, remedy: &'static str) -> Self {
        self.cause = cause;
        self.remedy = remedy;
        self
    }

    pub(crate) const fn on(mut self, class: Class) -> Self {
        self.class = class;
        self
    }

    pub(crate) const fn by(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    pub(crate) const fn measured(mut self) -> Self {
        self.measured = true;
        self
    }
}
