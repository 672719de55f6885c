//! What a server's installer asks for, put on a disk before its first boot: a name, an address, who may log in.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use anyhow::{Context, Result};

use crate::net::{NAMESERVER, Net, Subnet};
use crate::program::run;

/// Tests read from the journal whether anybody tried to authenticate.
const SSHD: &str = "LogLevel VERBOSE\nPermitRootLogin prohibit-password\n";

/// Who sets a server's addresses at boot.
pub(crate) enum By<'a> {
    /// systemd-networkd; the interface in the words of systemd.network(5): `Name=host0`.
    Networkd(&'a str),
    /// ifupdown, as Debian's installer leaves it; the interface's name.
    Ifupdown(&'a str),
    /// NetworkManager; the interface's name. It would leave a container's interface alone if it were not told.
    NetworkManager(&'a str),
}

/// One server's answers.
pub(crate) struct Server<'a> {
    /// Its host name.
    pub(crate) name: &'a str,
    /// Last part of its address.
    pub(crate) octet: u8,
    /// Who sets its addresses at boot, and what tells them the interface.
    pub(crate) by: By<'a>,
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
        if !matches!(self.by, By::Networkd(_)) {
            // networkd would ask for an address on every container's host0
            let folder = disk.join("etc/systemd/network");
            fs::create_dir_all(&folder)?;
            symlink("/dev/null", folder.join("80-container-host0.network")).context("silencing networkd")?;
        }
        for (path, text, mode) in self.network(net, subnet) {
            write(disk, path, &text)?;
            fs::set_permissions(disk.join(path), fs::Permissions::from_mode(mode))?;
        }
        write(disk, "etc/ssh/sshd_config.d/lab.conf", SSHD)?;
        for (home, id) in [("root", 0), ("home/ops", 1000)] {
            authorize(&disk.join(home), id, self.operator_key)?;
        }
        // Every node has host keys of its own; the copied root has none.
        run(&["ssh-keygen", "-q", "-A", "-f", &disk.display().to_string()])
            .context("making host keys")
            .map(drop)
    }

    /// A static address, as after the installation of a server that has no DHCP: files, what is in them, and modes.
    fn network(&self, net: &Net, subnet: Subnet) -> Vec<(&'static str, String, u32)> {
        let (address, gateway) = (subnet.address(self.octet), subnet.gateway());
        let (address6, gateway6) = (net.address6(self.octet), net.address6(1));
        match self.by {
            By::Networkd(interface) => {
                let text = format!(
                    "[Match]\n{interface}\n\n[Network]\nDHCP=no\nIPv6AcceptRA=no\nLLMNR=no\nMulticastDNS=no\n\
                     Address={address}/24\nGateway={gateway}\nAddress={address6}/64\nGateway={gateway6}\n"
                );
                vec![("etc/systemd/network/10-lab.network", text, 0o644)]
            }
            By::Ifupdown(interface) => {
                let text = format!(
                    "source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n\n\
                     # The primary network interface\nauto {interface}\n\
                     iface {interface} inet static\n    address {address}/24\n    gateway {gateway}\n\
                     iface {interface} inet6 static\n    address {address6}/64\n    gateway {gateway6}\n"
                );
                vec![("etc/network/interfaces", text, 0o644)]
            }
            By::NetworkManager(interface) => {
                let profile = format!(
                    "[connection]\nid=plant\nuuid=2f6d4c1e-8a3b-4f0e-9d57-0c1b5a7e9f10\ntype=ethernet\ninterface-name={interface}\n\n\
                     [ipv4]\nmethod=manual\naddress1={address}/24,{gateway}\n\n\
                     [ipv6]\nmethod=manual\naddress1={address6}/64,{gateway6}\n"
                );
                let ours = format!("[device-lab]\nmatch-device=interface-name:{interface}\nmanaged=1\n");
                vec![
                    ("etc/NetworkManager/system-connections/plant.nmconnection", profile, 0o600),
                    ("etc/NetworkManager/conf.d/lab.conf", ours, 0o644),
                ]
            }
        }
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
