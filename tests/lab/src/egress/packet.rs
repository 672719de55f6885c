//! Reads the few fields of an Ethernet frame that tell whether it leaves the scene. Frames come from whoever sends
//! them: every length is checked, and what cannot be read is reported as such, never dropped.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a frame is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Sender; none when the frame is not IP or too short to tell.
    pub source: Option<IpAddr>,
    /// Receiver.
    pub destination: Option<IpAddr>,
    /// Kind of payload.
    pub protocol: Protocol,
    /// Destination port of TCP and UDP.
    pub port: Option<u16>,
    /// First name asked for, when it is a DNS, mDNS or LLMNR packet.
    pub name: Option<String>,
}

/// What an IP packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// TCP
    Tcp,
    /// UDP
    Udp,
    /// Another protocol by its IP number.
    Ip(u8),
    /// `ICMPv6` with its type.
    Icmp6(u8),
    /// Not IP: the ethertype.
    Ether(u16),
}

impl Protocol {
    /// As written in a record.
    pub fn text(self) -> String {
        match self {
            Self::Tcp => "tcp".into(),
            Self::Udp => "udp".into(),
            Self::Ip(1) => "icmp".into(),
            Self::Ip(number) => format!("ip-{number}"),
            Self::Icmp6(_) => "icmp6".into(),
            Self::Ether(number) => format!("ether-{number:04x}"),
        }
    }
}

/// Ports on which a packet is a DNS message: DNS, mDNS, LLMNR.
const NAME_PORTS: [u16; 3] = [53, 5353, 5355];

/// Reads an Ethernet frame.
pub fn parse(frame: &[u8]) -> Packet {
    let ether = u16_at(frame, 12).unwrap_or(0);
    let unread =
        Packet { source: None, destination: None, protocol: Protocol::Ether(ether), port: None, name: None };
    let body = frame.get(14..).unwrap_or_default();
    match ether {
        0x0800 => ipv4(body).unwrap_or(unread),
        0x86dd => ipv6(body).unwrap_or(unread),
        _ => unread,
    }
}

fn ipv4(body: &[u8]) -> Option<Packet> {
    let header = usize::from(body.first()? & 0x0f) * 4;
    if body[0] >> 4 != 4 || header < 20 || body.len() < header {
        return None;
    }
    let address =
        |at: usize| Some(IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(body.get(at..at + 4)?).ok()?)));
    // A later fragment carries no ports; its first one was seen.
    let first = u16_at(body, 6)?.trailing_zeros() >= 13;
    Some(finish(address(12)?, address(16)?, body[9], if first { &body[header..] } else { &[] }))
}

fn ipv6(body: &[u8]) -> Option<Packet> {
    let address =
        |at: usize| Some(IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(body.get(at..at + 16)?).ok()?)));
    let (source, destination) = (address(8)?, address(24)?);
    if body[0] >> 4 != 6 {
        return None;
    }
    let mut next = body[6];
    let mut rest = body.get(40..).unwrap_or_default();
    // Hop-by-hop (MLD has one), routing and destination options stand before the payload.
    while matches!(next, 0 | 43 | 60) && rest.len() >= 8 {
        let length = (usize::from(rest[1]) + 1) * 8;
        next = rest[0];
        rest = rest.get(length..).unwrap_or_default();
    }
    Some(finish(source, destination, next, rest))
}

fn finish(source: IpAddr, destination: IpAddr, number: u8, payload: &[u8]) -> Packet {
    let (protocol, port, message) = match number {
        6 => {
            let header = payload.get(12).map_or(20, |byte| usize::from(byte >> 4) * 4);
            // DNS over TCP has two bytes of length before the message.
            (Protocol::Tcp, u16_at(payload, 2), payload.get(header + 2..).unwrap_or_default())
        }
        17 => (Protocol::Udp, u16_at(payload, 2), payload.get(8..).unwrap_or_default()),
        58 => (Protocol::Icmp6(payload.first().copied().unwrap_or(0)), None, &[][..]),
        other => (Protocol::Ip(other), None, &[][..]),
    };
    let name = port.filter(|port| NAME_PORTS.contains(port)).and_then(|_| question(message));
    Packet { source: Some(source), destination: Some(destination), protocol, port, name }
}

