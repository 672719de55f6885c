//! What a node's network is at this moment, against what it should be.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sealift_node::Facts;

use super::Link;
use super::wanted::bare;

/// The kernel's tables, as texts, and sizes.
#[derive(Debug, Default, Clone)]
pub(crate) struct Live {
    pub(crate) facts: Facts,
    /// `/proc/net/route`.
    pub(crate) route: String,
    /// `/proc/net/ipv6_route`.
    pub(crate) ipv6_route: String,
    /// `/proc/net/if_inet6`.
    pub(crate) if_inet6: String,
    /// Of each device that is wanted and there.
    pub(crate) mtu: BTreeMap<String, u16>,
}

/// `IFA_F_DADFAILED` and `IFA_F_TENTATIVE`.
const DAD_FAILED: u32 = 0x08;
const TENTATIVE: u32 = 0x40;

impl Live {
    /// What is not as wanted, in words; empty when all is. Addresses beside the wanted ones do not count: a virtual
    /// address may be among them.
    pub(crate) fn missing(&self, link: &Link) -> Vec<String> {
        let device = link.device();
        let Some(found) = self.facts.interfaces.iter().find(|one| one.name == device) else {
            return vec![format!("there is no {device}")];
        };
        let mut missing = vec![];
        for address in &link.addresses {
            if !found.addresses.iter().any(|own| *own == address.to_string()) {
                missing.push(format!("{device} has not {address}"));
            } else if let Some(why) = self.unusable(address.address()) {
                missing.push(format!("{address} on {device} {why}"));
            }
        }
        if let Some(mtu) = link.mtu.filter(|mtu| self.mtu.get(&device) != Some(mtu)) {
            missing.push(format!("the MTU of {device} is not {mtu}"));
        }
        if let Some(gateway) =
            link.gateway.filter(|gateway| !self.default_routes().contains(&(device.clone(), *gateway)))
        {
            missing.push(format!("there is no default route to {gateway} on {device}"));
        }
        missing
    }

    /// A device without a carrier reaches nobody, whatever its addresses.
    pub(crate) fn carrier(&self, link: &Link) -> Option<String> {
        let device = link.device();
        let running = self.facts.interfaces.iter().any(|one| one.name == device && one.running);
        (!running).then(|| format!("{device} has no link: no cable, or its switch is off"))
    }

    /// What a device has, for a person.
    pub(crate) fn shown(&self, device: &str) -> String {
        let Some(found) = self.facts.interfaces.iter().find(|one| one.name == device) else {
            return "absent".to_owned();
        };
        let own = found.addresses.iter().filter(|address| !link_local(address)).cloned();
        let gateways = self.default_routes().into_iter().filter(|(on, _)| on == device);
        let all: Vec<String> = own.chain(gateways.map(|(_, via)| format!("gateway {via}"))).collect();
        if all.is_empty() { "no address".to_owned() } else { all.join(", ") }
    }

    /// Why an IPv6 address that is there is of no use.
    fn unusable(&self, address: IpAddr) -> Option<&'static str> {
        let IpAddr::V6(address) = address else { return None };
        let line = self.if_inet6.lines().find(|line| {
            line.split(' ').next().and_then(|hex| u128::from_str_radix(hex, 16).ok()).map(Ipv6Addr::from_bits)
                == Some(address)
        })?;
        let flags = u32::from_str_radix(line.split_whitespace().nth(4)?, 16).ok()?;
        if flags & DAD_FAILED != 0 {
            return Some("is another machine's too");
        }
        (flags & TENTATIVE != 0).then_some("is not checked against the others yet")
    }

    /// Devices and routers of the default routes.
    fn default_routes(&self) -> Vec<(String, IpAddr)> {
        let v4 = self.route.lines().skip(1).filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (device, to, via, mask) = (words.first()?, words.get(1)?, words.get(2)?, words.get(7)?);
            if *to != "00000000" || *mask != "00000000" {
                return None;
            }
            // the kernel prints the number as this machine keeps it
            let via = Ipv4Addr::from(u32::from_str_radix(via, 16).ok()?.to_ne_bytes());
            (!via.is_unspecified()).then(|| ((*device).to_owned(), IpAddr::V4(via)))
        });
        let v6 = self.ipv6_route.lines().filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (prefix, via, device) = (words.get(1)?, words.get(4)?, words.get(9)?);
            let via = Ipv6Addr::from_bits(u128::from_str_radix(via, 16).ok()?);
            (*prefix == "00" && !via.is_unspecified()).then(|| ((*device).to_owned(), IpAddr::V6(via)))
        });
        v4.chain(v6).collect()
    }
}

fn link_local(address: &str) -> bool {
    matches!(bare(address), Some(IpAddr::V6(v6)) if v6.is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    use super::super::wanted::tests::{facts, links};
    use super::Live;

    const ROUTE: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
        eno1\t00000000\t01004D0A\t0003\t0\t0\t0\t00000000\t0\t0\t0\neno1\t00004D0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";

    fn live() -> Live {
        Live {
            facts: facts(),
            route: ROUTE.to_owned(),
            mtu: [("eno1".to_owned(), 1500)].into(),
            ..Live::default()
        }
    }

    #[test]
    fn nothing_is_missing_where_all_is_there() {
        let links = links("{mtu: 1500, addresses: [10.77.0.11/24], gateway: 10.77.0.1}");
        assert_eq!(live().missing(&links[0]), [""; 0]);
        assert_eq!(live().carrier(&links[0]), None);
        assert_eq!(live().shown("eno1"), "10.77.0.11/24, gateway 10.77.0.1");
        assert_eq!((live().shown("eno2"), live().shown("eno9")), ("no address".into(), "absent".into()));
    }

    #[test]
    fn everything_that_is_missing_is_told() {
        let text = "{interface: {name: eno2}, mtu: 9000, addresses: [10.78.0.11/24], gateway: 10.78.0.1}";
        assert_eq!(
            live().missing(&links(text)[0]),
            [
                "eno2 has not 10.78.0.11/24",
                "the MTU of eno2 is not 9000",
                "there is no default route to 10.78.0.1 on eno2"
            ]
        );
        let vlan = links("{vlan: 7, addresses: [10.77.0.11/24]}");
        assert_eq!(live().missing(&vlan[0]), ["there is no eno1.7"]);
        assert!(live().carrier(&vlan[0]).unwrap().contains("no link"));
    }

    #[test]
    fn an_ipv6_address_counts_when_the_kernel_has_found_it_free() {
        let links = links(
            "{addresses: [10.77.0.11/24, \"fd00::11/64\"], routes: [{to: \"::/0\", via: \"fd00::1\"}]}",
        );
        let mut live = live();
        live.facts.interfaces[0].addresses.push("fd00::11/64".to_owned());
        let flags = |flags: &str| format!("fd000000000000000000000000000011 02 40 00 {flags}     eno1\n");
        for (said, wanted) in [("80", ""), ("c8", "another machine's too"), ("c0", "not checked against")] {
            live.if_inet6 = flags(said);
            assert!(live.missing(&links[0]).join("").contains(wanted), "{said}");
            assert_eq!(live.missing(&links[0]).is_empty(), wanted.is_empty(), "{said}");
        }
        live.ipv6_route = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
            fd000000000000000000000000000001 00000400 00000001 00000000 00000003     eno1\n"
            .to_owned();
        assert!(live.shown("eno1").contains("gateway fd00::1"));
    }
}
