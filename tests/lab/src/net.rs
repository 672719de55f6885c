//! The scene's network: one namespace with one bridge and no route out.
//!
//! Everything that leads "out" leads into `sink0`, one end of a veth pair whose other end drops it without a word:
//! the egress recorder sees each such packet. Silence, not a refusal, is what an engineer meets behind a firewall that
//! drops, and it is the harsher case: a program that asks a public name waits for its whole time-out.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::process::Command;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::program::{attempt, command, finish, run};

/// The nameserver every node is given: a documentation address (RFC 5737) beyond the gateway, which never answers.
pub const NAMESERVER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 53);

/// An IPv4 network of 256 addresses; a node's address is its octet in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subnet([u8; 3]);

impl Subnet {
    /// The address with this last octet.
    pub fn address(self, octet: u8) -> Ipv4Addr {
        let [a, b, c] = self.0;
        Ipv4Addr::new(a, b, c, octet)
    }

    /// The operator's address, which is also the nodes' default gateway: `.1`.
    pub fn gateway(self) -> Ipv4Addr {
        self.address(1)
    }
}

impl FromStr for Subnet {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (base, length) =
            text.split_once('/').with_context(|| format!("reading subnet {text:?}: no /24"))?;
        let base: Ipv4Addr = base.parse().with_context(|| format!("reading subnet {text:?}"))?;
        let [a, b, c, d] = base.octets();
        if length != "24" || d != 0 || !base.is_private() {
            bail!("subnet {text:?} is not a private network of the form A.B.C.0/24, such as 10.77.0.0/24");
        }
        Ok(Self([a, b, c]))
    }
}

impl TryFrom<String> for Subnet {
    type Error = anyhow::Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Subnet> for String {
    fn from(subnet: Subnet) -> Self {
        subnet.to_string()
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/24", self.address(0))
    }
}

/// A scene's network namespace.
#[derive(Debug, Clone)]
pub struct Net {
    name: String,
    subnet: Subnet,
}

impl Net {
    /// The network of the scene with this name; nothing is made yet.
    pub fn new(name: &str, subnet: Subnet) -> Self {
        Self { name: name.to_owned(), subnet }
    }

    /// The nodes' network.
    pub(crate) fn subnet(&self) -> Subnet {
        self.subnet
    }

    /// Where the namespace is mounted.
    pub fn path(&self) -> PathBuf {
        PathBuf::from("/run/netns").join(&self.name)
    }

    /// Whether the namespace exists.
    pub fn exists(&self) -> bool {
        self.path().exists()
    }

    /// An argv that runs inside the namespace. Not `ip netns exec`, which mounts /sys anew and hides the cgroups.
    pub fn enter<S: AsRef<str>>(&self, argv: &[S]) -> Command {
        let mut words =
            vec!["nsenter".to_owned(), format!("--net={}", self.path().display()), "--".to_owned()];
        words.extend(argv.iter().map(|word| word.as_ref().to_owned()));
        command(&words)
    }

    /// Makes the namespace, its bridge and its sink; what exists is left as it is.
    pub fn up(&self) -> Result<()> {
        if !self.exists() {
            run(&["ip", "netns", "add", &self.name])?;
        }
        self.ip(&["link", "set", "lo", "up"])?;
        // Off, so that a node's packet for the outside is seen once (on br0) and ends there.
        for key in
            ["net.ipv4.ip_forward=0", "net.ipv6.conf.all.forwarding=0", "net.ipv6.conf.all.accept_ra=0"]
        {
            finish(self.enter(&["sysctl", "-q", "-w", key]))?;
        }
        if !self.has("br0") {
            self.ip(&["link", "add", "br0", "type", "bridge", "stp_state", "0", "forward_delay", "0"])?;
        }
        self.ip(&["addr", "replace", &format!("{}/24", self.subnet.gateway()), "dev", "br0"])?;
        self.ip(&["addr", "replace", &format!("{}/64", self.address6(1)), "dev", "br0", "nodad"])?;
        self.ip(&["link", "set", "br0", "up"])?;
        if !self.has("sink0") {
            self.ip(&["link", "add", "sink0", "type", "veth", "peer", "name", "sink1"])?;
        }
        for end in ["sink0", "sink1"] {
            // Without ARP and link-local addresses nothing is asked or announced before a packet goes out.
            self.ip(&["link", "set", end, "addrgenmode", "none", "arp", "off"])?;
            self.ip(&["link", "set", end, "up"])?;
        }
        self.ip(&["route", "replace", "default", "dev", "sink0"])?;
        self.ip(&["-6", "route", "replace", "default", "dev", "sink0"])
    }

    /// Removes the namespace and with it all that is in it.
    pub fn down(&self) -> Result<()> {
        if self.exists() {
            run(&["ip", "netns", "del", &self.name])?;
        }
        Ok(())
    }

    /// Sets one link of the namespace up or down.
    pub fn set_link(&self, link: &str, up: bool) -> Result<()> {
        self.ip(&["link", "set", link, if up { "up" } else { "down" }])
    }

    /// The scene's IPv6 address with this last part, in a unique local prefix (RFC 4193) made of the scene's name.
    pub fn address6(&self, octet: u8) -> Ipv6Addr {
        let hash = Sha256::digest(self.name.as_bytes());
        let scene = u16::from_be_bytes([hash[0], hash[1]]);
        Ipv6Addr::new(0xfd5e, 0xa11f, 0x7000, scene, 0, 0, 0, u16::from(octet))
    }

    /// Runs `ip` in the namespace.
    pub fn ip(&self, words: &[&str]) -> Result<()> {
        let mut argv = vec!["ip", "-n", &self.name];
        argv.extend(words);
        run(&argv).map(drop)
    }

    /// Whether the namespace has a link of this name.
    pub(crate) fn has(&self, link: &str) -> bool {
        attempt(&["ip", "-n", &self.name, "link", "show", "dev", link])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_is_a_private_slash_24_and_nothing_else() {
        let subnet: Subnet = "10.77.0.0/24".parse().unwrap();
        assert_eq!(subnet.address(11).to_string(), "10.77.0.11");
        assert_eq!(subnet.to_string(), "10.77.0.0/24");
        for bad in ["10.77.0.0", "10.77.0.0/16", "10.77.0.1/24", "8.8.8.0/24", "a/24", "", "10.77.0.0/24/24"]
        {
            assert!(bad.parse::<Subnet>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn two_scenes_have_two_ipv6_prefixes() {
        let subnet: Subnet = "10.77.0.0/24".parse().unwrap();
        let (one, two) = (Net::new("lab", subnet), Net::new("lab-t1", subnet));
        assert_ne!(one.address6(1), two.address6(1));
        assert!(one.address6(1).is_unique_local());
    }
}
