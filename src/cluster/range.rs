//! Ranges of addresses that MetalLB may give out.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::address;
use crate::cidr::{Cidr, bits};
use crate::plain::quoted;
use crate::wrong::Wrong;

/// Addresses from a first to a last one, both included. Written `10.0.0.240-10.0.0.250` or as a network
/// (MetalLB's `IPAddressPool.spec.addresses`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    first: IpAddr,
    last: IpAddr,
}

impl AddressRange {
    /// First address.
    pub fn first(&self) -> IpAddr {
        self.first
    }

    /// Last address.
    pub fn last(&self) -> IpAddr {
        self.last
    }

    /// How many addresses there are; all of IPv6 is `u128::MAX`.
    pub fn count(&self) -> u128 {
        (bits(self.last) - bits(self.first)).saturating_add(1)
    }

    /// Whether an address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.first.is_ipv4()
            && (bits(self.first)..=bits(self.last)).contains(&bits(address))
    }

    /// Whether two ranges share an address.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.contains(other.first) || other.contains(self.first)
    }

    /// Whether a network shares an address with it.
    pub fn overlaps_network(&self, network: &Cidr) -> bool {
        self.contains(network.base()) || network.contains(self.first)
    }
}

impl FromStr for AddressRange {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        if text.contains('/') {
            let network: Cidr = text.parse()?;
            return Ok(Self { first: network.base(), last: network.last() });
        }
        let Some((first, last)) = text.split_once('-') else {
            let hint = text.parse::<IpAddr>().map_or_else(
                |_| "write FIRST-LAST or a network".to_owned(),
                |one| format!("for a single address write {one}-{one}"),
            );
            return Err(Wrong::new(format!("{} is not a range of addresses", quoted(text))).hint(hint));
        };
        // as firewalls write it: 10.0.0.240-250
        if let (Ok(from), true) =
            (first.trim().parse::<std::net::Ipv4Addr>(), last.trim().parse::<u8>().is_ok())
        {
            let [a, b, c, _] = from.octets();
            let hint = format!("write {from}-{a}.{b}.{c}.{}", last.trim());
            return Err(Wrong::new(format!("{} ends in a number, not an address", quoted(text))).hint(hint));
        }
        let range = Self { first: address::parse(first.trim())?, last: address::parse(last.trim())? };
        if range.first.is_ipv4() != range.last.is_ipv4() {
            return Err(Wrong::new("the range starts with one IP version and ends with another")
                .hint("write one range for each"));
        }
        if bits(range.first) > bits(range.last) {
            let hint = format!("write {}-{}", range.last, range.first);
            return Err(Wrong::new("the range ends before it starts").hint(hint));
        }
        Ok(range)
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl Serialize for AddressRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::AddressRange;

    #[test]
    fn ranges_and_networks_say_the_same() {
        let range: AddressRange = "10.0.0.0/30".parse().unwrap();
        assert_eq!(range.to_string(), "10.0.0.0-10.0.0.3");
        assert!(range.overlaps(&"10.0.0.3-10.0.0.9".parse().unwrap()));
        assert!(!range.overlaps(&"10.0.0.4 - 10.0.0.9".parse().unwrap()));
        assert!(range.overlaps_network(&"10.0.0.0/8".parse().unwrap()));
    }

    #[test]
    fn wrong_ranges_are_refused() {
        for bad in ["10.0.0.9-10.0.0.1", "10.0.0.1", "10.0.0.1-", "-", "10.0.0.1-::2", "10.0.0.1/24", "a-b"] {
            assert!(bad.parse::<AddressRange>().is_err(), "{bad}");
        }
    }
}
