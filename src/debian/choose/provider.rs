//! Debian's rules in the solver's words.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::{self, Display};

use resolvo::utils::{Pool, VersionSet};
use resolvo::{
    Candidates, Condition, ConditionId, ConditionalRequirement, Dependencies, DependencyProvider, Interner,
    KnownDependencies, NameId, Requirement, SolvableId, SolverCache, StringId, VersionSetId,
    VersionSetUnionId,
};

use crate::{Operator, Package, Relation, Version};

/// Something that answers to a name.
pub(super) enum Candidate {
    /// A package, by its place in the index.
    Real(usize),
    /// A name that a package provides, perhaps in a version.
    Provided { by: usize, version: Option<Version> },
}

/// Candidates of a name: those in these versions or, of a conflict, all others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Set {
    versions: Option<(Operator, String)>,
    /// The package that says that it does not go with the others; it goes with itself.
    except_for: Option<String>,
}

/// All there is.
pub(super) struct Shop<'a> {
    pub(super) packages: &'a [Package],
    pub(super) pool: Pool<Set>,
    pub(super) by_name: BTreeMap<NameId, Vec<SolvableId>>,
    /// What every Debian has.
    pub(super) essential: Vec<&'a Package>,
}

impl Display for Candidate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Real(_) => "a package",
            Self::Provided { .. } => "a provided name",
        })
    }
}

impl VersionSet for Set {
    type V = Candidate;
}

impl Display for Set {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = if self.except_for.is_some() { "not " } else { "" };
        match &self.versions {
            Some((operator, version)) => write!(out, "({not}{} {version})", operator.as_str()),
            None => out.write_str(if not.is_empty() { "" } else { "(none of it)" }),
        }
    }
}

impl Shop<'_> {
    /// The set that a relation means; of a conflict with `except_for` the others.
    pub(super) fn set(&self, relation: &Relation, except_for: Option<&str>) -> VersionSetId {
        let versions = relation.versions.as_ref().map(|(operator, version)| (*operator, version.to_string()));
        let name = self.pool.intern_package_name(relation.name.as_str());
        self.pool.intern_version_set(name, Set { versions, except_for: except_for.map(str::to_owned) })
    }

    fn takes(&self, set: &Set, candidate: &Candidate) -> bool {
        let (package, version) = match candidate {
            Candidate::Real(at) => (&self.packages[*at], Some(&self.packages[*at].version)),
            Candidate::Provided { by, version } => (&self.packages[*by], version.as_ref()),
        };
        // a provided name without a version fulfils nothing that asks for one
        let meant = match (&set.versions, version) {
            (None, _) => true,
            (Some((operator, named)), Some(found)) => operator.takes(found, &Version::new(named.as_str())),
            (Some(_), None) => false,
        };
        match &set.except_for {
            None => meant,
            Some(name) => !meant || package.name == *name,
        }
    }

    /// Whether every Debian has one of these, whichever version it has.
    fn given(&self, alternatives: &[Relation]) -> bool {
        let there = |relation: &Relation| self.essential.iter().any(|package| package.name == relation.name);
        alternatives.iter().any(|relation| relation.versions.is_none() && there(relation))
    }

    /// What must not be chosen beside it: the versions that it names, and whoever provides such a name.
    fn refuses(&self, package: &Package) -> Vec<VersionSetId> {
        let mut constrains = vec![];
        for relation in package.refuses.0.iter().flatten() {
            constrains.push(self.set(relation, Some(&package.name)));
            let Some(name) = self.pool.lookup_package_name(&relation.name) else { continue };
            for id in self.by_name.get(&name).into_iter().flatten() {
                let Candidate::Provided { by, version } = &self.pool.resolve_solvable(*id).record else {
                    continue;
                };
                let other = &self.packages[*by];
                let meant = relation.versions.is_none()
                    || version.as_ref().is_some_and(|found| relation.takes(found));
                if meant && other.name != package.name {
                    let this = exactly(other);
                    constrains.push(self.set(&this, Some(&package.name)));
                }
            }
        }
        constrains
    }

    fn needs(&self, package: &Package) -> Vec<ConditionalRequirement> {
        let groups = package.needs.0.iter().filter(|alternatives| !self.given(alternatives));
        groups
            .filter_map(|alternatives| {
                let mut sets = alternatives.iter().map(|relation| self.set(relation, None));
                let first = sets.next()?;
                let requirement = if alternatives.len() == 1 {
                    Requirement::Single(first)
                } else {
                    Requirement::Union(self.pool.intern_version_set_union(first, sets))
                };
                Some(requirement.into())
            })
            .collect()
    }
}

