//! What may be written as a field's value.

use std::fmt;

use serde::{Serialize, Serializer};

/// A key of a component's configuration that sealift sets itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ours {
    /// The key.
    pub key: &'static str,
    /// What to write instead.
    pub hint: &'static str,
}

/// What may be written as a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Fields with names.
    Map,
    /// The same, or this word instead.
    MapOr(&'static str),
    /// Fields whose names sealift passes on and does not know, but for these, which are its own.
    FreeMap(&'static [Ours]),
    /// Names of the site and their addresses.
    Hosts,
    /// A list, each item of this kind.
    List(&'static Kind),
    /// One of this kind, or a list of them.
    OneOrMore(&'static Kind),
    /// One word and no other.
    Exactly(&'static str),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Boolean,
    /// A TCP port.
    Port,
    /// A whole number from the first to the second.
    Number(u16, u16),
    /// A name of `a-z`, `0-9` and `-`.
    Label,
    /// Labels joined by dots.
    Domain,
    /// An IP address.
    Address,
    /// A network: address and prefix length, no host bits.
    Network,
    /// An address and its network's prefix length.
    InterfaceAddress,
    /// Addresses from first to last, or a network.
    Range,
    /// A login name.
    User,
    /// A path on the operator's machine.
    Path,
    /// A server's public SSH key.
    HostKey,
    /// A MAC address.
    Mac,
    /// The kernel's name of a network interface.
    Interface,
    /// The name of a check, kubeadm's or preflight's.
    Check,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Map => "map",
            Self::MapOr(word) => return write!(f, "map, or {word}"),
            Self::FreeMap(_) => "map, passed on as it is",
            Self::Hosts => "map of names to addresses",
            Self::List(item) => return write!(f, "list of: {item}"),
            Self::OneOrMore(item) => return write!(f, "{item}, or a list of them"),
            Self::Exactly(word) => return write!(f, "{word}"),
            Self::Choice(words) => return f.write_str(&words.join(" or ")),
            Self::Boolean => "true or false",
            Self::Port => "port, 1 to 65535",
            Self::Number(first, last) => return write!(f, "number, {first} to {last}"),
            Self::Label => "name: 1 to 63 of a-z, 0-9 and -",
            Self::Domain => "domain name",
            Self::Address => "IP address",
            Self::Network => "network, address/prefix",
            Self::InterfaceAddress => "address with prefix length",
            Self::Range => "range FIRST-LAST, or network",
            Self::User => "login name",
            Self::Path => "path",
            Self::HostKey => "public SSH key: type and base64",
            Self::Mac => "MAC address, in quotes",
            Self::Interface => "name of a network interface",
            Self::Check => "name of a check",
        };
        f.write_str(text)
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
