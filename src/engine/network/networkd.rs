//! systemd-networkd: files that come before all others, so that they are the ones that count.
//!
//! `/run` and `/etc` are read as one, in the order of the names: a file whose name sorts first wins wherever it is. What
//! the file that counted until now says and we do not know is kept.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::ini::Ini;
use super::{Base, Commands, Link, Nic, Picked, Written, refused, words};
use crate::StepError;

/// Before the names that administrators and netplan give.
const PREFIX: &str = "00-00-sealift-";
/// Of what is tried: before the former, for a file in `/etc` hides one in `/run` that has its very name.
const TRIAL: &str = "00-00-0sealift-";
const HEAD: &str = "# written by sealift\n";

/// The mode of networkd's files: it reads them as a user of its own, and there is no secret in them.
const MODE: u32 = 0o644;

/// Sections that are written anew.
const OURS: &[&str] = &["Match", "Link", "Network", "Address", "Route", "DHCPv4", "DHCP", "DHCPv6", "NetDev"];

/// Keys of `[Network]` that say what the cluster file says.
const KEYS: &[&str] = &["Address", "Gateway", "DHCP", "DHCPServer", "DefaultRouteOnDevice", "Bond"];

/// What one device's file says.
#[derive(Default)]
struct Device<'a> {
    nic: Option<&'a Nic>,
    member: bool,
    vlans: Vec<String>,
    bond: Option<&'a str>,
    link: Option<&'a Link>,
}

/// The files for these links. `counting` has the text of the file that counts for a device now.
pub(crate) fn render(links: &[Link], counting: &BTreeMap<String, String>) -> Vec<Written> {
    let mut devices: BTreeMap<String, Device<'_>> = BTreeMap::new();
    let mut written = vec![];
    for link in links {
        for nic in link.base.nics() {
            let device = devices.entry(nic.name.clone()).or_default();
            device.nic = Some(nic);
            if let Base::Bond { name, .. } = &link.base {
                device.bond = Some(name);
                device.member = true;
            }
        }
        if let Base::Bond { name, mode, .. } = &link.base {
            let text = format!(
                "{HEAD}[NetDev]\nName={name}\nKind=bond\n\n[Bond]\nMode={mode}\nMIIMonitorSec=100ms\n"
            );
            written.push(file(name, "netdev", text));
        }
        if let Some(id) = link.vlan {
            let name = link.device();
            let text = format!("{HEAD}[NetDev]\nName={name}\nKind=vlan\n\n[VLAN]\nId={id}\n");
            written.push(file(&name, "netdev", text));
            devices.entry(link.base.name().to_owned()).or_default().vlans.push(name);
        }
        devices.entry(link.device()).or_default().link = Some(link);
    }
    // Those that give up an address last: a power cut before them leaves it as it was.
    let (cards, others): (Vec<_>, Vec<_>) = devices.iter().partition(|(_, device)| device.nic.is_some());
    for (name, device) in others.into_iter().chain(cards) {
        let kept = counting.get(name).map(|text| Ini::parse(text)).unwrap_or_default();
        written.push(file(name, "network", device.text(name, &kept)));
    }
    written
}

/// networkd leaves an interface alone whose file did not change, so it is told.
pub(crate) fn commands(links: &[Link]) -> Commands {
    let mut nics: Vec<String> =
        links.iter().flat_map(|link| link.base.nics()).map(|nic| nic.name.clone()).collect();
    nics.dedup();
    let take = vec![words(["networkctl", "reload"]), [words(["networkctl", "reconfigure"]), nics].concat()];
    Commands { take, back: vec![] }
}

fn file(device: &str, kind: &str, text: String) -> Written {
    Written {
        lasting: format!("/etc/systemd/network/{PREFIX}{device}.{kind}"),
        volatile: format!("/run/systemd/network/{TRIAL}{device}.{kind}"),
        text,
        mode: MODE,
    }
}

/// Where a file that was tried lies once it is kept.
pub(crate) fn lasting(file: &str) -> String {
    file.replacen("/run/", "/etc/", 1).replacen(TRIAL, PREFIX, 1)
}

