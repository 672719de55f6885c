//! The site as it should be: validated, normalised, with every default filled in.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::cidr::{Cidr, InterfaceAddress};
use crate::host_key::HostKey;
use crate::name::{DomainName, Label, NodeName};
use crate::range::AddressRange;

/// `spec.controlPlane`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ControlPlane {
    /// The address that the endpoint's name stands for: the only control plane's, or a virtual one.
    pub address: IpAddr,
    /// Whether `address` belongs to no node: virtual, or an external balancer's.
    #[serde(rename = "virtual")]
    pub is_virtual: bool,
    /// The controlPlaneEndpoint: `api.<cluster>.sealift.internal`. `.internal` is reserved for private
    /// use (ICANN, 2024), so no public zone can ever answer for it.
    pub endpoint_name: String,
    /// Always 6443.
    pub port: u16,
}

/// `spec.network`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// Addresses of pods; default `10.244.0.0/16`.
    pub pod_subnet: Cidr,
    /// Addresses of services; default `10.96.0.0/16`.
    pub service_subnet: Cidr,
    /// Zone of the cluster's own names; default `cluster.local`.
    pub cluster_domain: DomainName,
    /// Address of the cluster's DNS service: the tenth of the service subnet (kubeadm's `GetDNSIP`).
    pub dns_address: IpAddr,
    /// Address of the `kubernetes` service: the first of the service subnet.
    pub api_address: IpAddr,
}

/// `spec.dns`: what CoreDNS answers besides the cluster's own names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Dns {
    /// Resolvers of the site that names outside the cluster are forwarded to; empty: they do not exist.
    pub upstreams: Vec<IpAddr>,
    /// Names of the site and their addresses.
    pub hosts: BTreeMap<DomainName, IpAddr>,
}

/// `spec.loadBalancer`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct LoadBalancer {
    /// Pools of addresses for services of type `LoadBalancer`.
    pub pools: Vec<Pool>,
}

/// A named pool of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pool {
    /// The pool's name.
    pub name: Label,
    /// Ranges that do not overlap.
    pub addresses: Vec<AddressRange>,
}

/// A node's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Runs the API, etcd, scheduler and controllers.
    ControlPlane,
    /// Runs workloads only.
    Worker,
}

/// Whether the node's GPUs are given to workloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gpu {
    /// What is found is used.
    Auto,
    /// None is used.
    None,
}

/// Where a node is and how to reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssh {
    /// The node's address in the cluster, and that of its SSH server.
    pub address: IpAddr,
    /// The way to it.
    pub access: Access,
}

/// The way to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// It is the machine that sealift runs on: `ssh: local`.
    Local,
    /// An SSH server.
    Login(Login),
}

/// How to log in on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Login {
    /// The SSH server's port; default 22.
    pub port: u16,
    /// The user, root or one that may sudo; default root.
    pub user: String,
    /// Private keys as written: `~/` is the operator's home, a relative path is relative to the cluster file.
    #[serde(rename = "identityFile")]
    pub identity_files: Vec<String>,
    /// The pinned host key; `None` until `sealift enroll`.
    pub host_key: Option<HostKey>,
    /// The jump hosts on the way, the one that is reached first in front.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub jump: Vec<Jump>,
    /// Whether that chain is the node's own; otherwise it is that of `spec.ssh`.
    #[serde(skip)]
    pub own_jump: bool,
}

/// A jump host: an SSH server that nodes are reached through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Jump {
    /// Its address, as the machine before it sees it.
    pub address: IpAddr,
    /// Its port; default 22.
    pub port: u16,
    /// The user there.
    pub user: String,
    /// Private keys as written.
    #[serde(rename = "identityFile")]
    pub identity_files: Vec<String>,
    /// Its pinned host key.
    pub host_key: Option<HostKey>,
}

