//! Who has an address: ARP probes on the interfaces whose networks hold it.

use std::collections::BTreeSet;
use std::io::{self, Read as _};
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::{LinkAddr, SockaddrLike as _};
use socket2::{Domain, Protocol, Socket, Type};

use super::frames::{ARP, claim, probe};
use super::ping::waited;
use crate::error::Context as _;
use crate::{HostError, LocalHost, Measured, Neighbour};

/// A probe may be lost: every address is asked about so often, this far apart.
const ROUNDS: u32 = 3;
const APART: Duration = Duration::from_millis(400);

/// An interface with an IPv4 network.
struct Net {
    name: String,
    link: LinkAddr,
    mac: [u8; 6],
    address: Ipv4Addr,
    mask: Ipv4Addr,
}

impl Net {
    fn holds(&self, address: Ipv4Addr) -> bool {
        self.address.to_bits() & self.mask.to_bits() == address.to_bits() & self.mask.to_bits()
    }
}

impl LocalHost {
    pub(super) fn arp(&self, addresses: &[IpAddr]) -> Result<Measured, HostError> {
        let what = || "asking the network who has addresses".to_owned();
        let nets = nets().on(&self.name, what)?;
        let mut found: Vec<Neighbour> = vec![];
        for net in &nets {
            let mine: Vec<Ipv4Addr> = addresses
                .iter()
                .filter_map(|address| match address {
                    IpAddr::V4(address) => Some(*address).filter(|address| net.holds(*address)),
                    IpAddr::V6(_) => None,
                })
                .filter(|address| !found.iter().any(|one| one.address == *address))
                .collect();
            if !mine.is_empty() {
                let told = || format!("asking the network who has addresses, on {}", net.name);
                found.extend(ask(net, &mine).on(&self.name, told)?);
            }
        }
        let unasked = |address: &&IpAddr| !found.iter().any(|one| one.address == **address);
        let why = |address: &IpAddr| {
            let why = if address.is_ipv6() {
                "only IPv4 is asked so far"
            } else {
                "no interface is in its network"
            };
            Neighbour { address: *address, macs: vec![], unasked: Some(why.to_owned()) }
        };
        let rest: Vec<Neighbour> = addresses.iter().filter(unasked).map(why).collect();
        found.extend(rest);
        Ok(Measured::Neighbours(found))
    }
}

/// Ethernet interfaces that are up, each with its IPv4 networks.
fn nets() -> nix::Result<Vec<Net>> {
    let (mut links, mut nets) = (vec![], vec![]);
    for entry in getifaddrs()? {
        let silent = InterfaceFlags::IFF_LOOPBACK | InterfaceFlags::IFF_NOARP;
        if !entry.flags.contains(InterfaceFlags::IFF_UP) || entry.flags.intersects(silent) {
            continue;
        }
        let Some(address) = entry.address else { continue };
        if let Some(link) = address.as_link_addr() {
            links.push((entry.interface_name, *link));
        } else if let Some(v4) = address.as_sockaddr_in() {
            let mask = entry.netmask.as_ref().filter(|mask| mask.family().is_some());
            let mask = mask.and_then(|mask| Some(mask.as_sockaddr_in()?.ip()));
            nets.push((entry.interface_name, v4.ip(), mask.unwrap_or(Ipv4Addr::BROADCAST)));
        }
    }
    Ok(nets
        .into_iter()
        .filter_map(|(name, address, mask)| {
            let (_, link) = links.iter().find(|(other, _)| *other == name)?;
            Some(Net { name, link: *link, mac: link.addr()?, address, mask })
        })
        .collect())
}

fn ask(net: &Net, addresses: &[Ipv4Addr]) -> io::Result<Vec<Neighbour>> {
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(i32::from(ARP.to_be()))))?;
    nix::sys::socket::bind(socket.as_raw_fd(), &net.link)?;
    let mut found = vec![BTreeSet::new(); addresses.len()];
    let mut buffer = vec![0; 2048];
    for _ in 0..ROUNDS {
        let began = Instant::now();
        for address in addresses {
            socket.send(&probe(net.mac, *address))?;
        }
        loop {
            let left = APART.saturating_sub(began.elapsed());
            if left.is_zero() {
                break;
            }
            socket.set_read_timeout(Some(left))?;
            match (&socket).read(&mut buffer) {
                Ok(length) => {
                    let Some((address, mac)) = claim(&buffer[..length]) else { continue };
                    if let Some(at) = addresses.iter().position(|asked| *asked == address) {
                        found[at].insert(mac.map(|byte| format!("{byte:02x}")).join(":"));
                    }
                }
                Err(error) if waited(&error) => break,
                Err(error) => return Err(error),
            }
        }
    }
    let neighbour = |(address, macs): (&Ipv4Addr, BTreeSet<String>)| Neighbour {
        address: IpAddr::V4(*address),
        macs: macs.into_iter().collect(),
        unasked: None,
    };
    Ok(addresses.iter().zip(found).map(neighbour).collect())
}
