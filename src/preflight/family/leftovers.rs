//! What an earlier cluster left on a "clean" server. Where sealift itself has worked already, it is the cluster's own.

use sealift_node::paths::{BEGUN, RECORD};

use crate::check::{
    Check, Class,
    Severity::{self, Refuse, Warn},
};
use crate::view::{Judged, View, known, not_here};

const GONE: &str = "with the tool that made it (kubeadm reset, k3s-uninstall.sh, ...), then reboot; or install the server anew";

const fn left(id: &'static str, severity: Severity, judge: fn(&View<'_>) -> Judged) -> Check {
    Check::node(id, severity, judge).on(Class::Untouched)
}

/// Units of an installation by hand or by packages.
pub(crate) const UNITS: &[&str] = &[
    "/etc/systemd/system/kubelet.service",
    "/usr/lib/systemd/system/kubelet.service",
    "/etc/systemd/system/kubelet.service.d",
    "/etc/systemd/system/containerd.service",
    "/etc/systemd/system/containerd.service.d",
];

/// Programs of one.
pub(crate) const PROGRAMS: &[&str] = &[
    "/usr/local/bin/kubeadm",
    "/usr/local/bin/kubelet",
    "/usr/local/bin/kubectl",
    "/usr/local/bin/helm",
    "/usr/local/bin/ctr",
    "/usr/local/bin/containerd",
    "/usr/local/sbin/runc",
    "/usr/bin/kubelet",
];

/// Folders of other distributions of Kubernetes.
pub(crate) const OTHERS: &[&str] = &[
    "/etc/rancher",
    "/var/lib/rancher",
    "/var/lib/k0s",
    "/etc/k0s",
    "/var/snap/microk8s",
    "/var/lib/embedded-cluster",
    "/etc/origin",
];

pub(super) const CHECKS: &[Check] = &[
    left("leftover-kubernetes", Refuse, |view| {
        let names = view.names("/etc/kubernetes")?;
        Ok(names.iter().map(|name| format!("/etc/kubernetes/{name} is there")).collect())
    })
    .says("configuration and certificates of another cluster; its static pods would start with ours", GONE),
    left("leftover-etcd", Refuse, |view| {
        let names = view.names("/var/lib/etcd")?.iter().filter(|name| *name != "lost+found");
        Ok(names.map(|name| format!("/var/lib/etcd/{name} is there")).collect())
    })
    .says("the data of another cluster: it may be the last copy", "save it if anybody may want it, then remove it"),
    left("leftover-kubelet", Refuse, |view| {
        let names = view.names("/var/lib/kubelet")?.iter().filter(|name| *name != "lost+found");
        Ok(names.map(|name| format!("/var/lib/kubelet/{name} is there")).collect())
    })
    .says("kubelet of another cluster ran here; it would go on with its pods and its certificate", GONE),
    left("leftover-containerd", Refuse, |view| {
        let names = view.names("/var/lib/containerd")?.iter().filter(|name| *name != "lost+found");
        Ok(names.map(|name| format!("/var/lib/containerd/{name} is there")).collect())
    })
    .says("images and containers of another installation", GONE),
    left("leftover-cni", Refuse, |view| {
        let names = view.names("/etc/cni/net.d")?;
        Ok(names.iter().map(|name| format!("/etc/cni/net.d/{name} is there")).collect())
    })
    .says("containerd takes the first network configuration by name: pods would come into a network that is gone", "remove the files in /etc/cni/net.d"),
    left("leftover-units", Refuse, |view| {
        view.those_there(UNITS)
    })
    .says("units of another installation, whose settings would be laid over ours", GONE),
    left("leftover-programs", Warn, |view| {
        view.those_there(PROGRAMS)
    })
    .says("programs that somebody put there; install replaces those in /usr/local", "find out who uses them"),
    left("leftover-interfaces", Refuse, |view| {
        let ours = |name: &&String| {
            let whole = ["cni0", "flannel.1", "kube-ipvs0", "nodelocaldns", "vxlan.calico", "weave", "tunl0"];
            let begins = ["cali", "cilium", "lxc_", "kube-bridge"];
            whole.contains(&name.as_str()) || begins.iter().any(|begin| name.starts_with(begin))
        };
        let names = view.names("/sys/class/net")?.iter().filter(ours);
        Ok(names.map(|name| format!("there is an interface {name}")).collect())
    })
    .says("interfaces of another pod network, with its routes", "reboot the server; they are gone then"),
    left("leftover-filter", Refuse, |view| {
        let Some(filter) = known(&view.facts.filter)? else {
            return not_here("neither nft nor iptables is installed, so nobody made rules");
        };
        let foreign = filter.chains.iter().filter(|chain| {
            chain.name.starts_with("KUBE-")
                || chain.name.starts_with("CILIUM_")
                || chain.name.starts_with("cali-")
                || chain.name.starts_with("FLANNEL-")
                || chain.table.ends_with(" kube-proxy")
        });
        let mut told: Vec<String> = foreign.map(|chain| format!("chain {} of table {}", chain.name, chain.table)).collect();
        if told.len() > 3 {
            let rest = told.len() - 3;
            told.truncate(3);
            told.push(format!("and {rest} more"));
        }
        Ok(told)
    })
    .says("rules of another cluster lead its service addresses into nothing", "reboot the server; they are gone then"),
    left("leftover-mounts", Refuse, |view| {
        let all = crate::parse::mounts::mounts(&view.needed("/proc/1/mountinfo")?);
        let below = all.iter().filter(|mount| {
            ["/var/lib/kubelet/", "/run/containerd/"].iter().any(|path| mount.point.starts_with(path))
        });
        Ok(below.take(4).map(|mount| format!("{} is mounted", mount.point)).collect())
    })
    .says("volumes of another cluster's pods are still mounted", "reboot the server; then remove the folder"),
    left("foreign-kubernetes", Refuse, |view| {
        view.those_there(OTHERS)
    })
    .says("another Kubernetes is installed (k3s, RKE2, k0s, MicroK8s, ...); two of them fight for ports and rules", GONE),
    Check::node("site-record", Refuse, |view| {
        if !view.there(BEGUN)? {
            return not_here("no cluster was begun here");
        }
        let state = match view.text(RECORD)? {
            None => "is not there",
            Some(text) if serde_json::from_str::<serde_json::Value>(&text).is_err() => "cannot be understood",
            Some(_) => return Ok(vec![]),
        };
        Ok(vec![format!("{RECORD} {state}, and there is a cluster")])
    })
    .on(Class::ControlPlanes)
    .says(
        "what the cluster was made of cannot be told: neither a field that cannot change any more nor an older bundle would be refused",
        "copy the file back from a backup; or, when cluster file and bundle are those that were installed, install with --skip site-record, which writes it anew",
    ),
];
