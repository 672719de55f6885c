//! Which packets count as trying to leave.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::packet::{Packet, Protocol};
use crate::net::{Net, Subnet};

/// What belongs to a scene: the addresses between which talk is nobody else's business.
#[derive(Debug, Clone)]
pub struct Scope {
    subnet: Ipv4Addr,
    prefix: Ipv6Addr,
    /// Pod and service networks of the scene's clusters: address and prefix length.
    clusters: [(Ipv4Addr, u32); 2],
}

/// Asking a name or the time is a try to leave wherever it goes: DNS, NTP, mDNS, LLMNR. (A resolver on the LAN is one
/// that an installer must not depend on.)
const OUTWARD_PORTS: [u16; 4] = [53, 123, 5353, 5355];

impl Scope {
    /// The scope of a scene with the default pod and service networks.
    pub fn new(net: &Net, subnet: Subnet) -> Self {
        Self {
            subnet: subnet.address(0),
            prefix: net.address6(0),
            clusters: [(Ipv4Addr::new(10, 244, 0, 0), 16), (Ipv4Addr::new(10, 96, 0, 0), 16)],
        }
    }

    /// Whether the packet tries to leave.
    pub fn leaves(&self, packet: &Packet) -> bool {
        match packet.protocol {
            // ARP asks for neighbours. All else that is not IP has no business here, and no address to judge it by.
            Protocol::Ether(ether) => ether != 0x0806,
            // Multicast listener reports and neighbour discovery: a link's own chatter (RFC 4861,
            // RFC 3810); 2 is IGMP, the same for IPv4.
            Protocol::Icmp6(130..=137 | 143) | Protocol::Ip(2) => false,
            Protocol::Tcp | Protocol::Udp => match (packet.destination, packet.port) {
                (Some(to), Some(port)) if OUTWARD_PORTS.contains(&port) => !self.in_cluster(to),
                (Some(to), _) => !self.inside(to),
                (None, _) => true,
            },
            Protocol::Icmp6(_) | Protocol::Ip(_) => packet.destination.is_none_or(|to| !self.inside(to)),
        }
    }

    fn inside(&self, to: IpAddr) -> bool {
        match to {
            IpAddr::V4(to) => {
                within(to, self.subnet, 24)
                    || self.in_cluster(to.into())
                    || to.is_loopback()
                    || to.is_link_local()
            }
            IpAddr::V6(to) => {
                to.segments()[..4] == self.prefix.segments()[..4]
                    || to.is_loopback()
                    || to.is_unicast_link_local()
            }
        }
    }

    fn in_cluster(&self, to: IpAddr) -> bool {
        matches!(to, IpAddr::V4(to) if self.clusters.iter().any(|&(base, length)| within(to, base, length)))
    }
}

fn within(address: Ipv4Addr, base: Ipv4Addr, length: u32) -> bool {
    (address.to_bits() ^ base.to_bits()) >> (32 - length) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(protocol: Protocol, to: &str, port: Option<u16>) -> bool {
        let subnet: Subnet = "10.77.0.0/24".parse().unwrap();
        let net = Net::new("lab", subnet);
        let destination = if to == "peer6" { Some(net.address6(21).into()) } else { to.parse().ok() };
        Scope::new(&net, subnet).leaves(&Packet { source: None, destination, protocol, port, name: None })
    }

    #[test]
    fn talk_between_the_scenes_own_addresses_stays_inside() {
        for to in ["10.77.0.21", "10.77.0.240", "10.244.3.4", "10.96.0.1", "127.0.0.1", "fe80::1", "peer6"] {
            assert!(!leaves(Protocol::Tcp, to, Some(6443)), "{to}");
        }
        assert!(!leaves(Protocol::Udp, "10.96.0.10", Some(53)));
        assert!(!leaves(Protocol::Ether(0x0806), "", None));
        assert!(!leaves(Protocol::Icmp6(135), "ff02::1:ff00:1", None));
        assert!(!leaves(Protocol::Icmp6(143), "ff02::16", None));
        assert!(!leaves(Protocol::Ip(2), "224.0.0.22", None));
    }

    #[test]
    fn whatever_asks_the_outside_leaves() {
        for to in
            ["10.78.0.21", "10.97.0.1", "10.245.0.1", "8.8.8.8", "239.1.2.3", "2001:db8::1", "fd5e:a11f::1"]
        {
            assert!(leaves(Protocol::Tcp, to, Some(443)), "{to}");
            assert!(leaves(Protocol::Ip(1), to, None), "{to}");
        }
        for (to, port) in [("10.77.0.1", 53), ("127.0.0.53", 53), ("224.0.0.251", 5353), ("ff02::1:3", 5355)]
        {
            assert!(leaves(Protocol::Udp, to, Some(port)), "{to}");
        }
        assert!(leaves(Protocol::Udp, "10.77.0.1", Some(123)));
        assert!(leaves(Protocol::Ether(0x88cc), "", None));
        assert!(leaves(Protocol::Tcp, "", None));
    }
}
