//! Leaks sent on purpose. A recorder that counts nothing proves nothing until it has counted these.

use std::fmt::Write;
use std::net::Ipv4Addr;

use anyhow::{Context, Result, bail};

use super::Record;
use super::recorder::Recorder;
use crate::node::Node;
use crate::state::check_name;

/// A known leak: one DNS question and one try to open a TCP connection, recognisable by name and address.
#[derive(Debug, Clone)]
pub struct Leak {
    origin: String,
}

impl Leak {
    /// The leak of one kind of place: `node`, `pod`, `operator`, ….
    pub fn new(origin: &str) -> Result<Self> {
        check_name("leak", origin, 24)?;
        Ok(Self { origin: origin.to_owned() })
    }

    /// Where it is sent from.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The name it asks for; nobody else does.
    pub fn name(&self) -> String {
        format!("planted-{}.example.invalid", self.origin)
    }

    /// The address (RFC 5737) it wants to reach; nobody else does. Port 443.
    pub fn address(&self) -> Ipv4Addr {
        match self.origin.as_str() {
            "node" => Ipv4Addr::new(198, 51, 100, 7),
            "pod" => Ipv4Addr::new(198, 51, 100, 8),
            // Every other place has one of the 200 above.
            other => {
                Ipv4Addr::new(198, 51, 100, 55 + other.bytes().fold(0, |sum: u8, byte| (sum ^ byte) % 200))
            }
        }
    }

    /// A script for `bash -c` that sends it. It needs bash alone, and its own status is 0: that nothing answers is what
    /// must happen. The question goes to the leak's address, not through a resolver that may answer for itself.
    pub fn script(&self) -> String {
        let mut question = String::from(r"\x70\x6c\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00");
        for label in self.name().split('.') {
            // Writing into a string does not fail.
            let _ = write!(question, r"\x{:02x}{label}", label.len());
        }
        question.push_str(r"\x00\x00\x01\x00\x01");
        format!(
            "printf '{question}' > /dev/udp/{0}/53; timeout 5 bash -c ': < /dev/tcp/{0}/443' 2>/dev/null; true",
            self.address()
        )
    }

    /// Whether a recorded packet is this leak's question.
    pub fn asked(&self, record: &Record) -> bool {
        record.name.as_deref() == Some(self.name().as_str())
    }

    /// Whether a recorded packet is this leak's connection.
    pub fn connected(&self, record: &Record) -> bool {
        record.protocol == "tcp"
            && record.port == Some(443)
            && record.destination == Some(self.address().into())
    }
}

/// Plants a leak: notes it, and has `send` run its script where it belongs.
pub fn plant(recorder: &Recorder, leak: &Leak, send: impl FnOnce(&str) -> Result<()>) -> Result<()> {
    if !recorder.listens() {
        bail!("planting a leak: the egress recorder does not run");
    }
    recorder.note(leak)?;
    send(&leak.script()).with_context(|| format!("sending the planted leak of the {}", leak.origin()))
}

/// Plants the node's leak, also through the node's own resolver, which is how a program there would ask.
pub fn plant_in_node(recorder: &Recorder, node: &Node) -> Result<()> {
    plant_as_node(recorder, |argv| node.exec(argv).map(drop))
}

/// The same in whatever runs an argv as a node's own program.
pub fn plant_as_node(recorder: &Recorder, run: impl FnOnce(&[&str]) -> Result<()>) -> Result<()> {
    let leak = Leak::new("node")?;
    plant(recorder, &leak, |script| {
        let resolve = format!("timeout 1 getent ahosts {} >/dev/null; {script}", leak.name());
        run(&["bash", "-c", &resolve])
    })
}