/// This very package.
fn exactly(package: &Package) -> Relation {
    Relation { name: package.name.clone(), versions: Some((Operator::Exactly, package.version.clone())) }
}

impl Interner for Shop<'_> {
    type NameId = NameId;
    type SolvableId = SolvableId;

    fn display_solvable(&self, solvable: SolvableId) -> impl Display + '_ {
        let found = self.pool.resolve_solvable(solvable);
        let name = self.pool.resolve_package_name(found.name);
        match &found.record {
            Candidate::Real(at) => format!("{name} {}", self.packages[*at].version),
            Candidate::Provided { by, .. } => format!("{name} by {}", self.packages[*by].name),
        }
    }

    fn display_name(&self, name: NameId) -> impl Display + '_ {
        self.pool.resolve_package_name(name)
    }

    fn display_version_set(&self, version_set: VersionSetId) -> impl Display + '_ {
        self.pool.resolve_version_set(version_set)
    }

    fn display_string(&self, string: StringId) -> impl Display + '_ {
        self.pool.resolve_string(string)
    }

    fn version_set_name(&self, version_set: VersionSetId) -> NameId {
        self.pool.resolve_version_set_package_name(version_set)
    }

    fn solvable_name(&self, solvable: SolvableId) -> NameId {
        self.pool.resolve_solvable(solvable).name
    }

    fn version_sets_in_union(&self, union: VersionSetUnionId) -> impl Iterator<Item = VersionSetId> {
        self.pool.resolve_version_set_union(union)
    }

    fn resolve_condition(&self, condition: ConditionId) -> Condition {
        self.pool.resolve_condition(condition).clone()
    }
}

impl DependencyProvider for Shop<'_> {
    async fn filter_candidates(
        &self,
        candidates: &[SolvableId],
        version_set: VersionSetId,
        inverse: bool,
    ) -> Vec<SolvableId> {
        let set = self.pool.resolve_version_set(version_set);
        let takes = |id: &&SolvableId| self.takes(set, &self.pool.resolve_solvable(**id).record) != inverse;
        candidates.iter().filter(takes).copied().collect()
    }

    async fn get_candidates(&self, name: NameId) -> Option<Candidates> {
        let candidates = self.by_name.get(&name)?.clone();
        let provided =
            |id: &SolvableId| matches!(self.pool.resolve_solvable(*id).record, Candidate::Provided { .. });
        // versions of a package exclude each other; what several provide they provide side by side
        let allow_multiple = candidates.iter().any(provided);
        Some(Candidates { candidates, allow_multiple, ..Candidates::default() })
    }

    async fn sort_candidates(&self, _solver: &SolverCache<Self>, solvables: &mut [SolvableId]) {
        solvables.sort_by(|one, two| {
            let of = |id: &SolvableId| &self.pool.resolve_solvable(*id).record;
            match (of(one), of(two)) {
                (Candidate::Real(one), Candidate::Real(two)) => {
                    self.packages[*two].version.cmp(&self.packages[*one].version)
                }
                (Candidate::Real(_), Candidate::Provided { .. }) => Ordering::Less,
                (Candidate::Provided { .. }, Candidate::Real(_)) => Ordering::Greater,
                (Candidate::Provided { by: one, .. }, Candidate::Provided { by: two, .. }) => {
                    self.packages[*one].name.cmp(&self.packages[*two].name)
                }
            }
        });
    }

    async fn get_dependencies(&self, solvable: SolvableId) -> Dependencies {
        let known = match &self.pool.resolve_solvable(solvable).record {
            Candidate::Real(at) => {
                let package = &self.packages[*at];
                let constrains = self.refuses(package);
                KnownDependencies { requirements: self.needs(package), constrains }
            }
            Candidate::Provided { by, .. } => {
                let this = exactly(&self.packages[*by]);
                let requirements = vec![Requirement::Single(self.set(&this, None)).into()];
                KnownDependencies { requirements, constrains: vec![] }
            }
        };
        Dependencies::Known(known)
    }
}
