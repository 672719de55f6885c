//! What the cluster file wants, fitted to the interfaces that the node has.

use std::net::IpAddr;

use sealift_cluster::{Interface, InterfaceAddress, NodeLink, NodeNetwork, Route};
use sealift_node::Facts;

use super::refused;
use crate::StepError;

/// A network card as the node has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Nic {
    pub(crate) name: String,
    /// Lower case with colons; empty where it has none.
    pub(crate) mac: String,
    /// How it was picked, which is how it is written down.
    pub(crate) by: Picked,
}

/// How an interface was picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Picked {
    /// By its MAC address, or because it has the node's address and is a card.
    Mac,
    /// By its name.
    Name,
}

/// What is under the addresses, and under the VLAN if there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Base {
    Nic(Nic),
    Bond { name: String, mode: &'static str, members: Vec<Nic> },
}

/// Something that carries addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) base: Base,
    pub(crate) vlan: Option<u16>,
    pub(crate) mtu: Option<u16>,
    pub(crate) addresses: Vec<InterfaceAddress>,
    /// The default gateway; of the first link only.
    pub(crate) gateway: Option<IpAddr>,
    pub(crate) routes: Vec<Route>,
    /// Of the first link only; empty: they stay.
    pub(crate) nameservers: Vec<IpAddr>,
}

impl Base {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Nic(nic) => &nic.name,
            Self::Bond { name, .. } => name,
        }
    }

    pub(crate) fn nics(&self) -> &[Nic] {
        match self {
            Self::Nic(nic) => std::slice::from_ref(nic),
            Self::Bond { members, .. } => members,
        }
    }
}

impl Link {
    /// The device that has the addresses.
    pub(crate) fn device(&self) -> String {
        match self.vlan {
            Some(vlan) => format!("{}.{vlan}", self.base.name()),
            None => self.base.name().to_owned(),
        }
    }

    /// Devices that do not come with the machine, topmost first.
    pub(crate) fn made(&self) -> Vec<String> {
        let vlan = self.vlan.map(|_| self.device());
        let bond = matches!(self.base, Base::Bond { .. }).then(|| self.base.name().to_owned());
        vlan.into_iter().chain(bond).collect()
    }

    /// Every route: the default gateway's first.
    pub(crate) fn all_routes(&self) -> Vec<(String, IpAddr)> {
        let default = self.gateway.map(|via| (default_of(via).to_owned(), via));
        let more = self.routes.iter().map(|route| (route.to.to_string(), route.via));
        default.into_iter().chain(more).collect()
    }

    pub(crate) fn has_ipv6(&self) -> bool {
        self.addresses.iter().any(|address| address.address().is_ipv6())
    }
}

/// The network that is everything.
fn default_of(via: IpAddr) -> &'static str {
    if via.is_ipv4() { "0.0.0.0/0" } else { "::/0" }
}

/// The links, the one with the node's address in the cluster first. `now` are the addresses at which the node may be.
pub(crate) fn resolve(network: &NodeNetwork, now: &[IpAddr], facts: &Facts) -> Result<Vec<Link>, StepError> {
    let first = Link {
        gateway: network.gateway,
        nameservers: network.nameservers.clone(),
        ..link(&network.link, now, facts)?
    };
    let more = network.more.iter().map(|wanted| link(wanted, now, facts));
    let links = std::iter::once(Ok(first)).chain(more).collect::<Result<Vec<_>, _>>()?;
    elsewhere(&links, facts)?;
    Ok(links)
}

fn link(wanted: &NodeLink, now: &[IpAddr], facts: &Facts) -> Result<Link, StepError> {
    let base = match (&wanted.bond, &wanted.interface) {
        (Some(bond), _) => {
            let members = bond.interfaces.iter().map(|one| nic(one, Some(&bond.name), facts));
            Base::Bond {
                name: bond.name.clone(),
                mode: bond.mode,
                members: members.collect::<Result<_, _>>()?,
            }
        }
        (None, Some(interface)) => Base::Nic(nic(interface, None, facts)?),
        (None, None) => Base::Nic(by_address(wanted.vlan, now, facts)?),
    };
    Ok(Link {
        base,
        vlan: wanted.vlan,
        mtu: wanted.mtu,
        addresses: wanted.addresses.clone(),
        gateway: None,
        routes: wanted.routes.clone(),
        nameservers: vec![],
    })
}

