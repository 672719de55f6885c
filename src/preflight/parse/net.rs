//! The kernel's tables of sockets and routes (proc(5)).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sealift_cluster::Cidr;
use sealift_node::{Port, Proto};

/// A socket that waits for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ear {
    pub(crate) port: Port,
    pub(crate) address: IpAddr,
}

/// Sockets that wait for others in a table of `/proc/net`.
pub(crate) fn ears(table: &str, proto: Proto) -> Vec<Ear> {
    let waiting = match proto {
        Proto::Tcp => "0A",
        Proto::Udp => "07",
    };
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let (local, remote, state) = (fields.next()?, fields.next()?, fields.next()?);
            let (address, number) = local.split_once(':')?;
            let number = u16::from_str_radix(number, 16).ok()?;
            // a UDP socket with a partner of its own answers nobody else
            (state == waiting && remote.ends_with(":0000"))
                .then_some(Ear { port: Port { proto, number }, address: address_of(address)? })
        })
        .collect()
}

/// Words of four bytes, each in the processor's order.
fn address_of(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(hex.get(at * 8..at * 8 + 8)?, 16).ok()?.to_le_bytes());
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut bytes = [0; 16];
            for at in 0..4 {
                bytes[at * 4..at * 4 + 4].copy_from_slice(&word(at)?);
            }
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

/// A way into a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) to: Cidr,
    pub(crate) interface: String,
    pub(crate) gateway: Option<IpAddr>,
    pub(crate) metric: u32,
}

/// `/proc/net/route`.
pub(crate) fn routes(table: &str) -> Vec<Route> {
    let line = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let v4 = |at: usize| match address_of(fields.get(at)?)? {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        };
        let (to, gateway, mask) = (v4(1)?, v4(2)?, v4(7)?);
        Some(Route {
            to: format!("{to}/{}", mask.to_bits().count_ones()).parse().ok()?,
            interface: (*fields.first()?).to_owned(),
            gateway: Some(IpAddr::V4(gateway)).filter(|gateway| !gateway.is_unspecified()),
            metric: fields.get(6)?.parse().ok()?,
        })
    };
    table.lines().skip(1).filter_map(line).collect()
}

/// `/proc/net/ipv6_route`, without the kernel's own entries.
pub(crate) fn routes6(table: &str) -> Vec<Route> {
    let line = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let v6 = |at: usize| Some(Ipv6Addr::from(u128::from_str_radix(fields.get(at)?, 16).ok()?));
        let (to, gateway) = (v6(0)?, v6(4)?);
        let prefix = u8::from_str_radix(fields.get(1)?, 16).ok()?;
        let flags = u32::from_str_radix(fields.get(8)?, 16).ok()?;
        let interface = (*fields.get(9)?).to_owned();
        // RTF_UP, and neither RTF_REJECT nor RTF_LOCAL
        let real = flags & 1 == 1 && flags & 0x8000_0200 == 0 && interface != "lo" && !to.is_multicast();
        real.then_some(Route {
            to: format!("{to}/{prefix}").parse().ok()?,
            interface,
            gateway: Some(IpAddr::V6(gateway)).filter(|gateway| !gateway.is_unspecified()),
            metric: u32::from_str_radix(fields.get(5)?, 16).ok()?,
        })
    };
    table.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use sealift_node::Proto;

    use super::{ears, routes, routes6};

    #[test]
    fn sockets_that_wait_are_told_from_those_that_talk() {
        let tcp = "  sl  local_address rem_address   st\n   0: 0100007F:1F90 00000000:0000 0A 0\n   1: 0100007F:1F91 0100007F:9999 01 0\n";
        let all = ears(tcp, Proto::Tcp);
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].port.number, all[0].address.to_string()), (8080, "127.0.0.1".to_owned()));
        let six = "h\n 0: 00000000000000000000000000000000:192B 00000000000000000000000000000000:0000 0A\n";
        assert_eq!(ears(six, Proto::Tcp)[0].port.to_string(), "6443/tcp");
        let udp = "h\n 0: 00000000:2118 00000000:0000 07\n 1: 0100007F:2119 0100007F:0035 01\n";
        assert_eq!(ears(udp, Proto::Udp)[0].port.to_string(), "8472/udp");
    }

    #[test]
    fn routes_have_networks_and_gateways() {
        let text = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n\
                    eth0\t00000000\t01004D0A\t0003\t0\t0\t100\t00000000\neth0\t00004D0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\n";
        let all = routes(text);
        assert_eq!(all[0].to.to_string(), "0.0.0.0/0");
        assert_eq!(
            (all[0].gateway.map(|one| one.to_string()), all[0].metric),
            (Some("10.77.0.1".into()), 100)
        );
        assert_eq!((all[1].to.to_string(), all[1].gateway), ("10.77.0.0/24".to_owned(), None));
        let six = "fd000000000000000000000000000000 40 00000000000000000000000000000000 00 \
                   00000000000000000000000000000000 00000100 00000001 00000000 00000001 eth0\n";
        assert_eq!(routes6(six)[0].to.to_string(), "fd00::/64");
    }
}
