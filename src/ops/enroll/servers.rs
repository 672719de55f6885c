//! Whose keys are looked at: all nodes and all jump hosts, each once.

use sealift_cluster::{Access, Cluster, HostKey, Pin};
use sealift_node::{HostError, Target, scan_host_key, scan_host_key_like};
use serde::Serialize;

use super::known_hosts::{KnownHosts, name};
use crate::ops::Logins;

/// A server that shows a key.
pub(super) struct Server {
    pub(super) pin: Pin,
    address: String,
    port: u16,
    names: Vec<String>,
    pinned: Option<HostKey>,
    /// None: it is the machine that sealift runs on.
    target: Option<Target>,
    /// Whether all jump hosts on the way have pinned keys: only then is anybody logged in to.
    pub(super) ready: bool,
}

/// What is known about one server's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub(super) enum Finding {
    /// The file has none: this one could be pinned.
    Unknown { fingerprint: String },
    /// The file has none, and a `known_hosts` file has this one.
    Known { fingerprint: String, place: String },
    /// It is the pinned one.
    Pinned { fingerprint: String },
    /// It is not the pinned one, nor that of a `known_hosts` file.
    Changed { pinned: String, seen: String },
    /// A `known_hosts` file says that it must not be trusted any more.
    Revoked { fingerprint: String, place: String },
    /// The pinned key is of a type that the server did not choose to show; the first connection checks it.
    OtherType { pinned: String, seen: String },
    /// It is the machine that sealift runs on: there is nobody in between to be mistaken for it.
    Local,
    /// The server did not show one.
    Unreachable { why: String },
}

/// One server, looked at.
#[derive(Debug, Serialize)]
pub(super) struct Scanned {
    #[serde(rename = "node")]
    pub(super) whose: String,
    pub(super) address: String,
    #[serde(flatten)]
    pub(super) finding: Finding,
    #[serde(skip)]
    pub(super) key: Option<HostKey>,
    #[serde(skip)]
    pub(super) pin: Pin,
}

/// All servers of a cluster file; jump hosts before what is behind them.
pub(super) fn servers(cluster: &Cluster, logins: &Logins) -> Result<Vec<Server>, HostError> {
    let mut all: Vec<Server> = vec![];
    for node in cluster.nodes() {
        let address = node.ssh.address.to_string();
        let Access::Login(login) = &node.ssh.access else {
            all.push(Server {
                pin: Pin::Node(node.name.clone()),
                names: vec![],
                pinned: None,
                target: None,
                ready: true,
                address,
                port: 22,
            });
            continue;
        };
        let mut ready = true;
        for (at, hop) in login.jump.iter().enumerate() {
            let pin = Pin::Jump(login.own_jump.then(|| node.name.clone()), at);
            let (address, port) = (hop.address.to_string(), hop.port);
            if !all.iter().any(|server| server.pin == pin) {
                let mut target = logins.way(node.name.as_str(), &login.jump[..=at])?.map(|target| *target);
                if let Some(target) = &mut target {
                    target.name = pin.to_string();
                }
                let (names, pinned) = (vec![name(&address, port)], hop.host_key.clone());
                all.push(Server { pin, address, port, names, pinned, target, ready });
            }
            ready &= hop.host_key.is_some();
        }
        let names = [address.as_str(), node.name.as_str()].map(|host| name(host, login.port)).to_vec();
        let (pin, port, pinned) = (Pin::Node(node.name.clone()), login.port, login.host_key.clone());
        let target = Some(logins.target(node, login)?);
        all.push(Server { pin, address, port, names, pinned, target, ready });
    }
    Ok(all)
}

/// Asks a server for its key and holds it against what is pinned, or known.
pub(super) async fn scan(server: &Server, known: &KnownHosts) -> Scanned {
    let seen = match &server.target {
        None => Ok((Finding::Local, None)),
        Some(target) => seen(server, target, known).await,
    };
    let (finding, key) = seen.unwrap_or_else(|error| (Finding::Unreachable { why: error }, None));
    server.scanned(finding, key)
}

impl Server {
    fn scanned(&self, finding: Finding, key: Option<HostKey>) -> Scanned {
        let address = match finding {
            Finding::Local => self.address.clone(),
            _ => format!("{} port {}", self.address, self.port),
        };
        Scanned { whose: self.pin.to_string(), address, finding, key, pin: self.pin.clone() }
    }

    /// One that could not be asked, because somebody on the way is not trusted.
    pub(super) fn unasked(&self) -> Scanned {
        let why = "a jump host on the way has no pinned key".to_owned();
        self.scanned(Finding::Unreachable { why }, None)
    }
}

async fn seen(
    server: &Server,
    target: &Target,
    known: &KnownHosts,
) -> Result<(Finding, Option<HostKey>), String> {
    let from_file = known.keys(&server.names);
    if server.pinned.is_none() {
        for (key, place) in &from_file {
            let like = key.to_string().parse().map_err(|error| format!("{place}: {error}"))?;
            let Ok(seen) = scan_host_key_like(target, &like).await else { continue };
            let seen = pinnable(&seen)?;
            let fingerprint = seen.fingerprint();
            let finding = match known.revoked(&seen) {
                Some(place) => Finding::Revoked { fingerprint, place: place.to_owned() },
                None if from_file.iter().any(|(known, _)| **known == seen) => {
                    Finding::Known { fingerprint, place: (*place).to_owned() }
                }
                None => Finding::Changed { pinned: format!("{} ({place})", say(key)), seen: say(&seen) },
            };
            return Ok((finding, Some(seen)));
        }
    }
    let seen = pinnable(&shown(server, target).await.map_err(|error| error.to_string())?)?;
    let finding = match known.revoked(&seen) {
        Some(place) => Finding::Revoked { fingerprint: seen.fingerprint(), place: place.to_owned() },
        None => judge(server.pinned.as_ref(), &seen),
    };
    Ok((finding, Some(seen)))
}

/// Before its addresses are set somebody else may answer at the one it is to have.
async fn shown(server: &Server, target: &Target) -> Result<sealift_node::HostKey, HostError> {
    if let Some(now) = target.at_its_old_place().filter(|_| server.pinned.is_none())
        && let Ok(seen) = scan_host_key(&now).await
    {
        return Ok(seen);
    }
    scan_host_key(target).await
}

fn pinnable(seen: &sealift_node::HostKey) -> Result<HostKey, String> {
    seen.to_string().parse().map_err(|wrong| format!("it showed a key that cannot be pinned: {wrong}"))
}

fn say(key: &HostKey) -> String {
    format!("{} {}", key.algorithm(), key.fingerprint())
}

pub(super) fn judge(pinned: Option<&HostKey>, seen: &HostKey) -> Finding {
    let fingerprint = seen.fingerprint();
    match pinned {
        None => Finding::Unknown { fingerprint },
        Some(pinned) if pinned == seen => Finding::Pinned { fingerprint },
        Some(pinned) if pinned.algorithm() != seen.algorithm() => {
            Finding::OtherType { pinned: say(pinned), seen: say(seen) }
        }
        Some(pinned) => Finding::Changed { pinned: say(pinned), seen: say(seen) },
    }
}
