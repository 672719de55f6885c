//! A node's disk before its first boot: a copy of the root with a name, an address, keys, and the few things this
//! kind of host needs and a real server does not.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use anyhow::{Context, Result};

use super::Node;
use crate::net::NAMESERVER;
use crate::program::run;
use crate::root;

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

/// Tests read from the journal whether anybody tried to authenticate.
const SSHD: &str = "LogLevel VERBOSE\nPermitRootLogin prohibit-password\n";

/// Makes the disk of a node that has none.
pub(crate) fn prepare(node: &Node, tree: &Path, operator_key: &str) -> Result<()> {
    let disk = node.disk();
    fs::create_dir_all(node.dir()).with_context(|| format!("making {}", node.dir().display()))?;
    root::copy(tree, &disk)?;
    let name = node.name();
    // Empty, not a newline: the first boot makes one.
    write(&disk, "etc/machine-id", "")?;
    write(&disk, "etc/hostname", &format!("{name}\n"))?;
    let hosts = "127.0.0.1\tlocalhost\n127.0.1.1\tNAME\n::1\tlocalhost ip6-localhost ip6-loopback\n";
    write(&disk, "etc/hosts", &hosts.replace("NAME", name))?;
    fs::remove_file(disk.join("etc/resolv.conf")).ok();
    write(&disk, "etc/resolv.conf", &format!("nameserver {NAMESERVER}\n"))?;
    write(&disk, "etc/systemd/network/10-host0.network", &network(node))?;
    write(&disk, "etc/ssh/sshd_config.d/lab.conf", SSHD)?;
    write(&disk, "etc/systemd/system/lab-host.service", SETUP_UNIT)?;
    let wants = disk.join("etc/systemd/system/sysinit.target.wants");
    fs::create_dir_all(&wants)?;
    symlink("../lab-host.service", wants.join("lab-host.service")).context("enabling lab-host.service")?;
    for (home, id) in [("root", 0), ("home/ops", 1000)] {
        authorize(&disk.join(home), id, operator_key)?;
    }
    // Every node has host keys of its own; the copied root has none.
    run(&["ssh-keygen", "-q", "-A", "-f", &disk.display().to_string()]).context("making host keys").map(drop)
}

/// A static address, as after the installation of a server that has no DHCP.
fn network(node: &Node) -> String {
    let octet = node.state.spec.octet;
    format!(
        "[Match]\nName=host0\n\n[Network]\nDHCP=no\nIPv6AcceptRA=no\nLLMNR=no\nMulticastDNS=no\n\
         Address={}/24\nGateway={}\nAddress={}/64\nGateway={}\n",
        node.address,
        node.gateway(),
        node.net.address6(octet),
        node.net.address6(1),
    )
}

fn authorize(home: &Path, id: u32, key: &str) -> Result<()> {
    let folder = home.join(".ssh");
    let file = folder.join("authorized_keys");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    fs::write(&file, key).with_context(|| format!("writing {}", file.display()))?;
    for (path, mode) in [(&folder, 0o700), (&file, 0o600)] {
        chown(path, Some(id), Some(id)).with_context(|| format!("giving {} to its user", path.display()))?;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

fn write(disk: &Path, path: &str, text: &str) -> Result<()> {
    let path = disk.join(path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
}
