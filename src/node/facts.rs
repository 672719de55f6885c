//! What a node is, as far as sealift has to know.

use serde::{Deserialize, Serialize};

/// Facts of one node, all read at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The kernel's node name.
    pub hostname: String,
    /// `ID` of os-release(5), e.g. `debian`.
    pub os_id: String,
    /// `VERSION_ID` of os-release(5), e.g. `12`; empty on rolling releases.
    pub os_version: String,
    /// `PRETTY_NAME` of os-release(5).
    pub os_name: String,
    /// Kernel release, e.g. `6.1.0-18-amd64`.
    pub kernel: String,
    /// As OCI spells it: `amd64`, `arm64`; else what uname(2) says.
    pub arch: String,
    /// Processors that this node may use.
    pub cpus: u32,
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes of swap in use as swap, whether filled or not.
    pub swap: u64,
    /// Bytes that root may still write below `/var/lib`.
    pub disk_free: u64,
    /// `/etc/machine-id`; two nodes with the same one are clones.
    pub machine_id: String,
    /// Changes with every boot of the kernel.
    pub boot_id: String,
    /// When PID 1 started, in clock ticks since the kernel's boot: in a container this changes with a
    /// reboot where `boot_id` does not.
    pub init_start: u64,
    /// 1 or 2.
    pub cgroup: u8,
    /// The node's clock in seconds since the epoch.
    pub now: u64,
    /// Network interfaces, by name.
    pub interfaces: Vec<Interface>,
}

/// A network interface.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// The kernel's name.
    pub name: String,
    /// Link-layer address in lower-case hex with colons; empty where there is none.
    pub mac: String,
    /// Whether it is up and has a carrier.
    pub running: bool,
    /// Whether it is made of others, a VLAN, a bond or a bridge, and may so have the MAC address of one of them.
    #[serde(default)]
    pub made: bool,
    /// Addresses with their prefix lengths, e.g. `10.77.0.11/24`.
    pub addresses: Vec<String>,
}
