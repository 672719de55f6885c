//! Every check's verdict, and what follows from all of them.

use sealift_node::HostError;
use serde::Serialize;

use crate::check::{Check, Class, Judge, Scope, Severity, check, checks};
use crate::facts::Facts;
use crate::site::{Selection, Site};
use crate::view::{Judged, Miss, View};

/// How a check ended. "Could not check" is neither of the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// Looked at, and well.
    Passed,
    /// Looked at, and not.
    Finding {
        /// What was seen, a line each.
        evidence: Vec<String>,
    },
    /// A finding that somebody takes the responsibility for.
    Overridden {
        /// What was seen, a line each.
        evidence: Vec<String>,
    },
    /// A fact could not be had.
    CouldNotCheck {
        /// Why.
        why: String,
    },
    /// It makes no sense here.
    NotApplicable {
        /// Why.
        why: &'static str,
    },
}

/// One check on one node, or on all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The check's id.
    pub check: &'static str,
    /// What becomes of a finding.
    pub severity: Severity,
    /// What it is about.
    pub scope: Scope,
    /// Which node; none when it is about several.
    pub node: Option<String>,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
}

impl Verdict {
    /// What is known of the check itself.
    pub fn check(&self) -> Option<&'static Check> {
        check(self.check)
    }
}

/// How many verdicts of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Checks that were made, by id.
    pub checks: usize,
    /// Verdicts in all.
    pub verdicts: usize,
    /// Well.
    pub passed: usize,
    /// Findings that install refuses.
    pub refuse: usize,
    /// Findings that somebody will be sorry about.
    pub warn: usize,
    /// Findings that are worth knowing.
    pub info: usize,
    /// Findings that somebody answers for.
    pub overridden: usize,
    /// Facts that could not be had.
    pub could_not_check: usize,
    /// No sense here.
    pub not_applicable: usize,
}

/// All verdicts.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The site's name.
    pub cluster: String,
    /// In the order of the table of checks, then of the cluster file.
    pub verdicts: Vec<Verdict>,
    /// How many of each.
    pub counts: Counts,
}

impl Report {
    /// Judges; without `measured` only what needs no measurement.
    pub fn of(site: &Site<'_>, selection: &Selection, measured: bool) -> Self {
        let wanted = |check: &&Check| {
            (measured || !check.measured) && (selection.only.is_empty() || selection.only.contains(check.id))
        };
        let mut report =
            Self { cluster: site.cluster.name().to_string(), verdicts: vec![], counts: Counts::default() };
        for check in checks().filter(wanted) {
            report.counts.checks += 1;
            let skip = selection.skip.contains(check.id);
            match check.judge {
                Judge::Site(judge) => report.add(check, None, judge(site), skip),
                Judge::Node(judge) => {
                    for (node, facts) in &site.nodes {
                        let judged = of_node(site, check, node, facts, judge);
                        report.add(check, Some(node.name.to_string()), judged, skip);
                    }
                }
            }
        }
        report
    }

    fn add(&mut self, check: &Check, node: Option<String>, judged: Judged, skip: bool) {
        let outcome = match judged {
            Ok(evidence) if evidence.is_empty() => Outcome::Passed,
            Ok(evidence) if skip => Outcome::Overridden { evidence },
            Ok(evidence) => Outcome::Finding { evidence },
            Err(Miss::NotApplicable(why)) => Outcome::NotApplicable { why },
            Err(Miss::Unknown(why)) => Outcome::CouldNotCheck { why },
        };
        let counts = &mut self.counts;
        counts.verdicts += 1;
        *match (&outcome, check.severity) {
            (Outcome::Passed, _) => &mut counts.passed,
            (Outcome::Finding { .. }, Severity::Refuse) => &mut counts.refuse,
            (Outcome::Finding { .. }, Severity::Warn) => &mut counts.warn,
            (Outcome::Finding { .. }, Severity::Info) => &mut counts.info,
            (Outcome::Overridden { .. }, _) => &mut counts.overridden,
            (Outcome::CouldNotCheck { .. }, _) => &mut counts.could_not_check,
            (Outcome::NotApplicable { .. }, _) => &mut counts.not_applicable,
        } += 1;
        let (check, severity, scope) = (check.id, check.severity, check.scope);
        self.verdicts.push(Verdict { check, severity, scope, node, outcome });
    }

    /// Findings, the gravest first.
    pub fn findings(&self) -> Vec<&Verdict> {
        let mut all: Vec<&Verdict> =
            self.verdicts.iter().filter(|one| matches!(one.outcome, Outcome::Finding { .. })).collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.severity));
        all
    }

    /// What somebody answers for.
    pub fn overridden(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().filter(|one| matches!(one.outcome, Outcome::Overridden { .. }))
    }

    /// What could not be checked.
    pub fn unknown(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().filter(|one| matches!(one.outcome, Outcome::CouldNotCheck { .. }))
    }

    /// Whether install refuses.
    pub fn refuses(&self) -> bool {
        self.counts.refuse > 0
    }

    /// Whether something that install would refuse could not be checked, and nobody answers for it.
    pub fn is_open(&self, selection: &Selection) -> bool {
        self.unknown().any(|one| one.severity == Severity::Refuse && !selection.skip.contains(one.check))
    }
}

fn of_node(
    site: &Site<'_>,
    check: &Check,
    node: &sealift_cluster::Node,
    facts: &Result<Facts, HostError>,
    judge: fn(&View<'_>) -> Judged,
) -> Judged {
    let Ok(facts) = facts else { return Err(Miss::Unknown("the node was not reached".to_owned())) };
    let view = View { cluster: site.cluster, node, facts, offer: site.offer.as_ref() };
    match check.class {
        Class::ControlPlanes if !view.is_control_plane() => {
            return Err(Miss::NotApplicable("no control plane"));
        }
        Class::Gpus if node.gpu == sealift_cluster::Gpu::None => {
            return Err(Miss::NotApplicable("its GPUs are not used"));
        }
        Class::Untouched if view.ours()? => {
            return Err(Miss::NotApplicable("sealift has worked there: it would find its own"));
        }
        _ => {}
    }
    judge(&view)
}
