//! The same with real eyes: a directory that stands for a server, files that somebody left in it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use sealift_cluster::{Cluster, Role};
use sealift_node::LocalHost;

use crate::{Depth, Member, Report, Selection, Site, gather};

const FILE: &str = "\
apiVersion: sealift.dev/v1
kind: Cluster
metadata: {name: plant-7}
spec:
  nodes: [{name: cp1, role: control-plane, gpu: auto, ssh: {address: 10.77.0.11}}]
";

/// Puts a file below a directory.
fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Ids of what is found on a server that is this directory.
async fn found(root: &Path) -> BTreeSet<&'static str> {
    let cluster = Cluster::parse(FILE, "c", None).unwrap();
    let node = cluster.first_control_plane();
    let host = Arc::new(LocalHost::rooted("cp1", root));
    let member = Member { name: "cp1".into(), address: node.ssh.address, role: Role::ControlPlane, host };
    let mut facts = gather(&cluster, &[member], Depth::Read).await;
    let nodes = vec![(node, Ok(facts.remove("cp1").unwrap()))];
    let report = Report::of(&Site { cluster: &cluster, nodes, offer: None }, &Selection::default(), false);
    report.findings().iter().map(|one| one.check).collect()
}

#[tokio::test]
async fn files_that_somebody_left_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    put(root, "etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    put(root, "etc/hosts", "127.0.0.1 localhost\n127.0.1.1 cp1\n");
    put(root, "proc/sys/kernel/hostname", "cp1\n");
    put(root, "proc/1/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
    put(root, "usr/sbin/nft", "#!/bin/sh\necho '{\"nftables\": []}'\n");
    fs::set_permissions(root.join("usr/sbin/nft"), PermissionsExt::from_mode(0o755)).unwrap();
    let clean = found(root).await;
    let provoked = [
        ("leftover-kubernetes", "etc/kubernetes/kubelet.conf", "x"),
        ("leftover-etcd", "var/lib/etcd/member/wal", "x"),
        ("leftover-cni", "etc/cni/net.d/10-weave.conf", "{}"),
        ("leftover-kubelet", "var/lib/kubelet/config.yaml", "x"),
        ("leftover-containerd", "var/lib/containerd/io.containerd.metadata.v1.bolt", "x"),
        ("leftover-units", "etc/systemd/system/kubelet.service", "[Unit]\n"),
        ("leftover-interfaces", "sys/class/net/cni0/mtu", "1450"),
        ("foreign-kubernetes", "var/lib/rancher/k3s", "x"),
        ("runtime-docker", "etc/docker/daemon.json", "{}"),
        ("swap-fstab", "etc/fstab", "/swap none swap sw 0 0\n"),
        ("swap-unit", "etc/systemd/system/swapfile.swap", "[Swap]\n"),
        ("swap-on", "proc/swaps", "Filename\n/swap file 1 0 -2\n"),
        ("resolv-loop", "etc/resolv.conf", "nameserver 127.0.0.53\n"),
        ("firewall-ufw", "etc/ufw/ufw.conf", "ENABLED=yes\n"),
        ("hosts-conflict", "etc/hosts", "127.0.0.1 localhost\n10.9.9.9 cp1\n"),
        ("mount-noexec", "proc/1/mountinfo", "22 1 8:1 / / rw,noexec - ext4 /dev/sda1 rw\n"),
        ("machine-id-missing", "etc/machine-id", "\n"),
        ("port-control-plane", "proc/net/tcp", "h\n 0: 00000000:192B 00000000:0000 0A\n"),
        ("sysctl-overridden", "etc/sysctl.d/99-x.conf", "net.ipv4.ip_forward=0\n"),
        (
            "gpu-nouveau",
            "sys/bus/pci/devices/0000:01:00.0/uevent",
            "DRIVER=nouveau\nPCI_CLASS=30000\nPCI_ID=10DE:2204\n",
        ),
        ("sudo-requiretty", "etc/sudoers.d/x", "Defaults requiretty\n"),
    ];
    for (id, path, text) in provoked {
        assert!(!clean.contains(id), "{id} is found on a server without it");
        put(root, path, text);
        assert!(found(root).await.contains(id), "{id} is not found for {path}");
    }
    let drop = r#"{"nftables": [{"chain": {"family": "ip", "table": "f", "name": "c", "hook": "forward", "policy": "drop"}}]}"#;
    put(root, "usr/sbin/nft", &format!("#!/bin/sh\necho '{drop}'\n"));
    assert!(found(root).await.contains("firewall-forward"));
}