/// The address stands in one place whatever the way, so that going from `ssh: local` to a laptop or back is no
/// change of the node.
impl Serialize for Ssh {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Flat<'a> {
            address: IpAddr,
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            local: bool,
            #[serde(flatten)]
            login: Option<&'a Login>,
        }
        let login = match &self.access {
            Access::Local => None,
            Access::Login(login) => Some(login),
        };
        Flat { address: self.address, local: login.is_none(), login }.serialize(serializer)
    }
}

/// Which interface carries a node's addresses.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interface {
    /// By MAC address, lower case with colons.
    Mac(String),
    /// By the kernel's name, e.g. `eno1`.
    Name(String),
}

/// A node's static network configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeNetwork {
    /// Where its SSH server answers until the addresses are set; `None`: at its SSH address already.
    pub current: Option<IpAddr>,
    /// What carries its address in the cluster.
    #[serde(flatten)]
    pub link: NodeLink,
    /// Default gateway.
    pub gateway: Option<IpAddr>,
    /// Resolvers of the node itself.
    pub nameservers: Vec<IpAddr>,
    /// Further interfaces.
    pub more: Vec<NodeLink>,
}

/// What carries addresses: an interface, a bond of several, or a VLAN on either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeLink {
    /// Which interface; without it and without `bond` the one that has the node's address.
    pub interface: Option<Interface>,
    /// A bond that is made of several.
    pub bond: Option<Bond>,
    /// The VLAN on it that has the addresses; it is made.
    pub vlan: Option<u16>,
    /// Largest packet in bytes; `None`: as it is.
    pub mtu: Option<u16>,
    /// Static addresses.
    pub addresses: Vec<InterfaceAddress>,
    /// Networks behind a router other than the default gateway.
    pub routes: Vec<Route>,
}

/// Several interfaces that are one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bond {
    /// The kernel's name of it.
    pub name: String,
    /// How it uses them: one of the words of the kernel.
    pub mode: &'static str,
    /// What it is made of.
    pub interfaces: Vec<Interface>,
}

/// A network behind a router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Route {
    /// The network.
    pub to: Cidr,
    /// The router, in one of the link's own networks.
    pub via: IpAddr,
}

/// One server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Hostname and name in Kubernetes.
    pub name: NodeName,
    /// Role.
    pub role: Role,
    /// GPUs.
    pub gpu: Gpu,
    /// How to reach it.
    pub ssh: Ssh,
    /// Static addresses; `None`: the node's network stays as it is.
    pub network: Option<NodeNetwork>,
}

/// What is done about swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Swap {
    /// Turned off, for good (kubelet's expectation).
    Off,
    /// Left as it is; kubelet runs with `failSwapOn: false`.
    Ignore,
}

/// What is done about a server's own name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hostname {
    /// It stays as it is.
    Keep,
    /// It becomes the node's name.
    Set,
}

/// Who keeps the clocks of the servers together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Time {
    /// Whoever does now.
    Keep,
    /// chrony, and where no time server of the site answers one control plane is the others' source.
    Chrony,
}

/// `spec.os`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Os {
    /// The server's own name.
    pub hostname: Hostname,
    /// Swap.
    pub swap: Swap,
    /// Clocks.
    pub time: Time,
    /// Time servers of the site, for control planes; none are needed.
    pub time_servers: Vec<IpAddr>,
}

/// `spec.preflight`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Preflight {
    /// Checks whose findings somebody takes the responsibility for.
    pub skip: Vec<String>,
}

/// `spec.containerd`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Containerd {
    /// Do not try to lower a container's `oom_score_adj` below the daemon's own; default false.
    pub restrict_oom_score_adj: bool,
    /// cgroups are made by systemd, for containerd and kubelet alike; default true.
    pub systemd_cgroup: bool,
}

/// `spec.kubernetes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Kubernetes {
    /// kubeadm preflight checks whose errors become warnings.
    pub ignore_preflight: Vec<String>,
    /// Merged over our `KubeletConfiguration`; keys sorted.
    pub kubelet: Map<String, Value>,
    /// Merged over our `KubeProxyConfiguration`; keys sorted.
    pub kube_proxy: Map<String, Value>,
}
