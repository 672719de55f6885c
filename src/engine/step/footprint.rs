//! Everything a node has because of sealift and of what it installs: what a reset takes away.

use super::{clock, swap};

/// Removed whole: nothing in them can be anybody else's while this node is ours.
pub(super) const TREES: &[&str] = &[
    "/etc/kubernetes",
    "/etc/sealift",
    "/etc/systemd/system/kubelet.service",
    "/etc/systemd/system/kubelet.service.d",
    "/etc/systemd/system/containerd.service",
    clock::DROP_IN,
    clock::SETTINGS,
    clock::ARGUMENTS,
    swap::DROP_IN,
    "/etc/cloud/cloud.cfg.d/99-sealift-hostname.cfg",
    "/etc/sysctl.d/90-sealift.conf",
    "/etc/modules-load.d/sealift.conf",
    "/etc/containerd/config.toml",
    "/etc/containerd/certs.d/_default",
    "/etc/cni/net.d/10-sealift.conflist",
    "/opt/cni/bin/host-local",
    "/opt/cni/bin/loopback",
    "/opt/cni/bin/portmap",
    "/opt/cni/bin/ptp",
    "/usr/libexec/kubernetes/kubelet-plugins",
    "/usr/local/bin/containerd",
    "/usr/local/bin/containerd-shim-runc-v2",
    "/usr/local/bin/ctr",
    "/usr/local/bin/helm",
    "/usr/local/bin/kubeadm",
    "/usr/local/bin/kubectl",
    "/usr/local/bin/kubelet",
    "/usr/local/sbin/runc",
    "/var/lib/cni",
    "/var/lib/containerd",
    "/var/lib/etcd",
    "/var/lib/kubelet",
    "/var/log/containers",
    "/var/log/pods",
    "/run/cni",
    "/run/containerd",
    "/run/flannel",
    "/run/nri",
    // all of /var/lib/sealift but the helper, which is at work just now and is removed by who started it
    "/var/lib/sealift/apt",
    "/var/lib/sealift/blobs",
    "/var/lib/sealift/charts",
    "/var/lib/sealift/helm",
    "/var/lib/sealift/jobs",
    "/var/lib/sealift/kubeadm",
    // after what it has of the node's own network has been brought back
    "/var/lib/sealift/network",
    "/var/lib/sealift/receipts",
    "/var/lib/sealift/site",
    // the last: a reset that is cut leaves its own record
    "/var/lib/sealift/journal",
];

/// Directories that come with them and go when nothing is left inside, innermost first.
pub(super) const EMPTIED: &[&str] = &[
    "/etc/systemd/system/chrony.service.d",
    "/etc/chrony",
    "/etc/systemd/system/swap.d",
    "/etc/containerd/certs.d",
    "/etc/containerd",
    "/etc/cni/net.d",
    "/etc/cni",
    "/opt/cni/bin",
    "/opt/cni",
    "/opt/containerd/bin",
    "/opt/containerd/lib",
    "/opt/containerd",
    "/usr/libexec/kubernetes",
    // kubelet makes them for the control plane's pods where no package has brought any certificates
    "/etc/ssl/certs",
    "/etc/ssl",
];

/// Devices of the pod network that stay when their makers are gone. (The pods' own ends go with their namespaces.)
pub(super) const LINKS: &[&str] = &["flannel.1"];

/// Tables of the packet filter that belong to kube-proxy, flanneld and portmap alone.
pub(super) const TABLES: &[&str] = &[
    "ip kube-proxy",
    "ip6 kube-proxy",
    "ip flannel-ipv4",
    "ip6 flannel-ipv6",
    "ip cni_hostport",
    "ip6 cni_hostport",
];

/// Units, in the order in which they are stopped.
pub(super) const UNITS: &[&str] = &["kubelet.service", "containerd.service"];
