//! The kernel's part of the recorder's choice, in classic BPF: gigabytes of the scene's own TCP pass the bridge, and a
//! listener that had to look at each packet would be slow and lose some. What passes here is judged again in
//! [`super::scope`]; this only lets go of what certainly stays inside.

use crate::net::Subnet;

/// One instruction: opcode, jump if true, jump if false, value.
pub(super) type Instruction = (u16, u8, u8, u32);

/// Interface numbers, inside the scene's namespace.
pub(super) struct Links {
    pub(super) lo: u32,
    pub(super) bridge: u32,
    pub(super) sink: u32,
}

// Opcodes of linux/bpf_common.h.
const LOAD_WORD: u16 = 0x20;
const LOAD_HALF: u16 = 0x28;
const LOAD_BYTE: u16 = 0x30;
const LOAD_HALF_AT_X: u16 = 0x48;
const X_IS_IP_HEADER_LENGTH: u16 = 0xb1;
const AND: u16 = 0x54;
const IF_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;
/// Ancillary data of linux/filter.h: `SKF_AD_OFF + SKF_AD_PKTTYPE`, `SKF_AD_OFF + SKF_AD_IFINDEX`.
const PACKET_TYPE: u32 = 0xffff_f004;
const INTERFACE: u32 = 0xffff_f008;
/// `PACKET_OUTGOING` of the packet socket.
const OUTGOING: u32 = 4;
/// Bytes kept of a packet: enough for every header and a DNS name.
pub(super) const SNAP: u32 = 512;

/// The program. Seen are: on the bridge all but inner TCP; on the sink what goes out; on loopback what comes in (each
/// packet there goes out and comes in).
pub(super) fn program(links: &Links, subnet: Subnet) -> Vec<Instruction> {
    vec![
        (LOAD_WORD, 0, 0, INTERFACE),
        (IF_EQUAL, 7, 0, links.bridge),
        (IF_EQUAL, 2, 0, links.lo),
        (IF_EQUAL, 3, 0, links.sink),
        (RETURN, 0, 0, 0),
        // 5, loopback
        (LOAD_WORD, 0, 0, PACKET_TYPE),
        (IF_EQUAL, 16, 2, OUTGOING),
        // 7, sink
        (LOAD_WORD, 0, 0, PACKET_TYPE),
        (IF_EQUAL, 0, 14, OUTGOING),
        // 9, any: ARP is let go, what is not TCP in IPv4 is kept
        (LOAD_HALF, 0, 0, 12),
        (IF_EQUAL, 12, 0, 0x0806),
        (IF_EQUAL, 0, 10, 0x0800),
        (LOAD_BYTE, 0, 0, 23),
        (IF_EQUAL, 0, 8, 6),
        // 14, TCP: let go within the subnet and on 127.0.0.0/8, unless it is DNS
        (LOAD_WORD, 0, 0, 30),
        (AND, 0, 0, 0xffff_ff00),
        (IF_EQUAL, 2, 0, subnet.address(0).to_bits()),
        (AND, 0, 0, 0xff00_0000),
        (IF_EQUAL, 0, 3, 0x7f00_0000),
        (X_IS_IP_HEADER_LENGTH, 0, 0, 14),
        (LOAD_HALF_AT_X, 0, 0, 16),
        (IF_EQUAL, 0, 1, 53),
        (RETURN, 0, 0, SNAP),
        (RETURN, 0, 0, 0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the program as the kernel would.
    fn kept(frame: &[u8], interface: u32, outgoing: bool) -> bool {
        let links = Links { lo: 1, bridge: 2, sink: 3 };
        let program = program(&links, "10.77.0.0/24".parse().unwrap());
        let (mut a, mut x, mut at) = (0u32, 0usize, 0usize);
        let bytes = |at: usize, n: usize| {
            frame.get(at..at + n).map(|b| b.iter().fold(0, |v, b| v << 8 | u32::from(*b)))
        };
        loop {
            let (code, yes, no, k) = program[at];
            at += 1;
            let loaded = match code {
                LOAD_WORD if k == INTERFACE => Some(interface),
                LOAD_WORD if k == PACKET_TYPE => Some(if outgoing { OUTGOING } else { 0 }),
                LOAD_WORD => bytes(k as usize, 4),
                LOAD_HALF => bytes(k as usize, 2),
                LOAD_BYTE => bytes(k as usize, 1),
                LOAD_HALF_AT_X => bytes(x + k as usize, 2),
                AND => Some(a & k),
                X_IS_IP_HEADER_LENGTH => {
                    x = usize::from(frame[k as usize] & 0xf) * 4;
                    Some(a)
                }
                IF_EQUAL => {
                    at += usize::from(if a == k { yes } else { no });
                    Some(a)
                }
                RETURN => return k != 0,
                other => panic!("opcode {other:#x}"),
            };
            let Some(value) = loaded else { return false };
            a = value;
        }
    }

    fn frame(ether: u16, protocol: u8, to: [u8; 4], port: u16) -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend(ether.to_be_bytes());
        frame.extend([0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 77, 0, 11]);
        frame.extend(to);
        frame.extend([0xc0, 0]);
        frame.extend(port.to_be_bytes());
        frame.extend([0; 16]);
        frame
    }

    #[test]
    fn inner_tcp_and_arp_are_let_go_and_all_else_is_kept() {
        assert!(!kept(&frame(0x0800, 6, [10, 77, 0, 1], 22), 2, false));
        assert!(!kept(&frame(0x0806, 0, [0; 4], 0), 2, false));
        assert!(kept(&frame(0x0800, 6, [10, 77, 0, 1], 53), 2, false));
        assert!(kept(&frame(0x0800, 6, [10, 78, 0, 1], 22), 2, false));
        assert!(kept(&frame(0x0800, 6, [198, 51, 100, 7], 443), 2, false));
        assert!(kept(&frame(0x0800, 17, [10, 77, 0, 1], 53), 2, false));
        assert!(kept(&frame(0x86dd, 6, [0; 4], 0), 2, false));
        assert!(kept(&frame(0x88cc, 0, [0; 4], 0), 2, true));
    }

    #[test]
    fn every_packet_is_seen_on_one_link_and_in_one_direction() {
        let out = frame(0x0800, 17, [198, 51, 100, 53], 53);
        assert!(kept(&out, 3, true) && !kept(&out, 3, false));
        let home = frame(0x0800, 17, [127, 0, 0, 53], 53);
        assert!(kept(&home, 1, false) && !kept(&home, 1, true));
        assert!(!kept(&frame(0x0800, 6, [127, 0, 0, 1], 8080), 1, false));
        assert!(kept(&frame(0x0800, 6, [127, 0, 0, 53], 53), 1, false));
        assert!(!kept(&out, 9, false) && !kept(&out, 9, true));
    }
}
