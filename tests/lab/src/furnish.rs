//! What a server's installer asks for, put on a disk before its first boot: a name, an address, who may log in.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use anyhow::{Context, Result};

use crate::net::{NAMESERVER, Net, Subnet};
use crate::program::run;

/// Tests read from the journal whether anybody tried to authenticate.
const SSHD: &str = "LogLevel VERBOSE\nPermitRootLogin prohibit-password\n";

/// One server's answers.
pub(crate) struct Server<'a> {
    /// Its host name.
    pub(crate) name: &'a str,
    /// Last part of its address.
    pub(crate) octet: u8,
    /// What tells its network interface, in the words of systemd.network(5): `Name=host0`.
    pub(crate) interface: &'a str,
    /// The operator's public key.
    pub(crate) operator_key: &'a str,
}

impl Server<'_> {
    /// Puts them on the disk, which is a copy of a root.
    pub(crate) fn furnish(&self, disk: &Path, net: &Net, subnet: Subnet) -> Result<()> {
        // Empty, not a newline: the first boot makes one.
        write(disk, "etc/machine-id", "")?;
        write(disk, "etc/hostname", &format!("{}\n", self.name))?;
        let hosts = "127.0.0.1\tlocalhost\n127.0.1.1\tNAME\n::1\tlocalhost ip6-localhost ip6-loopback\n";
        write(disk, "etc/hosts", &hosts.replace("NAME", self.name))?;
        fs::remove_file(disk.join("etc/resolv.conf")).ok();
        write(disk, "etc/resolv.conf", &format!("nameserver {NAMESERVER}\n"))?;
        write(disk, "etc/systemd/network/10-lab.network", &self.network(net, subnet))?;
        write(disk, "etc/ssh/sshd_config.d/lab.conf", SSHD)?;
        for (home, id) in [("root", 0), ("home/ops", 1000)] {
            authorize(&disk.join(home), id, self.operator_key)?;
        }
        // Every node has host keys of its own; the copied root has none.
        run(&["ssh-keygen", "-q", "-A", "-f", &disk.display().to_string()])
            .context("making host keys")
            .map(drop)
    }

    /// A static address, as after the installation of a server that has no DHCP.
    fn network(&self, net: &Net, subnet: Subnet) -> String {
        format!(
            "[Match]\n{}\n\n[Network]\nDHCP=no\nIPv6AcceptRA=no\nLLMNR=no\nMulticastDNS=no\n\
             Address={}/24\nGateway={}\nAddress={}/64\nGateway={}\n",
            self.interface,
            subnet.address(self.octet),
            subnet.gateway(),
            net.address6(self.octet),
            net.address6(1),
        )
    }
}

/// The ed25519 host key of a disk as a cluster file wants it: `ssh-ed25519 AAAA…`.
pub(crate) fn host_key(disk: &Path) -> Result<String> {
    let path = disk.join("etc/ssh/ssh_host_ed25519_key.pub");
    let line = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    Ok(line.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
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

/// Writes a file of a disk, with the folders above it.
pub(crate) fn write(disk: &Path, path: &str, text: &str) -> Result<()> {
    let path = disk.join(path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
}
