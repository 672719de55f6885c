//! The egress recorder: every packet that tries to leave a scene is written down. Nothing answers it.
//!
//! Nodes and operator have a default route (IPv4 and IPv6) and a nameserver, as at a site whose firewall drops
//! everything: all of it leads here. What is seen is decided in [`scope`]; that 0 means something is proved by leaks
//! planted on purpose ([`plant`]), which [`report`] must find.

mod filter;
pub mod listen;
pub mod packet;
pub mod plant;
pub mod recorder;
pub mod report;
pub mod scope;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// One packet that tried to leave, as a line of `egress.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Milliseconds since 1970.
    pub time_ms: u64,
    /// Where it was seen: `br0` (from a node, or from the operator onto the LAN), `sink0` (from the operator to the
    /// outside), `lo` (from the operator to a resolver that the host's resolv.conf names).
    pub seen_on: String,
    /// Who sent it; none for a packet that is not IP.
    pub source: Option<IpAddr>,
    /// Where it wanted to go; none for a packet that is not IP.
    pub destination: Option<IpAddr>,
    /// `tcp`, `udp`, `icmp`, `icmp6`, or a number.
    pub protocol: String,
    /// Destination port of TCP and UDP.
    pub port: Option<u16>,
    /// The name that a DNS, mDNS or LLMNR packet asks for.
    pub name: Option<String>,
}