/// The card that is meant. What is made of it has its MAC address too: a VLAN on it, and the `bond` that it is to be in.
fn nic(interface: &Interface, bond: Option<&str>, facts: &Facts) -> Result<Nic, StepError> {
    let (what, found) = match interface {
        Interface::Mac(mac) => {
            let made = |name: &str| bond.is_some_and(|bond| name.split('.').next() == Some(bond));
            let its = facts.interfaces.iter().filter(|one| one.mac == *mac && !made(&one.name));
            (mac, its.min_by_key(|one| (one.made, one.name.len())))
        }
        Interface::Name(name) => (name, facts.interfaces.iter().find(|one| one.name == *name)),
    };
    let by = if matches!(interface, Interface::Mac(_)) { Picked::Mac } else { Picked::Name };
    let found = found.ok_or_else(|| {
        let all: Vec<String> = facts.interfaces.iter().filter(|one| one.name != "lo").map(shown).collect();
        let why = format!("no interface of the node; it has {}", all.join(", "));
        refused(what.clone(), why, "write one of them into the cluster file")
    })?;
    Ok(Nic { name: found.name.clone(), mac: found.mac.clone(), by })
}

fn shown(interface: &sealift_node::Interface) -> String {
    let mac = if interface.mac.is_empty() { "no MAC" } else { &interface.mac };
    format!("{} ({mac})", interface.name)
}

/// The interface that has the node's address now, or that is below the VLAN which has it.
fn by_address(vlan: Option<u16>, now: &[IpAddr], facts: &Facts) -> Result<Nic, StepError> {
    let holder = now.iter().find_map(|address| holder(*address, facts));
    let Some(holder) = holder else {
        let all: Vec<String> = now.iter().map(ToString::to_string).collect();
        let why = "no interface of the node has it, so nothing tells which one is meant";
        return Err(refused(all.join(", "), why, "name the interface in the cluster file"));
    };
    let below = vlan.and_then(|vlan| holder.name.strip_suffix(&format!(".{vlan}")));
    let nic = below.and_then(|below| facts.interfaces.iter().find(|one| one.name == below)).unwrap_or(holder);
    // what is made of cards has the MAC address of one of them, which would be meant then
    let by = if nic.made { Picked::Name } else { Picked::Mac };
    Ok(Nic { name: nic.name.clone(), mac: nic.mac.clone(), by })
}

/// Who has this address.
pub(crate) fn holder(address: IpAddr, facts: &Facts) -> Option<&sealift_node::Interface> {
    facts.interfaces.iter().find(|one| one.addresses.iter().any(|own| bare(own) == Some(address)))
}

/// An address without its prefix length.
pub(super) fn bare(address: &str) -> Option<IpAddr> {
    address.split('/').next()?.parse().ok()
}

