//! A node's own network: which interfaces, and what they carry.

use std::net::IpAddr;

use super::interface::{interface, interface_name};
use super::login::reachable;
use crate::cidr::{Cidr, InterfaceAddress};
use crate::fields::{Field, Fields};
use crate::model::Interface;
use crate::sink::{Placed, Sink};
use crate::tree::{At, Value};
use crate::wrong::Wrong;

/// The kernel's words for how a bond uses its interfaces.
pub(crate) const BOND_MODES: &[&str] =
    &["active-backup", "802.3ad", "balance-rr", "balance-xor", "broadcast", "balance-tlb", "balance-alb"];

/// A node's `network`.
#[derive(Debug)]
pub(crate) struct NetworkDraft {
    pub(crate) current: Option<Placed<IpAddr>>,
    pub(crate) link: LinkDraft,
    pub(crate) gateway: Option<Placed<IpAddr>>,
    pub(crate) nameservers: Vec<Placed<IpAddr>>,
    pub(crate) more: Vec<LinkDraft>,
}

/// What carries addresses.
#[derive(Debug)]
pub(crate) struct LinkDraft {
    pub(crate) at: At,
    pub(crate) path: String,
    pub(crate) interface: Option<Placed<Interface>>,
    pub(crate) bond: Option<BondDraft>,
    pub(crate) vlan: Option<Placed<u16>>,
    pub(crate) mtu: Option<Placed<u16>>,
    pub(crate) addresses: Vec<Placed<InterfaceAddress>>,
    pub(crate) routes: Vec<RouteDraft>,
}

/// A bond.
#[derive(Debug)]
pub(crate) struct BondDraft {
    pub(crate) at: At,
    pub(crate) path: String,
    pub(crate) name: Option<Placed<String>>,
    pub(crate) mode: &'static str,
    pub(crate) interfaces: Vec<Placed<Interface>>,
}

/// A network behind a router.
#[derive(Debug)]
pub(crate) struct RouteDraft {
    pub(crate) to: Option<Placed<Cidr>>,
    pub(crate) via: Option<Placed<IpAddr>>,
}

impl NetworkDraft {
    /// Everything that carries addresses.
    pub(crate) fn links(&self) -> impl Iterator<Item = &LinkDraft> {
        std::iter::once(&self.link).chain(&self.more)
    }

    /// Every address that will be the node's.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &Placed<InterfaceAddress>> {
        self.links().flat_map(|link| &link.addresses)
    }

    /// Every interface that is named, those of bonds included.
    pub(crate) fn interfaces(&self) -> impl Iterator<Item = &Placed<Interface>> {
        self.links()
            .flat_map(|link| link.interface.iter().chain(link.bond.iter().flat_map(|bond| &bond.interfaces)))
    }
}

pub(super) fn network(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<NetworkDraft> {
    let mut map = field.map(sink)?;
    let current = map.take("current").and_then(|field| field.parse_with(sink, reachable));
    let link = link(&mut map, &field.path, sink);
    let gateway = map.take("gateway").and_then(|field| field.parse_with(sink, reachable));
    let nameservers = map.take("nameservers").map(|field| field.list(sink)).unwrap_or_default();
    let nameservers = nameservers.iter().filter_map(|item| item.address(sink)).collect();
    let more = map.take("more").map(|field| field.list(sink)).unwrap_or_default();
    let more = more.iter().filter_map(|item| further(item, sink)).collect();
    map.finish(sink);
    Some(NetworkDraft { current, link, gateway, nameservers, more })
}

/// An interface beside the first one: nothing tells which it is but its name.
fn further(item: &Field<'_>, sink: &mut Sink<'_>) -> Option<LinkDraft> {
    let mut map = item.map(sink)?;
    let link = link(&mut map, &item.path, sink);
    map.finish(sink);
    if link.interface.is_none() && link.bond.is_none() {
        let wrong = Wrong::new("names no interface").hint("write `interface` or `bond`");
        item.wrong(sink, wrong);
    }
    Some(link)
}

fn link(map: &mut Fields<'_>, path: &str, sink: &mut Sink<'_>) -> LinkDraft {
    let interface = map.take("interface").and_then(|field| interface(&field, sink));
    let bond = map.take("bond").and_then(|field| bond(&field, sink));
    let vlan = map.take("vlan").and_then(|field| field.number(sink, 1..=4094));
    let mtu = map.take("mtu").and_then(|field| field.number(sink, 1280..=u16::MAX));
    let typed = map.need("addresses");
    let items = typed.as_ref().map(|field| field.list(sink)).unwrap_or_default();
    if let Some(field) = typed.filter(|field| items.is_empty() && matches!(field.node.value, Value::List(_)))
    {
        field.wrong(sink, Wrong::new("the list is empty").hint("write an address like 10.77.0.11/24"));
    }
    let addresses = items.iter().filter_map(|item| item.parse(sink)).collect();
    let routes = map.take("routes").map(|field| field.list(sink)).unwrap_or_default();
    let routes = routes.iter().filter_map(|item| route(item, sink)).collect();
    LinkDraft { at: map.at(), path: path.to_owned(), interface, bond, vlan, mtu, addresses, routes }
}

fn bond(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<BondDraft> {
    let mut map = field.map(sink)?;
    let name = map.need("name").and_then(|field| field.parse_with(sink, interface_name));
    let modes: Vec<(&str, &'static str)> = BOND_MODES.iter().map(|mode| (*mode, *mode)).collect();
    let mode = map.take("mode").and_then(|field| field.choice(sink, &modes));
    let typed = map.need("interfaces");
    let items = typed.as_ref().map(|field| field.list(sink)).unwrap_or_default();
    if let Some(field) = typed.filter(|field| items.is_empty() && matches!(field.node.value, Value::List(_)))
    {
        field.wrong(sink, Wrong::new("the list is empty").hint("a bond is made of at least one interface"));
    }
    let interfaces = items.iter().filter_map(|item| interface(item, sink)).collect();
    let at = map.at();
    map.finish(sink);
    let mode = mode.map_or(BOND_MODES[0], |mode| mode.value);
    Some(BondDraft { at, path: field.path.clone(), name, mode, interfaces })
}

fn route(item: &Field<'_>, sink: &mut Sink<'_>) -> Option<RouteDraft> {
    let mut map = item.map(sink)?;
    let to = map.need("to").and_then(|field| field.parse(sink));
    let via = map.need("via").and_then(|field| field.parse_with(sink, reachable));
    map.finish(sink);
    Some(RouteDraft { to, via })
}
