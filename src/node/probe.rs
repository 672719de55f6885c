//! The handle that can only ask.

use std::net::Ipv4Addr;

use sealift_stream::Digest;

use crate::host::BoxDuplex;
use crate::{
    Answer, Facts, Holder, Host, HostError, ImageState, JobState, Output, Query, Room, Secretless, Sight,
    Stat, TrialRecord, UnitState,
};

/// Typed questions to one node. There is no way from it to anything that changes the node.
#[derive(Clone, Copy)]
pub struct Probe<'a> {
    host: &'a dyn Host,
}

impl std::fmt::Debug for Probe<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Probe({})", self.host.name())
    }
}

impl<'a> Probe<'a> {
    /// Eyes on a node.
    pub fn new(host: &'a dyn Host) -> Self {
        Self { host }
    }

    /// The node's name in the cluster file.
    pub fn name(&self) -> &'a str {
        self.host.name()
    }

    /// What the node is.
    pub async fn facts(&self) -> Result<Facts, HostError> {
        match self.host.query(Query::Facts).await? {
            Answer::Facts(facts) => Ok(*facts),
            other => Err(self.surprise("facts", &other)),
        }
    }

    /// A file's bytes; `None` when there is no such file; refused when it is longer than `limit` bytes.
    pub async fn read_file(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, HostError> {
        match self.host.query(Query::ReadFile { path: path.to_owned(), limit }).await? {
            Answer::Bytes(Secretless(bytes)) => Ok(Some(bytes)),
            Answer::Missing => Ok(None),
            other => Err(self.surprise("read-file", &other)),
        }
    }

    /// What a path is; a link is not followed.
    pub async fn stat(&self, path: &str) -> Result<Option<Stat>, HostError> {
        match self.host.query(Query::Stat { path: path.to_owned() }).await? {
            Answer::Stat(stat) => Ok(Some(stat)),
            Answer::Missing => Ok(None),
            other => Err(self.surprise("stat", &other)),
        }
    }

    /// Names in a directory, sorted.
    pub async fn list_dir(&self, path: &str) -> Result<Option<Vec<String>>, HostError> {
        match self.host.query(Query::ListDir { path: path.to_owned() }).await? {
            Answer::Names(names) => Ok(Some(names)),
            Answer::Missing => Ok(None),
            other => Err(self.surprise("list-dir", &other)),
        }
    }

    /// SHA-256 of a file.
    pub async fn hash_file(&self, path: &str) -> Result<Option<Digest>, HostError> {
        match self.host.query(Query::HashFile { path: path.to_owned() }).await? {
            Answer::Digest(digest) => Ok(Some(digest)),
            Answer::Missing => Ok(None),
            other => Err(self.surprise("hash-file", &other)),
        }
    }

    /// A symbolic link's target.
    pub async fn read_link(&self, path: &str) -> Result<Option<String>, HostError> {
        match self.host.query(Query::ReadLink { path: path.to_owned() }).await? {
            Answer::Text(target) => Ok(Some(target)),
            Answer::Missing => Ok(None),
            other => Err(self.surprise("read-link", &other)),
        }
    }

    /// systemd's view of a unit; one that does not exist has `load` = `not-found`.
    pub async fn unit(&self, name: &str) -> Result<UnitState, HostError> {
        match self.host.query(Query::Unit { name: name.to_owned() }).await? {
            Answer::Unit(unit) => Ok(unit),
            other => Err(self.surprise("unit", &other)),
        }
    }

    /// A job; `None` when none of this name was ever started.
    pub async fn job_state(&self, name: &str) -> Result<Option<JobState>, HostError> {
        match self.host.query(Query::Job { name: name.to_owned() }).await? {
            Answer::Job(job) => Ok(Some(job)),
            Answer::Missing => Ok(None),
            other => Err(self.surprise("job", &other)),
        }
    }

    /// Waits for a job to end, starting none; `None` when none of this name was ever started.
    pub async fn job_end(&self, name: &str) -> Result<Option<JobState>, HostError> {
        match self.host.query(Query::JobEnd { name: name.to_owned() }).await? {
            Answer::Job(job) => Ok(Some(job)),
            Answer::Missing => Ok(None),
            other => Err(self.surprise("job-end", &other)),
        }
    }

    /// Images in containerd's `k8s.io` namespace; `None` when containerd does not answer.
    pub async fn images(&self) -> Result<Option<Vec<ImageState>>, HostError> {
        match self.host.query(Query::Images).await? {
            Answer::Images(images) => Ok(Some(images)),
            Answer::Missing => Ok(None),
            other => Err(self.surprise("images", &other)),
        }
    }

    /// Whether a TCP address accepts a connection, as the node sees it.
    pub async fn reachable(&self, address: &str) -> Result<bool, HostError> {
        match self.host.query(Query::Reachable { address: address.to_owned() }).await? {
            Answer::Bool(yes) => Ok(yes),
            other => Err(self.surprise("reachable", &other)),
        }
    }

    /// Who has these IPv4 addresses, asked on one interface by ARP probes (RFC 5227); takes four seconds.
    pub async fn holders(&self, interface: &str, addresses: Vec<Ipv4Addr>) -> Result<Vec<Holder>, HostError> {
        match self.host.query(Query::Holders { interface: interface.to_owned(), addresses }).await? {
            Answer::Holders(holders) => Ok(holders),
            other => Err(self.surprise("holders", &other)),
        }
    }

    /// The network that is being tried.
    pub async fn trial(&self) -> Result<Option<TrialRecord>, HostError> {
        match self.host.query(Query::Trial).await? {
            Answer::Trial(record) => Ok(Some(*record)),
            Answer::Missing => Ok(None),
            other => Err(self.surprise("trial", &other)),
        }
    }

    /// What is at many paths, each file up to `limit` bytes; a component of a path may be `*`.
    pub async fn look(&self, paths: Vec<String>, limit: u64) -> Result<Vec<(String, Sight)>, HostError> {
        match self.host.query(Query::Look { paths, limit }).await? {
            Answer::Sights(sights) => Ok(sights),
            other => Err(self.surprise("look", &other)),
        }
    }

    /// The lines of a text that hold one of these words; `None` when there is no such file.
    pub async fn lines(&self, path: &str, words: Vec<String>) -> Result<Option<String>, HostError> {
        match self.host.query(Query::Lines { path: path.to_owned(), words }).await? {
            Answer::Text(text) => Ok(Some(text)),
            Answer::Missing => Ok(None),
            other => Err(self.surprise("lines", &other)),
        }
    }

    /// Room on the file systems that these paths are on, or would be.
    pub async fn rooms(&self, paths: Vec<String>) -> Result<Vec<Room>, HostError> {
        match self.host.query(Query::Rooms { paths }).await? {
            Answer::Rooms(rooms) => Ok(rooms),
            other => Err(self.surprise("rooms", &other)),
        }
    }

    /// The packet filter's chains, in the words of the program that has them; `None` where there is none.
    pub async fn packet_filter(&self) -> Result<Option<Output>, HostError> {
        match self.host.query(Query::PacketFilter).await? {
            Answer::Output(output) => Ok(Some(output)),
            Answer::Missing => Ok(None),
            other => Err(self.surprise("packet-filter", &other)),
        }
    }

    /// Milliseconds since the epoch by the node's clock.
    pub async fn clock(&self) -> Result<u64, HostError> {
        match self.host.query(Query::Clock).await? {
            Answer::Clock(now) => Ok(now),
            other => Err(self.surprise("clock", &other)),
        }
    }

    /// Opens a stream to a TCP address as the node sees it. What is said over it is the caller's matter:
    /// a plan gives it to a Kubernetes client that can only read.
    pub async fn dial(&self, address: &str) -> Result<BoxDuplex, HostError> {
        self.host.dial(address.to_owned()).await
    }

    pub(crate) fn host(&self) -> &'a dyn Host {
        self.host
    }

    pub(crate) fn surprise(&self, asked: &str, answer: &Answer) -> HostError {
        let why = format!("asked for {asked}, got {}", answer.kind());
        HostError::Protocol { host: self.host.name().to_owned(), why }
    }
}
