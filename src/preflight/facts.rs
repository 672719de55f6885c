//! What was learned of one node. Everything that could not be learned says why.

use std::collections::{BTreeMap, BTreeSet};

use sealift_node::{
    Facts as Machine, Interface, Neighbour, Ping, Port, Room, Sight, Timing, TryPort, UnitState,
};

use crate::parse::filter::Filter;

/// Something learned, or why it was not.
pub(crate) type Known<T> = Result<T, Absence>;

/// Why a fact is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence(pub String);

impl Absence {
    /// Nobody asked: a measurement that this run does not make.
    pub(crate) fn unasked() -> Self {
        Self("it was not measured".to_owned())
    }
}

impl<E: std::fmt::Display> From<E> for Absence {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// How far a node's clock is from the operator's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Milliseconds that it is ahead; behind when negative.
    pub ahead: i64,
    /// It may be so many more or less: half of what the question took on its way.
    pub uncertain: i64,
}

/// A link to another node, as this one sees it.
#[derive(Debug, Clone)]
pub struct Link {
    /// Ports that were tried.
    pub ports: Known<Vec<TryPort>>,
    /// Packets that were sent.
    pub pings: Known<Vec<Ping>>,
    /// Bits per second that came from there; not every link is measured.
    pub rate: Option<Known<u64>>,
}

/// What a bundle brings, as far as nodes must have room for it.
#[derive(Debug, Clone, Default)]
pub struct Offer {
    /// `linux/amd64`, ...
    pub platforms: Vec<String>,
    /// Bytes of all blobs.
    pub bytes: u64,
    /// When it was made, in seconds since the epoch; 0 when it does not say.
    pub created: u64,
    /// Packages of operating systems that its recipe names: `debian-12` and `chrony`.
    pub packages: BTreeSet<(String, String)>,
}

/// All that is known of one node.
#[derive(Debug, Clone)]
pub struct Facts {
    /// What the helper's own facts are.
    pub machine: Known<Machine>,
    /// What was looked at.
    pub sights: BTreeMap<String, Sight>,
    /// Lines about kernel modules: built in ones, and files.
    pub modules: Known<String>,
    /// Room on file systems.
    pub rooms: Known<Vec<Room>>,
    /// systemd's view of units.
    pub units: BTreeMap<String, Known<UnitState>>,
    /// The packet filter; none where no program for it is installed.
    pub filter: Known<Option<Filter>>,
    /// The clock.
    pub clock: Known<Clock>,
    /// What etcd's disk takes for a small write.
    pub sync: Known<Timing>,
    /// Ports that somebody had when the helper listened.
    pub taken: Known<Vec<Port>>,
    /// Who answers for the site's addresses; asked by one node.
    pub neighbours: Known<Vec<Neighbour>>,
    /// Which of the site's name servers answer.
    pub resolvers: Known<Vec<(String, bool)>>,
    /// Links to other nodes, by name.
    pub links: BTreeMap<String, Link>,
}

impl Facts {
    /// Of a node of which nothing is known, for this reason.
    pub fn none(why: &str) -> Self {
        let absent = || Absence(why.to_owned());
        Self {
            machine: Err(absent()),
            sights: BTreeMap::new(),
            modules: Err(absent()),
            rooms: Err(absent()),
            units: BTreeMap::new(),
            filter: Err(absent()),
            clock: Err(absent()),
            sync: Err(Absence::unasked()),
            taken: Err(Absence::unasked()),
            neighbours: Err(Absence::unasked()),
            resolvers: Err(Absence::unasked()),
            links: BTreeMap::new(),
        }
    }

    /// The interface that has this address.
    pub(crate) fn interface(&self, address: std::net::IpAddr) -> Known<Option<&Interface>> {
        let machine = self.machine.as_ref().map_err(Clone::clone)?;
        let has = |interface: &&Interface| {
            interface
                .addresses
                .iter()
                .any(|one| one.split('/').next().and_then(|text| text.parse().ok()) == Some(address))
        };
        Ok(machine.interfaces.iter().find(has))
    }
}
