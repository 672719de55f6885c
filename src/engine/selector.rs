//! Which nodes a play concerns, and which steps a site needs: closed sets.

use sealift_cluster::{Cluster, Node, Role, Time};
use serde::{Deserialize, Serialize};

/// Which nodes a play concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Selector {
    /// Every node.
    All,
    /// Every control plane.
    ControlPlane,
    /// The first control plane of the cluster file: it makes the cluster.
    FirstControlPlane,
    /// The other control planes.
    JoiningControlPlanes,
    /// Every worker.
    Workers,
    /// Every node but the first control plane.
    Joining,
    /// No node: the cluster as a whole, through the first control plane.
    Cluster,
}

impl Selector {
    /// The nodes, in the cluster file's order; none for [`Selector::Cluster`].
    pub(crate) fn nodes(self, cluster: &Cluster) -> Vec<&Node> {
        let first = &cluster.first_control_plane().name;
        cluster
            .nodes()
            .iter()
            .filter(|node| match self {
                Self::All => true,
                Self::ControlPlane => node.role == Role::ControlPlane,
                Self::FirstControlPlane => node.name == *first,
                Self::JoiningControlPlanes => node.role == Role::ControlPlane && node.name != *first,
                Self::Workers => node.role == Role::Worker,
                Self::Joining => node.name != *first,
                Self::Cluster => false,
            })
            .collect()
    }
}

/// kubeadm's name for its check of `/proc/sys/net/bridge/bridge-nf-call-iptables`.
const BRIDGE_CHECK: &str = "FileContent--proc-sys-net-bridge-bridge-nf-call-iptables";

/// On which sites a step is needed at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum When {
    /// Everywhere.
    #[default]
    Always,
    /// The cluster file gives a node addresses of its own.
    StaticAddresses,
    /// The cluster file gives the load balancer addresses.
    LoadBalancer,
    /// There is more than one control plane.
    ManyControlPlanes,
    /// There is a worker.
    Workers,
    /// The operator did not tell kubeadm to ignore that bridges are not filtered: then the kernel must do it.
    BridgeNetfilter,
    /// chrony keeps the clocks together.
    Chrony,
}

impl When {
    /// Whether the site is such a one.
    pub(crate) fn holds(self, cluster: &Cluster) -> bool {
        match self {
            Self::Always => true,
            Self::StaticAddresses => cluster.nodes().iter().any(|node| node.network.is_some()),
            Self::LoadBalancer => !cluster.load_balancer().pools.is_empty(),
            Self::ManyControlPlanes => cluster.control_planes().count() > 1,
            Self::Workers => cluster.workers().next().is_some(),
            Self::Chrony => cluster.os().time == Time::Chrony,
            Self::BridgeNetfilter => {
                !cluster.kubernetes().ignore_preflight.iter().any(|check| check == BRIDGE_CHECK)
            }
        }
    }
}