/// The first question's name of a DNS message (RFC 1035, 4.1).
fn question(message: &[u8]) -> Option<String> {
    if u16_at(message, 4)? == 0 {
        return None;
    }
    let mut name = String::new();
    let mut rest = message.get(12..)?;
    loop {
        let (&length, after) = rest.split_first()?;
        if length == 0 {
            return Some(if name.is_empty() { ".".to_owned() } else { name });
        }
        // A question's name is not compressed: a pointer (length above 63) is not one we understand.
        if length > 63 || name.len() > 255 {
            return None;
        }
        let label = after.get(..usize::from(length))?;
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(&String::from_utf8_lossy(label).escape_debug().to_string());
        rest = &after[usize::from(length)..];
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(<[u8; 2]>::try_from(bytes.get(at..at + 2)?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend([0x08, 0x00, 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 77, 0, 11, 198, 51, 100, 53]);
        frame.extend([0xc0, 0x00]);
        frame.extend(port.to_be_bytes());
        frame.extend([0, 0, 0, 0]);
        frame.extend(payload);
        frame
    }

    const QUERY: &[u8] = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x02go\x03dev\x00\x00\x01\x00\x01";

    #[test]
    fn a_dns_query_tells_its_name_and_its_ends() {
        let packet = parse(&udp(53, QUERY));
        assert_eq!(packet.name.as_deref(), Some("go.dev"));
        assert_eq!(packet.source.unwrap().to_string(), "10.77.0.11");
        assert_eq!(packet.destination.unwrap().to_string(), "198.51.100.53");
        assert_eq!((packet.protocol, packet.port), (Protocol::Udp, Some(53)));
        assert_eq!(parse(&udp(5353, QUERY)).name.as_deref(), Some("go.dev"));
        assert_eq!(parse(&udp(123, QUERY)).name, None);
    }

    #[test]
    fn dns_over_tcp_tells_its_name() {
        let mut frame = udp(0, &[]);
        frame.truncate(34);
        frame[23] = 6;
        frame.extend([0xc0, 0, 0, 53, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x18, 0, 0, 0, 0, 0, 0, 0, 28]);
        frame.extend(QUERY);
        let packet = parse(&frame);
        assert_eq!((packet.protocol, packet.port), (Protocol::Tcp, Some(53)));
        assert_eq!(packet.name.as_deref(), Some("go.dev"));
    }

    #[test]
    fn every_truncation_is_read_without_a_panic_and_never_as_something_else() {
        let whole = udp(53, QUERY);
        for length in 0..whole.len() {
            let packet = parse(&whole[..length]);
            if length >= 34 {
                assert_eq!(packet.destination.unwrap().to_string(), "198.51.100.53");
            } else {
                assert_eq!(packet.destination, None, "{length}");
            }
        }
    }

    #[test]
    fn hostile_lengths_and_pointers_are_not_followed() {
        let endless = b"\0\0\0\0\0\x01\0\0\0\0\0\0\xc0\x0c";
        assert_eq!(parse(&udp(53, endless)).name, None);
        let beyond = b"\0\0\0\0\0\x01\0\0\0\0\0\0\x3fshort";
        assert_eq!(parse(&udp(53, beyond)).name, None);
        let control = b"\0\0\0\0\0\x01\0\0\0\0\0\0\x02\n\x1b\0\0\x01\0\x01";
        assert_eq!(parse(&udp(53, control)).name.as_deref(), Some("\\n\\u{1b}"));
        let mut header = udp(53, b"short");
        header[14] = 0x4f;
        assert_eq!(parse(&header).protocol, Protocol::Ether(0x0800), "a header longer than the packet");
        header[14] = 0x41;
        assert_eq!(parse(&header).protocol, Protocol::Ether(0x0800));
    }

    #[test]
    fn icmp6_is_found_behind_a_hop_by_hop_header() {
        let mut frame = vec![0; 12];
        frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 16, 0, 1]);
        frame.extend(Ipv6Addr::LOCALHOST.octets());
        frame.extend("ff02::16".parse::<Ipv6Addr>().unwrap().octets());
        frame.extend([58, 0, 5, 2, 0, 0, 1, 0, 143, 0, 0, 0]);
        assert_eq!(parse(&frame).protocol, Protocol::Icmp6(143));
    }
}
