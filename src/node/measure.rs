//! What is not read but tried: a scratch file without a name, packets to other nodes, ports that listen for a moment.

use std::net::IpAddr;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::{Answer, Host, HostError, Probe};

/// A measurement. None leaves anything on the node; but each writes or sends something while it lasts, so the helper
/// of a plan refuses them all: only that of a preflight, or of a run, takes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a variant's text tells its fields")]
pub enum Measure {
    /// How long `fdatasync` takes after small writes, as etcd's log does them, on the disk that `dir` is or would be
    /// on: in a file that has no name in any folder, so that nothing is left also after a power cut.
    Sync { dir: String },
    /// Listens on those of these ports that nobody has, for so many seconds or until the helper ends. Whoever connects
    /// and says the token gets an answer; nobody else does.
    Listen { ports: Vec<Port>, token: String, seconds: u64 },
    /// Which of these ports of another node, whose helper listens with this token, can be reached from here.
    Reach { address: IpAddr, ports: Vec<Port>, token: String },
    /// How fast bytes come from another node's listening port, for two seconds at most.
    Rate { address: IpAddr, port: u16, token: String },
    /// Which of these IPv4 packet sizes reach an address and are answered, none of them in pieces (DF).
    Ping { address: IpAddr, sizes: Vec<u32> },
    /// Who has these IPv4 addresses of the networks that this node is in (RFC 5227's probe, which claims nothing).
    Arp { addresses: Vec<IpAddr> },
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measured {
    /// Of [`Measure::Sync`].
    Sync(Timing),
    /// Of [`Measure::Listen`]: the ports that somebody has already.
    Listening(Vec<Port>),
    /// Of [`Measure::Reach`].
    Reached(Vec<TryPort>),
    /// Of [`Measure::Rate`]: bytes, in so many microseconds.
    Rate(u64, u64),
    /// Of [`Measure::Ping`].
    Pings(Vec<Ping>),
    /// Of [`Measure::Arp`].
    Neighbours(Vec<Neighbour>),
}

/// How long something took, of many times, in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// How many times.
    pub count: u32,
    /// Half of them took no longer.
    pub p50: u64,
    /// 99 of 100 took no longer.
    pub p99: u64,
    /// The longest.
    pub longest: u64,
}

/// Which protocol a port is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proto {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// A port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Port {
    /// Which protocol.
    pub proto: Proto,
    /// Which number.
    pub number: u16,
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let proto = match self.proto {
            Proto::Tcp => "tcp",
            Proto::Udp => "udp",
        };
        write!(f, "{}/{proto}", self.number)
    }
}

/// One port that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TryPort {
    /// Which.
    pub port: Port,
    /// How that went.
    pub reached: Reached,
}

/// How trying a port went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reached {
    /// Our helper answered.
    Ours,
    /// Somebody else did.
    Other,
    /// It was refused at once: nobody listens, or a firewall says no.
    Refused,
    /// Nothing came back: a firewall that drops.
    Silent,
    /// Something else, in words.
    Failed(String),
}

/// One packet that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// Size of the IP packet in bytes.
    pub size: u32,
    /// Microseconds until the answer; none: there was none, tried three times.
    pub micros: Option<u64>,
    /// Why it could not even be sent, e.g. longer than the interface allows.
    pub unsent: Option<String>,
}

/// Who answered for an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbour {
    /// The address.
    pub address: IpAddr,
    /// Link-layer addresses that say they have it, sorted; empty: nobody does.
    pub macs: Vec<String>,
    /// Why nobody could be asked, e.g. no interface in its network.
    pub unasked: Option<String>,
}

/// The handle that can measure, and ask all that a [`Probe`] can.
#[derive(Debug, Clone, Copy)]
pub struct Gauge<'a> {
    probe: Probe<'a>,
}

impl<'a> Deref for Gauge<'a> {
    type Target = Probe<'a>;

    fn deref(&self) -> &Probe<'a> {
        &self.probe
    }
}

impl<'a> Gauge<'a> {
    /// Eyes and instruments on a node.
    pub fn new(host: &'a dyn Host) -> Self {
        Self { probe: Probe::new(host) }
    }

    async fn measure(&self, measure: Measure) -> Result<Measured, HostError> {
        match self.host().measure(measure).await? {
            Answer::Measured(measured) => Ok(measured),
            other => Err(self.surprise("a measurement", &other)),
        }
    }

    fn another(&self, asked: &str, measured: Measured) -> HostError {
        self.surprise(asked, &Answer::Measured(measured))
    }

    /// See [`Measure::Sync`].
    pub async fn sync(&self, dir: &str) -> Result<Timing, HostError> {
        match self.measure(Measure::Sync { dir: dir.to_owned() }).await? {
            Measured::Sync(timing) => Ok(timing),
            other => Err(self.another("sync", other)),
        }
    }

    /// Starts to listen; gives the ports that somebody has already. See [`Measure::Listen`].
    pub async fn listen(&self, ports: Vec<Port>, token: &str, seconds: u64) -> Result<Vec<Port>, HostError> {
        match self.measure(Measure::Listen { ports, token: token.to_owned(), seconds }).await? {
            Measured::Listening(busy) => Ok(busy),
            other => Err(self.another("listen", other)),
        }
    }

    /// See [`Measure::Reach`].
    pub async fn reach(
        &self,
        address: IpAddr,
        ports: Vec<Port>,
        token: &str,
    ) -> Result<Vec<TryPort>, HostError> {
        match self.measure(Measure::Reach { address, ports, token: token.to_owned() }).await? {
            Measured::Reached(tried) => Ok(tried),
            other => Err(self.another("reach", other)),
        }
    }

    /// Bytes and microseconds. See [`Measure::Rate`].
    pub async fn rate(&self, address: IpAddr, port: u16, token: &str) -> Result<(u64, u64), HostError> {
        match self.measure(Measure::Rate { address, port, token: token.to_owned() }).await? {
            Measured::Rate(bytes, micros) => Ok((bytes, micros)),
            other => Err(self.another("rate", other)),
        }
    }

    /// See [`Measure::Ping`].
    pub async fn ping(&self, address: IpAddr, sizes: Vec<u32>) -> Result<Vec<Ping>, HostError> {
        match self.measure(Measure::Ping { address, sizes }).await? {
            Measured::Pings(pings) => Ok(pings),
            other => Err(self.another("ping", other)),
        }
    }

    /// See [`Measure::Arp`].
    pub async fn arp(&self, addresses: Vec<IpAddr>) -> Result<Vec<Neighbour>, HostError> {
        match self.measure(Measure::Arp { addresses }).await? {
            Measured::Neighbours(neighbours) => Ok(neighbours),
            other => Err(self.another("arp", other)),
        }
    }
}
