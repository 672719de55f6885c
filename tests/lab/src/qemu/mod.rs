//! A machine of its own kernel in a scene: what a shared kernel cannot show (swap, modules and sysctls over a real
//! reboot, cgroup v2, another distribution's defaults) is looked at in QEMU, beside the scene's nodes and in its network.
//!
//! No hardware helps (KVM hangs on the machines this was made for): everything is some ten times slower than a node.

mod boot;
mod disk;
mod image;
mod power;
mod qmp;

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::cache::Cache;
use crate::net::Subnet;
use crate::node::Node;
use crate::process::{Process, noted};
use crate::program::finish;
use crate::scene::Scene;
use crate::shell::Shell;
use crate::state::{check_name, node_dir, write_whole};
use image::Image;

/// What machine.
#[derive(Debug, Clone)]
pub struct MachineSpec {
    /// Its host name; no node of the scene has it.
    pub name: String,
    /// Last part of its address.
    pub octet: u8,
    /// How many network cards it has, all on the scene's bridge. The first one gets the address.
    pub cards: u8,
    /// MiB of memory.
    pub memory: u32,
}

/// A machine, on or off. Its power is cut when the value is dropped, or the thread that switched it on ends.
#[derive(Debug)]
pub struct Machine {
    spec: MachineSpec,
    dir: PathBuf,
    subnet: Subnet,
    shell: Shell,
    image: Image,
    /// Its host key.
    key: String,
    qemu: Option<Child>,
}

impl Machine {
    /// A freshly installed machine in a scene, switched off. It takes the operator's key.
    pub fn install(scene: &Scene, cache: &Cache, spec: MachineSpec) -> Result<Self> {
        check_name("machine", &spec.name, 24)?;
        let net = scene.net();
        let subnet = net.subnet();
        let address = subnet.address(spec.octet);
        let taken = |node: &Node| node.name() == spec.name || node.address() == address;
        if scene.nodes().iter().any(taken) {
            bail!("machine {} cannot be {address}: a node has that name or address", spec.name);
        }
        let dir = node_dir(scene.dir(), &spec.name);
        // an emulated server that is busy
        let shell = Shell { scene_dir: scene.dir().to_owned(), net, address, within: 30 };
        let (image, key) = (Image::ensure(cache)?, String::new());
        let mut machine = Self { spec, dir, subnet, shell, image, key, qemu: None };
        let public = scene.operator_key().with_extension("pub");
        let public = fs::read_to_string(&public).with_context(|| format!("reading {}", public.display()))?;
        let key = machine.make_disks(&public)?;
        let known = scene.dir().join("ssh/known_hosts");
        let others = fs::read_to_string(&known).with_context(|| format!("reading {}", known.display()))?;
        write_whole(&known, &format!("{others}{address} {key}\n"))?;
        machine.key = key;
        Ok(machine)
    }

    /// Its host name.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// Its IPv4 address.
    pub fn address(&self) -> Ipv4Addr {
        self.shell.address
    }

    /// From now on it is looked for at another address, under the same host key.
    pub fn is_at(&mut self, address: Ipv4Addr) -> Result<()> {
        let known = self.shell.scene_dir.join("ssh/known_hosts");
        let lines = fs::read_to_string(&known).with_context(|| format!("reading {}", known.display()))?;
        if !lines.lines().any(|line| line.starts_with(&format!("{address} "))) {
            write_whole(&known, &format!("{lines}{address} {}\n", self.key))?;
        }
        self.shell.address = address;
        Ok(())
    }

    /// Its ed25519 host key as a cluster file wants it.
    pub fn host_key(&self) -> &str {
        &self.key
    }

    /// Where its serial console is kept.
    pub fn console(&self) -> PathBuf {
        self.dir.join("console.log")
    }

    /// Runs an argv as root on the machine, over SSH: there is no other way in. Returns standard output.
    pub fn exec<S: AsRef<str>>(&self, argv: &[S]) -> Result<String> {
        let quoted: Vec<String> = argv.iter().map(|word| quote(word.as_ref())).collect();
        finish(self.shell.command("root", &quoted))
            .with_context(|| format!("looking into machine {}", self.spec.name))
    }

    /// Changes with every boot.
    pub fn boot_id(&self) -> Result<String> {
        self.exec(&["cat", "/proc/sys/kernel/random/boot_id"])
    }

    /// Waits until the operator can log in and systemd says `running`; `degraded` is an error that names the units.
    pub fn wait_ready(&self, limit: Duration) -> Result<()> {
        let ready = self.shell.wait_running(&self.spec.name, limit);
        ready.with_context(|| format!("its console is {}", self.console().display()))
    }

    fn disk(&self) -> PathBuf {
        self.dir.join("disk.img")
    }

    fn swap(&self) -> PathBuf {
        self.dir.join("swap.img")
    }
}

/// Where a machine's QEMU is noted.
fn note(dir: &Path) -> PathBuf {
    dir.join("qemu.json")
}

/// Ends the machine of this node folder, if there is one and it is on.
pub(crate) fn end(dir: &Path) -> Result<()> {
    noted(&note(dir)).map_or(Ok(()), Process::end)
}

/// A word that means itself to a shell.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quote;
    use crate::program::run;

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for word in ["", "a b", "it's", "$(x) `y` \"z\" \\", "a\nb", "*"] {
            assert_eq!(run(&["sh", "-c", &format!("printf %s {}", quote(word))]).unwrap(), word);
        }
    }
}
