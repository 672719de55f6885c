//! A node's disk before its first boot: a copy of the root, furnished as a server is, and the few things this kind of
//! host needs and a real server does not.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, Result};

use super::Node;
use crate::furnish::{By, Server, write};
use crate::root::{self, RootKind};

/// Own cgroups writable (a plain remount says busy), mounts shared for kubelet, /run without exec as Debian's own.
const SETUP_UNIT: &str = "\
[Unit]
Description=What a machine in the lab needs and a real one does not
DefaultDependencies=no
Before=sysinit.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'for c in /sys/fs/cgroup/*; do mount -o remount,rw,bind $$c || true; done'
ExecStart=/bin/mount -o remount,nosuid,nodev,noexec /run
ExecStart=/bin/mount --make-rshared /
[Install]
WantedBy=sysinit.target
";

/// Makes the disk of a node that has none.
pub(crate) fn prepare(node: &Node, tree: &Path, operator_key: &str) -> Result<()> {
    let disk = node.disk();
    fs::create_dir_all(node.dir()).with_context(|| format!("making {}", node.dir().display()))?;
    root::copy(tree, &disk)?;
    let by = match node.root_kind() {
        RootKind::Ifupdown | RootKind::Older => By::Ifupdown("host0"),
        RootKind::Managed => By::NetworkManager("host0"),
        RootKind::Full | RootKind::Bare | RootKind::Newer => By::Networkd("Name=host0"),
    };
    let server = Server { name: node.name(), octet: node.octet(), by, operator_key };
    server.furnish(&disk, &node.net, node.subnet)?;
    if node.root_kind() == RootKind::Older {
        // udev of that age takes it for a failure that a container may not ask all of the host's devices
        let unit = disk.join("etc/systemd/system/systemd-udev-trigger.service");
        symlink("/dev/null", unit).context("masking systemd-udev-trigger.service")?;
    }
    write(&disk, "etc/systemd/system/lab-host.service", SETUP_UNIT)?;
    let wants = disk.join("etc/systemd/system/sysinit.target.wants");
    fs::create_dir_all(&wants)?;
    symlink("../lab-host.service", wants.join("lab-host.service")).context("enabling lab-host.service")
}