/// An address on an interface that stays as it is would be there twice.
fn elsewhere(links: &[Link], facts: &Facts) -> Result<(), StepError> {
    for link in links {
        for address in &link.addresses {
            let Some(other) = holder(address.address(), facts) else { continue };
            let touched = |link: &Link| {
                link.device() == other.name || link.base.nics().iter().any(|nic| nic.name == other.name)
            };
            if !links.iter().any(touched) && other.name != link.base.name() {
                let why = format!("it is on {}, not on {}", other.name, link.device());
                let next =
                    format!("name {} in the cluster file, or take the address off it first", other.name);
                return Err(refused(address.address().to_string(), why, next));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use std::net::IpAddr;

    use sealift_cluster::{Cluster, NodeNetwork};
    use sealift_node::{Facts, Interface};

    use super::{Base, Link, Picked, resolve};

    /// The node's network as a cluster file has it.
    pub(in crate::network) fn network(text: &str) -> NodeNetwork {
        let text = format!(
            "apiVersion: sealift.dev/v1\nkind: Cluster\nmetadata: {{name: p}}\nspec:\n  nodes:\n    \
             - {{name: a, role: control-plane, ssh: {{address: 10.77.0.11}}, network: {text}}}\n"
        );
        let cluster = Cluster::parse(&text, "c", None).unwrap_or_else(|problems| panic!("{problems}"));
        cluster.nodes()[0].network.clone().unwrap()
    }

    /// A node with three interfaces, of which the first has an address.
    pub(in crate::network) fn facts() -> Facts {
        let one = |name: &str, last: u8, addresses: &[&str]| Interface {
            name: name.to_owned(),
            mac: format!("52:54:00:00:00:{last:02x}"),
            running: true,
            made: false,
            addresses: addresses.iter().map(|&address| address.to_owned()).collect(),
        };
        let interfaces = vec![
            one("eno1", 1, &["10.77.0.11/24", "fe80::1/64"]),
            one("eno2", 2, &[]),
            one("eno3", 3, &["10.79.0.1/24"]),
        ];
        Facts { interfaces, ..Facts::default() }
    }

    pub(in crate::network) fn links(text: &str) -> Vec<Link> {
        resolve(&network(text), &[now()], &facts()).unwrap_or_else(|error| panic!("{error}"))
    }

    fn now() -> IpAddr {
        "10.77.0.11".parse().unwrap()
    }

    #[test]
    fn an_interface_is_found_by_address_by_mac_and_by_name() {
        for (text, name, by) in [
            ("{addresses: [10.77.0.11/24]}", "eno1", Picked::Mac),
            ("{interface: {mac: \"52-54-00-00-00-02\"}, addresses: [10.78.0.1/24]}", "eno2", Picked::Mac),
            ("{interface: {name: eno3}, addresses: [10.78.0.1/24]}", "eno3", Picked::Name),
        ] {
            let links = links(text);
            let Base::Nic(nic) = &links[0].base else { panic!("{links:?}") };
            assert_eq!((nic.name.as_str(), nic.by), (name, by), "{text}");
        }
    }

    /// By then the bond has the address of its first card, with a shorter name than that.
    #[test]
    fn a_bond_that_is_there_already_is_none_of_its_own_members() {
        let mut facts = facts();
        facts.interfaces[0].name = "enp130s0f0".to_owned();
        for name in ["bond0", "bond0.7"] {
            let made = Interface { name: name.to_owned(), ..facts.interfaces[0].clone() };
            facts.interfaces.push(made);
        }
        let text = "{bond: {name: bond0, interfaces: [{mac: \"52:54:00:00:00:01\"}, {mac: \"52:54:00:00:00:02\"}]}, vlan: 7, addresses: [10.77.0.11/24]}";
        let links = resolve(&network(text), &[now()], &facts).unwrap();
        let names: Vec<&str> = links[0].base.nics().iter().map(|nic| nic.name.as_str()).collect();
        assert_eq!(names, ["enp130s0f0", "eno2"]);
    }

    /// A bond, or a VLAN on it, has the MAC address of one of its cards.
    #[test]
    fn what_is_made_of_cards_is_known_by_its_name() {
        let mut facts = facts();
        let addresses = std::mem::take(&mut facts.interfaces[0].addresses);
        facts.interfaces[0].name = "enp130s0f0".to_owned();
        let made = Interface { name: "bond0.7".into(), made: true, addresses, ..facts.interfaces[0].clone() };
        facts.interfaces.push(made);
        let picked = |text: &str| {
            let links = resolve(&network(text), &[now()], &facts).unwrap();
            let nic = links[0].base.nics()[0].clone();
            (nic.name, nic.by)
        };
        assert_eq!(picked("{addresses: [10.77.0.11/24]}").1, Picked::Name);
        let by_mac = "{interface: {mac: \"52:54:00:00:00:01\"}, addresses: [10.78.0.1/24]}";
        assert_eq!(picked(by_mac), ("enp130s0f0".to_owned(), Picked::Mac));
    }

    #[test]
    fn a_vlan_and_a_bond_are_devices_of_their_own() {
        let text = "{bond: {name: bond0, interfaces: [{name: eno1}, {name: eno2}]}, vlan: 7, addresses: [10.77.0.11/24]}";
        let links = links(text);
        assert_eq!(links[0].device(), "bond0.7");
        assert_eq!(links[0].made(), ["bond0.7", "bond0"]);
        assert_eq!(links[0].base.nics().len(), 2);
        // once it is there it has the address itself: what is below is meant
        let mut facts = facts();
        facts.interfaces[0].addresses.clear();
        let vlan = Interface {
            name: "eno1.7".into(),
            addresses: vec!["10.77.0.11/24".into()],
            ..facts.interfaces[0].clone()
        };
        facts.interfaces.push(vlan);
        let again = resolve(&network("{vlan: 7, addresses: [10.77.0.11/24]}"), &[now()], &facts).unwrap();
        assert_eq!(again[0].base.name(), "eno1");
    }

    #[test]
    fn what_is_not_there_and_what_is_elsewhere_is_refused() {
        for (text, said) in [
            (
                "{interface: {name: eth0}, addresses: [10.77.0.11/24]}",
                "it has eno1 (52:54:00:00:00:01), eno2",
            ),
            (
                "{interface: {mac: \"52:54:00:00:00:99\"}, addresses: [10.77.0.11/24]}",
                "no interface of the node",
            ),
            ("{interface: {name: eno2}, addresses: [10.77.0.11/24]}", "it is on eno1, not on eno2"),
        ] {
            let error = resolve(&network(text), &[now()], &facts()).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
        let nowhere =
            resolve(&network("{addresses: [10.77.0.11/24]}"), &["10.1.1.1".parse().unwrap()], &facts());
        assert!(nowhere.unwrap_err().to_string().contains("nothing tells which one is meant"));
    }
}
