//! Fields of a node's own network.

use super::{Effect, FieldDoc, Kind};
use crate::decode::BOND_MODES;

const fn field(path: &'static str, kind: Kind) -> FieldDoc {
    FieldDoc::new(path, kind)
}

pub(super) const FIELDS: &[FieldDoc] = &[
    field("spec.nodes[].network", Kind::Map)
        .says("static addresses, tried first and kept when the node answers at them")
        .without("the server's network stays as it is")
        .removed(Effect::Partly {
            stays: "the addresses stay as they were set",
            by_hand: "change them on the server, if that was meant",
        }),
    field("spec.nodes[].network.current", Kind::Address)
        .says("where its SSH server answers until its addresses are set")
        .without("at `ssh.address` already")
        .like("10.77.0.150")
        .free(),
    field("spec.nodes[].network.interface", Kind::Map)
        .says("which interface: `mac` or `name`, one of the two")
        .without("the one that has the node's address now"),
    field("spec.nodes[].network.interface.mac", Kind::Mac)
        .says("by its MAC address, which stays the same")
        .without("see `name`")
        .like("\"52:54:00:00:00:11\""),
    field("spec.nodes[].network.interface.name", Kind::Interface)
        .says("by the kernel's name")
        .without("see `mac`")
        .like("eno1"),
    field("spec.nodes[].network.bond", Kind::Map)
        .says("instead of `interface`: several interfaces that are one; it is made")
        .without("none"),
    field("spec.nodes[].network.bond.name", Kind::Interface).says("the kernel's name of it").like("bond0"),
    field("spec.nodes[].network.bond.mode", Kind::Choice(BOND_MODES))
        .says("how it uses its interfaces; with `802.3ad` the switch must know")
        .or("active-backup"),
    field("spec.nodes[].network.bond.interfaces", Kind::List(&Kind::Map))
        .says("what it is made of; each by `mac` or `name`")
        .like("[{name: eno1}, {name: eno2}]"),
    field("spec.nodes[].network.bond.interfaces[].mac", Kind::Mac)
        .says("by its MAC address, which stays the same")
        .without("see `name`")
        .like("\"52:54:00:00:00:13\""),
    field("spec.nodes[].network.bond.interfaces[].name", Kind::Interface)
        .says("by the kernel's name")
        .without("see `mac`")
        .like("eno3"),
    field("spec.nodes[].network.vlan", Kind::Number(1, 4094))
        .says("the VLAN on it that has the addresses, by its number; it is made")
        .without("none: untagged")
        .like("77"),
    field("spec.nodes[].network.mtu", Kind::Number(1280, 65535))
        .says("largest packet in bytes; the switches must agree")
        .without("as it is")
        .like("9000"),
    field("spec.nodes[].network.addresses", Kind::List(&Kind::InterfaceAddress))
        .says("its addresses with prefix length, IPv4 and IPv6")
        .like("[10.77.0.11/24]"),
    field("spec.nodes[].network.routes", Kind::List(&Kind::Map))
        .says("networks behind a router; `::/0` for a default route of the other IP version")
        .without("none")
        .like("[{to: 10.90.0.0/16, via: 10.77.0.2}]"),
    field("spec.nodes[].network.routes[].to", Kind::Network).says("the network").like("10.90.0.0/16"),
    field("spec.nodes[].network.routes[].via", Kind::Address)
        .says("the router; in one of the interface's networks")
        .like("10.77.0.2"),
    field("spec.nodes[].network.gateway", Kind::Address)
        .says("default gateway; in one of its networks, and it must answer there")
        .without("none")
        .like("10.77.0.1"),
    field("spec.nodes[].network.nameservers", Kind::List(&Kind::Address))
        .says("resolvers of the node itself")
        .without("they stay as they are")
        .like("[10.77.0.2]"),
    field("spec.nodes[].network.more", Kind::List(&Kind::Map))
        .says("further interfaces")
        .without("they stay as they are")
        .like("[{interface: {name: eno2}, addresses: [10.78.0.11/24]}]")
        .removed(Effect::Partly {
            stays: "their addresses stay as they were set",
            by_hand: "change them on the server, if that was meant",
        }),
    field("spec.nodes[].network.more[].interface", Kind::Map)
        .says("which interface: `mac` or `name`, one of the two")
        .without("needed, or `bond`"),
    field("spec.nodes[].network.more[].interface.mac", Kind::Mac)
        .says("by its MAC address, which stays the same")
        .without("see `name`")
        .like("\"52:54:00:00:00:12\""),
    field("spec.nodes[].network.more[].interface.name", Kind::Interface)
        .says("by the kernel's name")
        .without("see `mac`")
        .like("eno2"),
    field("spec.nodes[].network.more[].bond", Kind::Map)
        .says("instead of `interface`: several interfaces that are one; it is made")
        .without("none"),
    field("spec.nodes[].network.more[].bond.name", Kind::Interface)
        .says("the kernel's name of it")
        .like("bond0"),
    field("spec.nodes[].network.more[].bond.mode", Kind::Choice(BOND_MODES))
        .says("how it uses its interfaces; with `802.3ad` the switch must know")
        .or("active-backup"),
    field("spec.nodes[].network.more[].bond.interfaces", Kind::List(&Kind::Map))
        .says("what it is made of; each by `mac` or `name`")
        .like("[{name: eno1}, {name: eno2}]"),
    field("spec.nodes[].network.more[].bond.interfaces[].mac", Kind::Mac)
        .says("by its MAC address, which stays the same")
        .without("see `name`")
        .like("\"52:54:00:00:00:13\""),
    field("spec.nodes[].network.more[].bond.interfaces[].name", Kind::Interface)
        .says("by the kernel's name")
        .without("see `mac`")
        .like("eno3"),
    field("spec.nodes[].network.more[].vlan", Kind::Number(1, 4094))
        .says("the VLAN on it that has the addresses, by its number; it is made")
        .without("none: untagged")
        .like("77"),
    field("spec.nodes[].network.more[].mtu", Kind::Number(1280, 65535))
        .says("largest packet in bytes; the switches must agree")
        .without("as it is")
        .like("9000"),
    field("spec.nodes[].network.more[].addresses", Kind::List(&Kind::InterfaceAddress))
        .says("its addresses with prefix length, IPv4 and IPv6")
        .like("[10.78.0.11/24]"),
    field("spec.nodes[].network.more[].routes", Kind::List(&Kind::Map))
        .says("networks behind a router; `::/0` for a default route of the other IP version")
        .without("none")
        .like("[{to: 10.90.0.0/16, via: 10.78.0.2}]"),
    field("spec.nodes[].network.more[].routes[].to", Kind::Network).says("the network").like("10.90.0.0/16"),
    field("spec.nodes[].network.more[].routes[].via", Kind::Address)
        .says("the router; in one of the interface's networks")
        .like("10.78.0.2"),
];
