//! One node as a check sees it.

use std::net::IpAddr;

use sealift_cluster::{Cluster, Node, Role};
use sealift_node::{Facts as Machine, Interface, Room, Secretless, Sight, UnitState};

use crate::facts::{Absence, Facts, Known, Offer};

/// Why a check has no judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Miss {
    /// It makes no sense here, and why.
    NotApplicable(&'static str),
    /// A fact is missing, and why.
    Unknown(String),
}

impl From<Absence> for Miss {
    fn from(absence: Absence) -> Self {
        Self::Unknown(absence.0)
    }
}

/// Evidence, one line each; none: passed.
pub(crate) type Judged = Result<Vec<String>, Miss>;

/// Evidence if it is so.
#[expect(clippy::unnecessary_wraps, reason = "a judgement, as every check has one")]
pub(crate) fn when(bad: bool, evidence: impl FnOnce() -> String) -> Judged {
    Ok(if bad { vec![evidence()] } else { vec![] })
}

/// Does not make sense here.
pub(crate) fn not_here<T>(why: &'static str) -> Result<T, Miss> {
    Err(Miss::NotApplicable(why))
}

/// One node, the file it is in, and what is known of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) node: &'a Node,
    pub(crate) facts: &'a Facts,
    pub(crate) offer: Option<&'a Offer>,
}

impl<'a> View<'a> {
    pub(crate) fn machine(&self) -> Result<&'a Machine, Miss> {
        known(&self.facts.machine)
    }

    pub(crate) fn is_control_plane(&self) -> bool {
        self.node.role == Role::ControlPlane
    }

    /// The node's address in the cluster.
    pub(crate) fn address(&self) -> IpAddr {
        self.node.ssh.address
    }

    /// The interface that has the node's address.
    pub(crate) fn interface(&self) -> Result<&'a Interface, Miss> {
        let found = self.facts.interface(self.address())?;
        found.ok_or_else(|| Miss::Unknown(format!("no interface has {}", self.address())))
    }

    fn sight(&self, path: &str) -> Result<&'a Sight, Miss> {
        let sight = self.facts.sights.get(path);
        match sight.ok_or_else(|| Miss::Unknown(format!("{path} was not looked at")))? {
            Sight::Refused(why) => Err(Miss::Unknown(format!("looking at {path}: {why}"))),
            sight => Ok(sight),
        }
    }

    /// A file's text; none when there is no such file.
    pub(crate) fn text(&self, path: &str) -> Result<Option<String>, Miss> {
        Ok(text(self.sight(path)?))
    }

    /// The same, empty when there is no such file.
    pub(crate) fn words(&self, path: &str) -> Result<String, Miss> {
        Ok(self.text(path)?.unwrap_or_default())
    }

    /// A file of which a node without it is no Linux that we know.
    pub(crate) fn needed(&self, path: &str) -> Result<String, Miss> {
        self.text(path)?.ok_or_else(|| Miss::Unknown(format!("there is no {path}")))
    }

    /// Whether anything is there.
    pub(crate) fn there(&self, path: &str) -> Result<bool, Miss> {
        Ok(*self.sight(path)? != Sight::Missing)
    }

    /// Those of some paths that are there.
    pub(crate) fn those_there(&self, paths: &[&'static str]) -> Judged {
        let mut found = vec![];
        for path in paths {
            if self.there(path)? {
                found.push(format!("{path} is there"));
            }
        }
        Ok(found)
    }

    /// Names in a folder; none when there is no such folder.
    pub(crate) fn names(&self, path: &str) -> Result<&'a [String], Miss> {
        match self.sight(path)? {
            Sight::Names(names) => Ok(names),
            _ => Ok(&[]),
        }
    }

    /// Texts of the files that a path with `*` stood for, by what stood for it; `before` and `behind` are around it.
    pub(crate) fn each_text(
        &self,
        before: &'a str,
        behind: &'a str,
    ) -> Result<impl Iterator<Item = (&'a str, String)>, Miss> {
        // nothing is there under the pattern itself but the refusal to list the folder
        if self.facts.sights.is_empty() || self.facts.sights.contains_key(&format!("{before}*{behind}")) {
            return Err(Miss::Unknown(format!("{before} could not be listed")));
        }
        Ok(self.facts.sights.iter().filter_map(move |(path, sight)| {
            let name = path.strip_prefix(before)?.strip_suffix(behind)?;
            (!name.contains('/') && !name.is_empty()).then_some((name, text(sight)?))
        }))
    }

    /// Room where a path is or would be.
    pub(crate) fn room(&self, path: &str) -> Result<&'a Room, Miss> {
        let room = known(&self.facts.rooms)?.iter().find(|room| room.path == path);
        room.ok_or_else(|| Miss::Unknown(format!("it was not asked how much room there is for {path}")))
    }

    /// systemd's view of a unit.
    pub(crate) fn unit(&self, name: &str) -> Result<&'a UnitState, Miss> {
        match self.facts.units.get(name) {
            Some(unit) => known(unit),
            None => Err(Miss::Unknown(format!("systemd was not asked about {name}"))),
        }
    }

    /// Whether this is a container, which shares kernel, clock and hardware with its host.
    pub(crate) fn container(&self) -> Result<bool, Miss> {
        self.there("/run/systemd/container")
    }

    /// Whether a run of sealift has changed something here: its journal is on disk before the first act.
    pub(crate) fn ours(&self) -> Result<bool, Miss> {
        self.there(sealift_node::paths::JOURNAL)
    }

    /// A setting of kubelet in the cluster file.
    pub(crate) fn kubelet(&self, key: &str) -> Option<&'a serde_json::Value> {
        self.cluster.kubernetes().kubelet.get(key)
    }
}

/// What a text sight says.
fn text(sight: &Sight) -> Option<String> {
    match sight {
        Sight::File(Secretless(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    }
}

pub(crate) fn known<T>(fact: &Known<T>) -> Result<&T, Miss> {
    fact.as_ref().map_err(|absence| Miss::Unknown(absence.0.clone()))
}