impl Device<'_> {
    fn text(&self, name: &str, kept: &Ini) -> String {
        let mut text = format!("{HEAD}[Match]\n{}\n", self.matches(name));
        let mtu = self.link.and_then(|link| link.mtu);
        let mut lines = kept.lines("Link", |key, _| key != "MTUBytes" || mtu.is_none());
        lines.extend(mtu.map(|mtu| format!("MTUBytes={mtu}")));
        section(&mut text, "Link", &lines);
        section(&mut text, "Network", &self.network(kept));
        for (to, via) in self.link.map(Link::all_routes).unwrap_or_default() {
            section(&mut text, "Route", &[format!("Destination={to}"), format!("Gateway={via}")]);
        }
        for (name, lines) in kept.others(OURS) {
            section(&mut text, name, lines);
        }
        text
    }

    /// A VLAN and a bond have the MAC address of what is below them, which is why the type is asked too. A member of a
    /// bond wears the bond's and keeps its own where only the card knows it.
    fn matches(&self, name: &str) -> String {
        match self.nic {
            Some(Nic { mac, by: Picked::Mac, .. }) if self.member && !mac.is_empty() => {
                format!("PermanentMACAddress={mac}\nType=ether\n")
            }
            Some(Nic { mac, by: Picked::Mac, .. }) if !mac.is_empty() => {
                format!("MACAddress={mac}\nType=ether\n")
            }
            _ => format!("Name={name}\n"),
        }
    }

    fn network(&self, kept: &Ini) -> Vec<String> {
        let servers = self.link.map(|link| link.nameservers.as_slice()).unwrap_or_default();
        let ipv6 = self.link.is_some_and(Link::has_ipv6);
        let stays = |key: &str, value: &str| match key {
            "DNS" => servers.is_empty(),
            "IPv6AcceptRA" => !ipv6,
            "VLAN" => !self.vlans.iter().any(|vlan| vlan == value),
            key => !KEYS.contains(&key),
        };
        let mut lines = kept.lines("Network", stays);
        lines.push("DHCP=no".to_owned());
        if ipv6 {
            lines.push("IPv6AcceptRA=no".to_owned());
        }
        let addresses = self.link.map(|link| link.addresses.as_slice()).unwrap_or_default();
        lines.extend(addresses.iter().map(|address| format!("Address={address}")));
        lines.extend(servers.iter().map(|server| format!("DNS={server}")));
        lines.extend(self.vlans.iter().map(|vlan| format!("VLAN={vlan}")));
        lines.extend(self.bond.map(|bond| format!("Bond={bond}")));
        lines
    }
}

fn section(text: &mut String, name: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = write!(text, "[{name}]\n{}\n\n", lines.join("\n"));
}

/// What networkd says of an interface in `/run/systemd/netif/links/INDEX`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Says {
    /// Whether it looks after it.
    pub(crate) managed: bool,
    /// The file that counts for it.
    pub(crate) file: Option<String>,
    /// What is laid over that file.
    pub(crate) drop_ins: Option<String>,
}

impl Says {
    pub(crate) fn parse(text: &str) -> Self {
        let get = |key: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
            Some(value.trim_matches('"').to_owned()).filter(|value| !value.is_empty())
        };
        let state = get("ADMIN_STATE").unwrap_or_default();
        Self {
            managed: !matches!(state.as_str(), "" | "unmanaged" | "pending" | "initialized"),
            file: get("NETWORK_FILE"),
            drop_ins: get("NETWORK_FILE_DROPINS"),
        }
    }

    /// Whether netplan wrote the file that counts.
    pub(crate) fn by_netplan(&self) -> bool {
        self.file.as_deref().is_some_and(|file| file.starts_with("/run/systemd/network/10-netplan-"))
    }

    /// Whether ours would count in its place.
    pub(crate) fn can_be_preceded(&self, device: &str) -> Result<(), StepError> {
        let Some(file) = &self.file else { return Ok(()) };
        if let Some(drop_ins) = &self.drop_ins {
            let why = format!("{drop_ins} is laid over {file}, and would be left out");
            return Err(refused(format!("network of {device}"), why, "put what it says into that file"));
        }
        let name = file.rsplit('/').next().unwrap_or_default();
        if name > PREFIX || name.starts_with(TRIAL) {
            return Ok(());
        }
        let why = format!("{file} sorts before any name that sealift would write");
        Err(refused(format!("network of {device}"), why, "give it a name that begins with 10-"))
    }
}

#[cfg(test)]
mod real;
#[cfg(test)]
mod tests;
