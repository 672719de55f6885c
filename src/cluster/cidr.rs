//! Networks, and addresses with a prefix length.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::address;
use crate::plain::quoted;
use crate::wrong::Wrong;

/// A network in canonical form: no host bits set, e.g. `10.244.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cidr {
    base: IpAddr,
    prefix: u8,
}

/// An interface's address and its network's prefix length, e.g. `10.77.0.11/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InterfaceAddress {
    address: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// First address.
    pub fn base(&self) -> IpAddr {
        self.base
    }

    /// Prefix length in bits.
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// How many bits number the addresses in it.
    pub(crate) fn host_bits(&self) -> u8 {
        width(self.base) - self.prefix
    }

    /// Last address.
    pub fn last(&self) -> IpAddr {
        from_bits(bits(self.base) | host_mask(self.base, self.prefix), self.base)
    }

    /// Whether an address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.base.is_ipv4() && network(address, self.prefix) == self.base
    }

    /// Whether two networks share an address.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.contains(other.base) || other.contains(self.base)
    }

    /// The address `n` above the base; `None` when that is outside.
    pub fn nth(&self, n: u32) -> Option<IpAddr> {
        let address = from_bits(bits(self.base).checked_add(u128::from(n))?, self.base);
        self.contains(address).then_some(address)
    }
}

impl InterfaceAddress {
    /// The address.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The network it is in.
    pub fn network(&self) -> Cidr {
        Cidr { base: network(self.address, self.prefix), prefix: self.prefix }
    }
}

pub(crate) fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// An address of the same family as `like`.
fn from_bits(bits: u128, like: IpAddr) -> IpAddr {
    match like {
        // arithmetic on 32-bit addresses stays below 2^32 but for a carry, which `contains` then refuses
        IpAddr::V4(_) => IpAddr::V4(u32::try_from(bits).unwrap_or(0).into()),
        IpAddr::V6(_) => IpAddr::V6(bits.into()),
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn host_mask(address: IpAddr, prefix: u8) -> u128 {
    let host_bits = u32::from(width(address) - prefix);
    1u128.checked_shl(host_bits).map_or(u128::MAX, |power| power - 1)
}

fn network(address: IpAddr, prefix: u8) -> IpAddr {
    if prefix > width(address) {
        return address;
    }
    from_bits(bits(address) & !host_mask(address, prefix), address)
}

/// A mask as older tools write it, as a prefix length.
fn mask_hint(written: &str, example: &str) -> String {
    let mask = written.parse::<std::net::Ipv4Addr>().map(std::net::Ipv4Addr::to_bits);
    match mask {
        Ok(mask) if mask.leading_ones() + mask.trailing_zeros() == 32 => {
            format!("write /{}", mask.leading_ones())
        }
        _ => format!("write it like {example}"),
    }
}

/// An address and a prefix length, unchecked against each other.
fn split(text: &str, example: &str) -> Result<(IpAddr, u8), Wrong> {
    let Some((address, prefix)) = text.split_once('/') else {
        return Err(Wrong::new(format!("{} has no prefix length", quoted(text)))
            .hint(format!("write it like {example}")));
    };
    let address = address::parse(address)?;
    let digits = !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_digit());
    let prefix: u8 = prefix.parse().ok().filter(|p| digits && *p <= width(address)).ok_or_else(|| {
        let message =
            format!("the prefix length {} is not a number from 0 to {}", quoted(prefix), width(address));
        Wrong::new(message).hint(mask_hint(prefix, example))
    })?;
    Ok((address, prefix))
}

impl FromStr for Cidr {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let (address, prefix) = split(text, "10.244.0.0/16")?;
        let cidr = Self { base: network(address, prefix), prefix };
        if cidr.base == address {
            Ok(cidr)
        } else {
            Err(Wrong::new(format!("{text} is an address inside a network, not a network"))
                .hint(format!("write {cidr}")))
        }
    }
}

impl FromStr for InterfaceAddress {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let (address, prefix) = split(text, "10.77.0.11/24")?;
        let typed = Self { address, prefix };
        let network = typed.network();
        // RFC 3021: a /31 has two hosts and neither of the two special addresses
        if address.is_ipv4() && prefix < 31 && (address == network.base() || address == network.last()) {
            let what =
                if address == network.base() { "is the network itself" } else { "is the broadcast address" };
            return Err(Wrong::new(format!("{address} {what} in {network}")).hint("write a host's address"));
        }
        Ok(typed)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

impl fmt::Display for InterfaceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Serialize for Cidr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for InterfaceAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{Cidr, InterfaceAddress};

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn networks_are_canonical() {
        for good in ["10.0.0.0/8", "0.0.0.0/0", "10.1.2.3/32", "fd00::/64", "::/0", "255.255.255.254/31"] {
            assert_eq!(cidr(good).to_string(), good);
        }
        for bad in
            ["10.0.0.1/8", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "fd00::1/64", "/8", "x/8"]
        {
            assert!(bad.parse::<Cidr>().is_err(), "{bad}");
        }
        assert_eq!("10.244.7.0/16".parse::<Cidr>().unwrap_err().hint.unwrap(), "write 10.244.0.0/16");
    }

    #[test]
    fn edges_of_networks() {
        let net = cidr("10.96.0.0/16");
        assert!(
            net.contains("10.96.255.255".parse().unwrap()) && !net.contains("10.97.0.0".parse().unwrap())
        );
        assert!(!net.contains("::a60:0".parse().unwrap()), "families do not mix");
        assert_eq!(net.nth(10).unwrap().to_string(), "10.96.0.10");
        assert_eq!(cidr("10.96.0.0/30").nth(4), None);
        assert_eq!(cidr("255.255.255.0/24").nth(256), None);
        assert_eq!(net.last().to_string(), "10.96.255.255");
        assert!(cidr("0.0.0.0/0").overlaps(&net) && net.overlaps(&cidr("10.0.0.0/8")));
        assert!(!net.overlaps(&cidr("10.97.0.0/16")));
    }

    #[test]
    fn an_interface_address_knows_its_network() {
        let address: InterfaceAddress = "10.77.0.11/24".parse().unwrap();
        assert_eq!(address.network(), cidr("10.77.0.0/24"));
        assert_eq!(address.to_string(), "10.77.0.11/24");
    }
}
