//! Gathers facts: all nodes at once, each with as few questions as there can be.

mod links;
mod node;
mod paths;

#[cfg(test)]
pub(crate) use paths::all;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use futures::future::join_all;
use sealift_cluster::{Cluster, Role};
use sealift_node::{Gauge, Host};

use crate::facts::Facts;

/// How much is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// What can be read: a second or two.
    Read,
    /// Measurements too: ports, packets and rates between nodes, disks, addresses.
    Measure,
}

/// A node that answers.
#[derive(Clone)]
pub struct Member {
    /// Its name in the cluster file.
    pub name: String,
    /// Its address in the cluster.
    pub address: IpAddr,
    /// Its role.
    pub role: Role,
    /// The way to it.
    pub host: Arc<dyn Host>,
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Member({}, {})", self.name, self.address)
    }
}

impl Member {
    fn gauge(&self) -> Gauge<'_> {
        Gauge::new(self.host.as_ref())
    }
}

/// Everything about these nodes, by name.
pub async fn gather(cluster: &Cluster, members: &[Member], depth: Depth) -> BTreeMap<String, Facts> {
    let read = join_all(members.iter().map(|member| node::read(member, depth)));
    let mut all: Vec<Facts> = read.await;
    if depth == Depth::Measure {
        links::measure(cluster, members, &mut all).await;
    }
    members.iter().map(|member| member.name.clone()).zip(all).collect()
}
