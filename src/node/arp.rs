//! Who has an address: ARP probes (RFC 5227), by a packet socket.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, bind, recv, send, setsockopt,
    socket, sockopt,
};
use nix::sys::time::TimeVal;

use crate::Holder;

/// RFC 5227's `PROBE_NUM`, `PROBE_MIN` and `ANNOUNCE_WAIT`.
const PROBES: u32 = 3;
const BETWEEN: Duration = Duration::from_secs(1);
const AFTER: Duration = Duration::from_secs(2);

/// A burst of broadcasts is paced: a switch may drop what comes faster.
const PACE: Duration = Duration::from_millis(1);

const ETHERTYPE: [u8; 2] = [0x08, 0x06];
type Mac = [u8; 6];

/// Asks on `interface` who has these addresses, three times each; takes four seconds.
pub(crate) fn holders(interface: &str, addresses: &[Ipv4Addr]) -> io::Result<Vec<Holder>> {
    let link = link(interface)?;
    let mac = link.addr().filter(|mac| *mac != [0; 6]).ok_or_else(|| {
        io::Error::new(io::ErrorKind::Unsupported, format!("{interface} has no MAC address to ask from"))
    })?;
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::EthAll)?;
    bind(socket.as_raw_fd(), &link)?;
    let wanted: BTreeSet<Ipv4Addr> = addresses.iter().copied().collect();
    let mut found = BTreeMap::new();
    for round in 1..=PROBES {
        for address in &wanted {
            send(socket.as_raw_fd(), &probe(mac, *address), MsgFlags::empty())?;
            // and hear: answers to a long list would not all wait in the socket
            listen(&socket, PACE, mac, &wanted, &mut found)?;
        }
        listen(&socket, if round == PROBES { AFTER } else { BETWEEN }, mac, &wanted, &mut found)?;
    }
    let text = |mac: Mac| mac.map(|byte| format!("{byte:02x}")).join(":");
    Ok(found.into_iter().map(|(address, mac)| Holder { address, mac: text(mac) }).collect())
}

/// The interface as the kernel names it to packet sockets.
fn link(interface: &str) -> io::Result<LinkAddr> {
    let mut all = getifaddrs()?.filter(|entry| entry.interface_name == interface);
    let found = all.find_map(|entry| entry.address?.as_link_addr().copied());
    found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("there is no interface {interface}")))
}

fn listen(
    socket: &OwnedFd,
    long: Duration,
    mac: Mac,
    wanted: &BTreeSet<Ipv4Addr>,
    found: &mut BTreeMap<Ipv4Addr, Mac>,
) -> io::Result<()> {
    let until = Instant::now() + long;
    let mut frame = [0; 128];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        // zero would mean to wait for ever
        let micros = i64::try_from(left.as_micros()).unwrap_or(i64::MAX).max(1);
        setsockopt(socket, sockopt::ReceiveTimeout, &TimeVal::new(micros / 1_000_000, micros % 1_000_000))?;
        let length = match recv(socket.as_raw_fd(), &mut frame, MsgFlags::empty()) {
            Err(Errno::EAGAIN | Errno::EINTR) => continue,
            other => other?,
        };
        if let Some((address, holder)) = claim(&frame[..length])
            && holder != mac
            && wanted.contains(&address)
        {
            found.insert(address, holder);
        }
    }
}

/// A probe: a request whose sender has no address yet.
fn probe(mac: Mac, address: Ipv4Addr) -> [u8; 42] {
    let mut frame = [0; 42];
    frame[..6].fill(0xff);
    frame[6..12].copy_from_slice(&mac);
    frame[12..14].copy_from_slice(&ETHERTYPE);
    // Ethernet, IPv4, lengths 6 and 4, request
    frame[14..22].copy_from_slice(&[0, 1, 8, 0, 6, 4, 0, 1]);
    frame[22..28].copy_from_slice(&mac);
    frame[38..42].copy_from_slice(&address.octets());
    frame
}

/// The address that a frame's sender has, or asks for because it means to take it (RFC 5227, 2.1.1).
fn claim(frame: &[u8]) -> Option<(Ipv4Addr, Mac)> {
    let frame: &[u8; 42] = frame.get(..42)?.try_into().ok()?;
    if frame[12..14] != ETHERTYPE || frame[14..20] != [0, 1, 8, 0, 6, 4] {
        return None;
    }
    let address = |at: usize| Ipv4Addr::new(frame[at], frame[at + 1], frame[at + 2], frame[at + 3]);
    let mac: Mac = frame[22..28].try_into().ok()?;
    let (sender, target) = (address(28), address(38));
    let means_to_take = sender.is_unspecified() && frame[20..22] == [0, 1];
    Some((if means_to_take { target } else { sender }, mac))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::{claim, holders, probe};

    const ME: [u8; 6] = [2, 0, 0, 0, 0, 1];
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 11);

    #[test]
    fn a_probe_asks_everybody_and_claims_nothing_but_the_wish() {
        let frame = probe(ME, ADDRESS);
        assert_eq!(frame[..14], [255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6]);
        assert_eq!(frame[28..32], [0; 4], "the sender has no address");
        assert_eq!(claim(&frame), Some((ADDRESS, ME)), "somebody else who means to take it is a clash too");
    }

    #[test]
    fn an_answer_and_a_question_of_who_has_it_are_claims() {
        let mut frame = probe(ME, Ipv4Addr::new(10, 77, 0, 1));
        frame[28..32].copy_from_slice(&ADDRESS.octets());
        assert_eq!(claim(&frame), Some((ADDRESS, ME)), "who asks with an address has it");
        frame[21] = 2;
        assert_eq!(claim(&frame), Some((ADDRESS, ME)));
        let padded: Vec<u8> = frame.iter().copied().chain([0; 18]).collect();
        assert_eq!(claim(&padded), Some((ADDRESS, ME)), "Ethernet pads to 60 bytes");
    }

    #[test]
    fn what_is_no_arp_claims_nothing() {
        let frame = probe(ME, ADDRESS);
        for (at, byte) in [(12, 0x86), (15, 6), (16, 0x86), (18, 8), (19, 16)] {
            let mut other = frame;
            other[at] = byte;
            assert_eq!(claim(&other), None, "byte {at}");
        }
        assert_eq!(claim(&frame[..41]), None);
        assert_eq!(claim(&[]), None);
    }

    #[test]
    fn an_interface_that_is_not_there_or_has_no_mac_is_told() {
        assert!(holders("nope0", &[ADDRESS]).unwrap_err().to_string().contains("no interface nope0"));
        assert!(holders("lo", &[ADDRESS]).unwrap_err().to_string().contains("lo has no MAC"));
    }
}
