//! Packets as they are on the wire: ARP (RFC 826), IPv4 (RFC 791) with ICMP echo (RFC 792).

use std::net::Ipv4Addr;

pub(super) const ARP: u16 = 0x0806;
const IPV4: u16 = 0x0800;
const REPLY: u16 = 2;
const BROADCAST: [u8; 6] = [0xff; 6];

/// A probe of RFC 5227: asks who has `target` without claiming any address, so that nobody's table changes.
pub(super) fn probe(from: [u8; 6], target: Ipv4Addr) -> Vec<u8> {
    let mut frame = vec![];
    frame.extend(BROADCAST);
    frame.extend(from);
    frame.extend(ARP.to_be_bytes());
    frame.extend([0, 1]); // Ethernet
    frame.extend(IPV4.to_be_bytes());
    frame.extend([6, 4, 0, 1]); // lengths of both addresses; a request
    frame.extend(from);
    frame.extend([0; 4]); // no address of ours
    frame.extend([0; 6]);
    frame.extend(target.octets());
    frame
}

/// Whose address this frame says it is, and the link-layer address of who says so.
pub(super) fn claim(frame: &[u8]) -> Option<(Ipv4Addr, [u8; 6])> {
    let kind = u16::from_be_bytes(frame.get(12..14)?.try_into().ok()?);
    let operation = u16::from_be_bytes(frame.get(20..22)?.try_into().ok()?);
    let mac: [u8; 6] = frame.get(22..28)?.try_into().ok()?;
    let address: [u8; 4] = frame.get(28..32)?.try_into().ok()?;
    (kind == ARP && operation == REPLY && address != [0; 4]).then(|| (address.into(), mac))
}

/// An IPv4 packet of this size that may not be taken apart, with an ICMP echo request in it. The kernel fills in our
/// address and the header's checksum.
pub(super) fn echo(to: Ipv4Addr, size: u16, id: u16, sequence: u16) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend(size.to_be_bytes());
    packet.extend([0, 0, 0x40, 0]); // do not fragment
    packet.extend([64, 1, 0, 0]); // hops, ICMP
    packet.extend([0; 4]);
    packet.extend(to.octets());
    let start = packet.len();
    packet.extend([8, 0, 0, 0]);
    packet.extend(id.to_be_bytes());
    packet.extend(sequence.to_be_bytes());
    packet.resize(usize::from(size).max(start + 8), 0x5a);
    let sum = checksum(&packet[start..]);
    packet[start + 2..start + 4].copy_from_slice(&sum.to_be_bytes());
    packet
}

/// The sequence number of the echo reply in an IPv4 packet, if it is one of this id from there.
pub(super) fn reply(packet: &[u8], from: Ipv4Addr, id: u16) -> Option<u16> {
    let header = usize::from(packet.first()? & 0x0f) * 4;
    let source: [u8; 4] = packet.get(12..16)?.try_into().ok()?;
    let icmp = packet.get(header..header + 8)?;
    let ours = icmp[0] == 0 && icmp[4..6] == id.to_be_bytes() && Ipv4Addr::from(source) == from;
    ours.then(|| u16::from_be_bytes([icmp[6], icmp[7]]))
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)])));
    let mut sum = words.fold(0_u32, u32::wrapping_add);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::{checksum, claim, echo, probe, reply};

    #[test]
    fn a_probe_claims_nothing_and_an_answer_does() {
        let me = [2, 0, 0, 0, 0, 1];
        let address = Ipv4Addr::new(10, 0, 0, 9);
        let probe = probe(me, address);
        assert_eq!((probe.len(), claim(&probe)), (42, None));
        let mut answer = probe.clone();
        answer[21] = 2;
        answer[22..28].copy_from_slice(&[2, 0, 0, 0, 0, 9]);
        answer[28..32].copy_from_slice(&address.octets());
        assert_eq!(claim(&answer), Some((address, [2, 0, 0, 0, 0, 9])));
        assert_eq!(claim(&answer[..30]), None, "cut");
    }

    #[test]
    fn an_echo_has_the_size_that_was_asked_for_and_a_right_checksum() {
        let to = Ipv4Addr::new(10, 0, 0, 9);
        let packet = echo(to, 1400, 7, 3);
        assert_eq!((packet.len(), packet[6]), (1400, 0x40));
        assert_eq!(checksum(&packet[20..]), 0);
        let mut back = packet.clone();
        back[20] = 0;
        back[12..16].copy_from_slice(&to.octets());
        assert_eq!(reply(&back, to, 7), Some(3));
        assert_eq!(reply(&back, to, 8), None);
        assert_eq!(reply(&packet, to, 7), None, "a request");
        assert_eq!(reply(&[], to, 7), None);
    }
}
