//! The site as it is judged: the cluster file, every node's facts, the bundle.

use std::collections::BTreeSet;

use sealift_cluster::{Cluster, Node};
use sealift_node::HostError;

use crate::facts::{Absence, Facts, Known, Offer};
use crate::view::{Miss, View};

/// Which checks are wanted.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// These alone; empty: all of them.
    pub only: BTreeSet<String>,
    /// None of these.
    pub skip: BTreeSet<String>,
}

/// Everything that checks are made on.
#[derive(Debug)]
pub struct Site<'a> {
    /// The site as it should be.
    pub cluster: &'a Cluster,
    /// What is known of each node, in the cluster file's order; or why there is no connection.
    pub nodes: Vec<(&'a Node, Result<Facts, HostError>)>,
    /// What the bundle brings, where one was given.
    pub offer: Option<Offer>,
}

impl<'a> Site<'a> {
    /// Every node that answered, with what is known of it.
    pub(crate) fn views(&self) -> impl Iterator<Item = View<'_>> {
        self.nodes.iter().filter_map(|(node, facts)| {
            Some(View {
                cluster: self.cluster,
                node,
                facts: facts.as_ref().ok()?,
                offer: self.offer.as_ref(),
            })
        })
    }

    /// The nodes that did not answer.
    pub(crate) fn lost(&self) -> impl Iterator<Item = (&'a Node, &HostError)> {
        self.nodes.iter().filter_map(|(node, facts)| Some((*node, facts.as_ref().err()?)))
    }

    /// One fact of every node. That one could not be learned is told only when nothing is found without it.
    pub(crate) fn each<T>(
        &self,
        fact: impl Fn(&View<'_>) -> Result<T, Miss>,
    ) -> (Vec<(&str, T)>, Option<Absence>) {
        let (mut known, mut absent) = (vec![], None);
        for (node, facts) in &self.nodes {
            let Ok(facts) = facts else {
                absent.get_or_insert(Absence(format!("{} was not reached", node.name)));
                continue;
            };
            let view = View { cluster: self.cluster, node, facts, offer: self.offer.as_ref() };
            match fact(&view) {
                Ok(value) => known.push((node.name.as_str(), value)),
                Err(Miss::NotApplicable(_)) => {}
                Err(Miss::Unknown(why)) => {
                    absent.get_or_insert(Absence(format!("{}: {why}", node.name)));
                }
            }
        }
        (known, absent)
    }

    /// What was found; nothing found is "could not check" when something was not known.
    pub(crate) fn found(evidence: Vec<String>, absent: Option<Absence>) -> Result<Vec<String>, Miss> {
        match absent {
            Some(Absence(why)) if evidence.is_empty() => Err(Miss::Unknown(why)),
            _ => Ok(evidence),
        }
    }

    /// What one node measured for all: the first that did.
    pub(crate) fn measured<'b, T>(&'b self, fact: impl Fn(&'b Facts) -> &'b Known<T>) -> Result<&'b T, Miss> {
        let mut why = "no node was reached".to_owned();
        for facts in self.nodes.iter().filter_map(|(_, facts)| facts.as_ref().ok()) {
            match fact(facts) {
                Ok(value) => return Ok(value),
                Err(absence) => why.clone_from(&absence.0),
            }
        }
        Err(Miss::Unknown(why))
    }
}
