//! Fields of a node's own network.

use super::{Effect, FieldDoc, Kind};
use crate::decode::BOND_MODES;

const fn field(path: &'static str, kind: Kind) -> FieldDoc {
    FieldDoc::new(path, kind)
}

/// Fields that each of a node's interfaces has, below `$at`; `$number` and `$net` make its examples.
macro_rules! interface {
    ($at:literal, $number:literal, $net:literal, without $without:literal) => {
        &[
            field(concat!($at, ".interface"), Kind::Map)
                .says("which interface: `mac` or `name`, one of the two")
                .without($without),
            field(concat!($at, ".interface.mac"), Kind::Mac)
                .says("by its MAC address, which stays the same")
                .without("see `name`")
                .like(concat!("\"52:54:00:00:00:1", $number, "\"")),
            field(concat!($at, ".interface.name"), Kind::Interface)
                .says("by the kernel's name")
                .without("see `mac`")
                .like(concat!("eno", $number)),
            field(concat!($at, ".bond"), Kind::Map)
                .says("instead of `interface`: several interfaces that are one; it is made")
                .without("none"),
            field(concat!($at, ".bond.name"), Kind::Interface).says("the kernel's name of it").like("bond0"),
            field(concat!($at, ".bond.mode"), Kind::Choice(BOND_MODES))
                .says("how it uses its interfaces; with `802.3ad` the switch must know")
                .or("active-backup"),
            field(concat!($at, ".bond.interfaces"), Kind::List(&Kind::Map))
                .says("what it is made of; each by `mac` or `name`")
                .like("[{name: eno1}, {name: eno2}]"),
            field(concat!($at, ".bond.interfaces[].mac"), Kind::Mac)
                .says("by its MAC address, which stays the same")
                .without("see `name`")
                .like("\"52:54:00:00:00:13\""),
            field(concat!($at, ".bond.interfaces[].name"), Kind::Interface)
                .says("by the kernel's name")
                .without("see `mac`")
                .like("eno3"),
            field(concat!($at, ".vlan"), Kind::Number(1, 4094))
                .says("the VLAN on it that has the addresses, by its number; it is made")
                .without("none: untagged")
                .like("77"),
            field(concat!($at, ".mtu"), Kind::Number(1280, 65535))
                .says("largest packet in bytes; the switches must agree")
                .without("as it is")
                .like("9000"),
            field(concat!($at, ".addresses"), Kind::List(&Kind::InterfaceAddress))
                .says("its addresses with prefix length, IPv4 and IPv6")
                .like(concat!("[", $net, ".11/24]")),
            field(concat!($at, ".routes"), Kind::List(&Kind::Map))
                .says("networks behind a router; `::/0` for a default route of the other IP version")
                .without("none")
                .like(concat!("[{to: 10.90.0.0/16, via: ", $net, ".2}]")),
            field(concat!($at, ".routes[].to"), Kind::Network).says("the network").like("10.90.0.0/16"),
            field(concat!($at, ".routes[].via"), Kind::Address)
                .says("the router; in one of the interface's networks")
                .like(concat!($net, ".2")),
        ]
    };
}

const FIRST: &[FieldDoc] =
    interface!("spec.nodes[].network", "1", "10.77.0", without "the one that has the node's address now");

const MORE: &[FieldDoc] =
    interface!("spec.nodes[].network.more[]", "2", "10.78.0", without "needed, or `bond`");

const BEGIN: &[FieldDoc] = &[
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
];

/// Beside the interfaces.
const WIDE: &[FieldDoc] = &[
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
];

/// All of them, in the order in which people write them.
pub(super) fn fields() -> impl Iterator<Item = &'static FieldDoc> {
    [BEGIN, FIRST, WIDE, MORE].into_iter().flatten()
}
