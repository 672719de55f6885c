//! A node: one Debian machine of a scene, booted by systemd-nspawn.

mod boot;
mod exec;
pub mod listing;
mod power;
mod prepare;
pub mod supervise;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::Result;

pub(crate) use prepare::prepare;

use crate::furnish::host_key;
use crate::net::{Net, Subnet};
use crate::process::{Process, noted};
use crate::root::RootKind;
use crate::shell::Shell;
use crate::state::{NodeState, SceneState, node_dir};

/// One machine of a scene, on or off.
#[derive(Debug, Clone)]
pub struct Node {
    scene_dir: PathBuf,
    scene_name: String,
    net: Net,
    subnet: Subnet,
    state: NodeState,
}

impl Node {
    pub(crate) fn new(scene_dir: &Path, scene: &SceneState, state: &NodeState) -> Self {
        Self {
            scene_dir: scene_dir.to_owned(),
            scene_name: scene.name.clone(),
            net: Net::new(&scene.name, scene.subnet),
            subnet: scene.subnet,
            state: state.clone(),
        }
    }

    /// Its host name.
    pub fn name(&self) -> &str {
        &self.state.spec.name
    }

    /// Its IPv4 address.
    pub fn address(&self) -> Ipv4Addr {
        self.subnet.address(self.octet())
    }

    /// Its default gateway, which leads nowhere.
    pub fn gateway(&self) -> Ipv4Addr {
        self.subnet.gateway()
    }

    /// Its own disk, as a folder of this machine. What is mounted inside the running node is not seen here.
    pub fn disk(&self) -> PathBuf {
        self.dir().join("root")
    }

    /// Its ed25519 host key as a cluster file wants it: `ssh-ed25519 AAAA…`.
    pub fn host_key(&self) -> Result<String> {
        host_key(&self.disk())
    }

    /// The way to its SSH server.
    pub(crate) fn shell(&self) -> Shell {
        Shell { scene_dir: self.scene_dir.clone(), net: self.net.clone(), address: self.address(), within: 5 }
    }

    fn root_kind(&self) -> RootKind {
        self.state.spec.root
    }

    fn octet(&self) -> u8 {
        self.state.spec.octet
    }

    /// The name nspawn knows it by; unique over all scenes.
    pub(crate) fn machine(&self) -> String {
        machine(&self.scene_name, self.name())
    }

    fn dir(&self) -> PathBuf {
        node_dir(&self.scene_dir, self.name())
    }

    /// The node's PID 1 as this machine sees it; `None` while it is off.
    pub fn leader(&self) -> Option<Process> {
        noted(&self.dir().join("leader.json")).filter(|process| process.alive())
    }

    pub(crate) fn supervisor(&self) -> Option<Process> {
        noted(&self.dir().join("supervisor.json")).filter(|process| process.alive())
    }

    pub(crate) fn cgroups(&self) -> &[PathBuf] {
        &self.state.cgroups
    }
}

/// The machine name of a scene's node.
pub(crate) fn machine(scene: &str, node: &str) -> String {
    format!("{scene}-{node}")
}
