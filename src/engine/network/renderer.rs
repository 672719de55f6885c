//! What manages a node's network, and what sealift can have it do.

use std::fmt::{self, Write as _};

use super::{Base, Link};

/// What manages an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Renderer {
    /// netplan, which writes systemd-networkd's files.
    Netplan,
    /// systemd-networkd by its own files.
    Networkd,
    /// NetworkManager, by its own files or netplan's.
    NetworkManager,
    /// ifupdown: `/etc/network/interfaces`.
    Ifupdown,
}

/// Something that a cluster file can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Feature {
    Address,
    Ipv6,
    Gateway,
    Routes,
    Mtu,
    NameServers,
    Vlan,
    Bond,
    Several,
}

const RENDERERS: [Renderer; 4] =
    [Renderer::Netplan, Renderer::Networkd, Renderer::NetworkManager, Renderer::Ifupdown];
const FEATURES: [Feature; 9] = [
    Feature::Address,
    Feature::Ipv6,
    Feature::Gateway,
    Feature::Routes,
    Feature::Mtu,
    Feature::NameServers,
    Feature::Vlan,
    Feature::Bond,
    Feature::Several,
];

impl Renderer {
    /// Whether it can be had from it. What is not in here is refused by name.
    pub(crate) fn can(self, feature: Feature) -> bool {
        match self {
            Self::Netplan | Self::Networkd | Self::NetworkManager => true,
            // a bond needs a package of its own there (ifenslave)
            Self::Ifupdown => feature != Feature::Bond,
        }
    }
}

impl fmt::Display for Renderer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Netplan => "netplan",
            Self::Networkd => "systemd-networkd",
            Self::NetworkManager => "NetworkManager",
            Self::Ifupdown => "ifupdown",
        })
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "IPv4 address",
            Self::Ipv6 => "IPv6 address, dual stack",
            Self::Gateway => "default gateway",
            Self::Routes => "routes",
            Self::Mtu => "MTU",
            Self::NameServers => "name servers",
            Self::Vlan => "VLAN",
            Self::Bond => "bond",
            Self::Several => "several interfaces",
        })
    }
}

/// What these links ask for.
pub(crate) fn features(links: &[Link]) -> Vec<Feature> {
    let any = |wanted: fn(&Link) -> bool| links.iter().any(wanted);
    let asked = [
        (Feature::Address, any(|link| link.addresses.iter().any(|address| address.address().is_ipv4()))),
        (Feature::Ipv6, any(Link::has_ipv6)),
        (Feature::Gateway, any(|link| link.gateway.is_some())),
        (Feature::Routes, any(|link| !link.routes.is_empty())),
        (Feature::Mtu, any(|link| link.mtu.is_some())),
        (Feature::NameServers, any(|link| !link.nameservers.is_empty())),
        (Feature::Vlan, any(|link| link.vlan.is_some())),
        (Feature::Bond, any(|link| matches!(link.base, Base::Bond { .. }))),
        (Feature::Several, links.len() > 1),
    ];
    asked.into_iter().filter_map(|(feature, asked)| asked.then_some(feature)).collect()
}

/// Renderers and what can be had from them, as a table in Markdown.
pub fn table() -> String {
    let mut text = "| |".to_owned();
    let _ = RENDERERS.iter().try_for_each(|renderer| write!(text, " {renderer} |"));
    text.push_str("\n|---|---|---|---|---|\n");
    for feature in FEATURES {
        let cells = RENDERERS.map(|renderer| if renderer.can(feature) { "yes" } else { "refused" });
        let _ = writeln!(text, "| {feature} | {} |", cells.join(" | "));
    }
    text
}

/// Which renderer has an interface, from what is found below `/run` on the node.
pub(crate) fn owner(
    networkd: &super::networkd::Says,
    network_manager: Option<&str>,
    ifstate: Option<&str>,
    device: &str,
) -> Option<Renderer> {
    if networkd.managed {
        return Some(if networkd.by_netplan() { Renderer::Netplan } else { Renderer::Networkd });
    }
    let managed =
        |text: &str| text.lines().any(|line| line.trim() == "managed=true" || line.trim() == "managed=1");
    if network_manager.is_some_and(managed) {
        return Some(Renderer::NetworkManager);
    }
    let up = |text: &str| text.lines().any(|line| line.split('=').next().map(str::trim) == Some(device));
    ifstate.is_some_and(up).then_some(Renderer::Ifupdown)
}

#[cfg(test)]
mod tests {
    use super::super::networkd::Says;
    use super::super::wanted::tests::links;
    use super::{Feature, Renderer, features, owner, table};

    #[test]
    fn what_a_file_asks_for() {
        let all = "{bond: {name: b, interfaces: [{name: eno1}]}, vlan: 7, mtu: 1400, addresses: [10.77.0.11/24, \"fd00::1/64\"], \
                   gateway: 10.77.0.1, routes: [{to: 10.9.0.0/16, via: 10.77.0.2}], nameservers: [10.77.0.53], \
                   more: [{interface: {name: eno2}, addresses: [10.78.0.1/24]}]}";
        assert_eq!(features(&links(all)), super::FEATURES);
        assert_eq!(features(&links("{addresses: [10.77.0.11/24]}")), [Feature::Address]);
    }

    #[test]
    fn who_manages_an_interface() {
        let networkd = Says::parse("ADMIN_STATE=configured\nNETWORK_FILE=/etc/systemd/network/a.network\n");
        let netplan =
            Says::parse("ADMIN_STATE=configured\nNETWORK_FILE=/run/systemd/network/10-netplan-a.network\n");
        let none = Says::default();
        let nm = Some("[device]\nmanaged=true\nconnection-uuid=1\n");
        assert_eq!(owner(&networkd, nm, None, "a"), Some(Renderer::Networkd));
        assert_eq!(owner(&netplan, None, None, "a"), Some(Renderer::Netplan));
        assert_eq!(owner(&none, nm, None, "a"), Some(Renderer::NetworkManager));
        assert_eq!(owner(&none, Some("[device]\nmanaged=false\n"), None, "a"), None);
        assert_eq!(owner(&none, None, Some("lo=lo\na=a\n"), "a"), Some(Renderer::Ifupdown));
        assert_eq!(owner(&none, None, Some("lo=lo\nab=ab\n"), "a"), None);
    }

    /// `UPDATE=1 cargo test -p sealift-engine reference` writes it.
    #[test]
    fn the_reference_has_the_table() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/addresses.md");
        let text = std::fs::read_to_string(page).unwrap();
        let (before, rest) = text.split_once("## What can be had from what\n").unwrap();
        let (found, after) = rest.split_once("\n\n").unwrap();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(page, format!("{before}## What can be had from what\n{}\n{after}", table()))
                .unwrap();
        } else {
            assert_eq!(found, table().trim_end(), "run UPDATE=1 cargo test -p sealift-engine reference");
        }
    }
}
