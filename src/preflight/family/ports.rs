//! Ports that the cluster needs, and who has them already.

use sealift_node::{Port, Proto};

use crate::check::{
    Check, Class,
    Severity::{Info, Refuse},
};
use crate::parse::net::ears;
use crate::view::{Judged, View};

const FREE: &str = "find out with `ss -lntup` who has it, and stop that";

const fn tcp(number: u16) -> Port {
    Port { proto: Proto::Tcp, number }
}

const fn udp(number: u16) -> Port {
    Port { proto: Proto::Udp, number }
}

/// Of the API server, etcd, controller manager, scheduler.
const CONTROL_PLANE: &[Port] = &[tcp(6443), tcp(2379), tcp(2380), tcp(2381), tcp(10257), tcp(10259)];
/// Of kubelet and kube-proxy.
const KUBELET: &[Port] = &[tcp(10250), tcp(10248), tcp(10249), tcp(10256)];
/// Of the pod network.
pub(crate) const NETWORK: &[Port] = &[udp(8472)];
/// Of MetalLB: its members, and their figures.
/// A control plane's chrony, which all nodes ask.
pub(crate) const CLOCK: &[Port] = &[udp(123)];
pub(crate) const BALANCER: &[Port] = &[tcp(7946), udp(7946)];

/// Of these, what others must reach: on a control plane for all nodes, and for control planes, and on every node.
pub(crate) const CONTROL_PLANE_SHARED: &[Port] = &[tcp(6443)];
pub(crate) const ETCD_SHARED: &[Port] = &[tcp(2379), tcp(2380)];
pub(crate) const NODE_SHARED: &[Port] = &[tcp(10250)];

pub(super) const CHECKS: &[Check] = &[
    Check::node("port-control-plane", Refuse, |view| taken(view, CONTROL_PLANE))
        .says("the API server, etcd or their companions cannot start", FREE)
        .on(Class::Untouched),
    Check::node("port-kubelet", Refuse, |view| taken(view, KUBELET))
        .says("kubelet or kube-proxy cannot start", FREE)
        .on(Class::Untouched),
    Check::node("port-network", Refuse, |view| taken(view, NETWORK))
        .says("the pod network cannot start: another VXLAN is there", FREE)
        .on(Class::Untouched),
    Check::node("port-balancer", Refuse, |view| {
        if view.cluster.load_balancer().pools.is_empty() {
            return crate::view::not_here("there is no load balancer");
        }
        taken(view, BALANCER)
    })
    .says("the members of MetalLB cannot find each other", FREE)
    .on(Class::Untouched)
    .by("spec.loadBalancer.pools"),
    Check::node("port-dns", Info, |view| taken(view, &[udp(53), tcp(53)]))
        .says("a name server runs on the node; pods that want the node's port 53 cannot have it", "nothing, unless such pods are planned")
        .on(Class::Untouched),
    Check::node("port-web", Info, |view| taken(view, &[tcp(80), tcp(443)]))
        .says("a web server runs on the node; a gateway in the cluster that wants the node's ports cannot have them", "stop it, if a gateway shall use the node's own address")
        .on(Class::Untouched),
];

/// Which of these ports somebody listens on. Those of a control plane matter on one only.
fn taken(view: &View<'_>, ports: &[Port]) -> Judged {
    if std::ptr::eq(ports, CONTROL_PLANE) && !view.is_control_plane() {
        return crate::view::not_here("no control plane");
    }
    let mut all = vec![];
    for (path, proto) in [
        ("/proc/net/tcp", Proto::Tcp),
        ("/proc/net/tcp6", Proto::Tcp),
        ("/proc/net/udp", Proto::Udp),
        ("/proc/net/udp6", Proto::Udp),
    ] {
        all.extend(ears(&view.words(path)?, proto));
    }
    let mut told: Vec<String> = all
        .iter()
        .filter(|ear| ports.contains(&ear.port))
        .map(|ear| format!("somebody listens on {} at {}", ear.port, ear.address))
        .collect();
    told.dedup();
    Ok(told)
}
