//! The cluster: what the rest of sealift asks about a site.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::host_key::HostKey;
use crate::model::{
    Access, Containerd, ControlPlane, Dns, Kubernetes, LoadBalancer, Network, Node, Os, Preflight, Role, Ssh,
};
use crate::name::Label;
use crate::problem::{Place, Problem, Problems};
use crate::sink::{Sink, Source};
use crate::{check, decode, merge, tree};

/// A validated cluster file. Serialised, it is the normalised form: every default written out, in a fixed
/// order, the same for files that mean the same. That form is what plans are bound to and templates see.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cluster {
    name: Label,
    control_plane: ControlPlane,
    network: Network,
    dns: Dns,
    load_balancer: LoadBalancer,
    nodes: Vec<Node>,
    os: Os,
    containerd: Containerd,
    kubernetes: Kubernetes,
    /// Not part of what is made of the site: a plan is the same whatever is skipped.
    #[serde(skip)]
    preflight: Preflight,
    #[serde(skip)]
    not_yet: Vec<Problem>,
}

/// Everything a decoded and checked file is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) name: Label,
    pub(crate) control_plane: ControlPlane,
    pub(crate) network: Network,
    pub(crate) dns: Dns,
    pub(crate) load_balancer: LoadBalancer,
    pub(crate) nodes: Vec<Node>,
    pub(crate) os: Os,
    pub(crate) containerd: Containerd,
    pub(crate) kubernetes: Kubernetes,
    pub(crate) preflight: Preflight,
    pub(crate) not_yet: Vec<Problem>,
}

impl Cluster {
    /// Parses a cluster file; `origin` names it in problems. A profile (text, origin) is laid under it:
    /// maps merge at any depth, the cluster file wins, lists replace each other whole.
    pub fn parse(text: &str, origin: &str, profile: Option<(&str, &str)>) -> Result<Self, Problems> {
        let mut sources = vec![Source { origin, text }];
        let mut broken = Vec::new();
        let mut read =
            |text, origin, file| tree::parse(text, origin, file).map_err(|problem| broken.push(problem)).ok();
        let over = read(text, origin, 0);
        let under = profile.map(|(text, origin)| {
            sources.push(Source { origin, text });
            read(text, origin, 1)
        });
        if let Some(problems) = Problems::of(broken) {
            return Err(problems);
        }
        let mut sink = Sink::new(sources);
        over.iter().chain(under.iter().flatten()).for_each(|root| tree::duplicates(root, &mut sink));
        let root = match (over, under.flatten()) {
            (Some(over), Some(under)) => Some(merge::merge(under, over)),
            (over, None) => over,
            (None, under) => under,
        };
        let parts = root.and_then(|root| check::check(decode::site(&root, &mut sink), &mut sink));
        match (Problems::of(std::mem::take(&mut sink.found)), parts) {
            (None, Some(parts)) => Ok(Self::of(parts)),
            (Some(problems), _) => Err(problems),
            // no part may be missing without a problem that says why: tell it as one rather than panic
            (None, None) => Err(Problems::one(Problem {
                place: Place::whole(origin),
                also: None,
                message: "cannot be understood, and sealift cannot say why: this is a bug".to_owned(),
                hint: Some("report it with the file".to_owned()),
            })),
        }
    }

    fn of(parts: Parts) -> Self {
        let Parts {
            name,
            control_plane,
            network,
            dns,
            load_balancer,
            nodes,
            os,
            containerd,
            kubernetes,
            preflight,
            not_yet,
        } = parts;
        Self {
            name,
            control_plane,
            network,
            dns,
            load_balancer,
            nodes,
            os,
            containerd,
            kubernetes,
            preflight,
            not_yet,
        }
    }

    /// The site's name.
    pub fn name(&self) -> &Label {
        &self.name
    }

    /// All nodes, in the file's order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// A node by name.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name.as_str() == name)
    }

    /// The control planes, in the file's order; at least one.
    pub fn control_planes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.role == Role::ControlPlane)
    }

    /// The control plane that `kubeadm init` runs on: the first of the file.
    pub fn first_control_plane(&self) -> &Node {
        // the parser refuses a file without a control plane, hence also one without nodes
        self.control_planes().next().unwrap_or(&self.nodes[0])
    }

    /// The workers, in the file's order.
    pub fn workers(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.role == Role::Worker)
    }

    /// The API's address and name.
    pub fn control_plane(&self) -> &ControlPlane {
        &self.control_plane
    }

    /// The name by which nodes know the API: `api.<cluster>.sealift.internal`.
    pub fn endpoint_name(&self) -> &str {
        &self.control_plane.endpoint_name
    }

    /// Pod and service networks.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Names of the site.
    pub fn dns(&self) -> &Dns {
        &self.dns
    }

    /// Addresses for services of type `LoadBalancer`.
    pub fn load_balancer(&self) -> &LoadBalancer {
        &self.load_balancer
    }

    /// Settings of the operating system.
    pub fn os(&self) -> &Os {
        &self.os
    }

    /// Settings of containerd.
    pub fn containerd(&self) -> &Containerd {
        &self.containerd
    }

    /// Settings of kubeadm, kubelet and kube-proxy.
    pub fn kubernetes(&self) -> &Kubernetes {
        &self.kubernetes
    }

    /// What preflight is told to let pass.
    pub fn preflight(&self) -> &Preflight {
        &self.preflight
    }

    /// What the file rightly asks for and this version of sealift cannot do yet, with positions. An op
    /// that would have to do it refuses with these.
    pub fn not_yet(&self) -> Option<Problems> {
        Problems::of(self.not_yet.clone())
    }
}

impl Ssh {
    /// The pinned host key; there is none of the machine that sealift runs on.
    pub fn host_key(&self) -> Option<&HostKey> {
        match &self.access {
            Access::Local => None,
            Access::Login(login) => login.host_key.as_ref(),
        }
    }
}

/// The path of an identity file as written: `~/` below `home`, relative ones below the cluster file's folder.
pub fn identity_path(written: &str, folder: &Path, home: Option<&Path>) -> PathBuf {
    match (written.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => folder.join(written),
    }
}
