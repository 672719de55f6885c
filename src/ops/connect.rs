//! Connections to a site's nodes: all at once, and all that went wrong told at once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::join_all;
use sealift_cluster::{Access, Cluster, Login, Node};
use sealift_engine::{Hosts, RunLock};
use sealift_node::{HelperBinary, HostError, Identity, Owner, Probe, RemoteHost, RemoteOptions, Target};

pub(crate) use sealift_node::helper::Mode;

use super::{Exit, Failure, this_machine};
use crate::shell::Shell;

/// Open connections, each with a helper at the other end.
pub(crate) struct Connected {
    hosts: Hosts,
    /// Whose runs held which nodes' locks and did not end by themselves.
    taken_over: Vec<(Owner, Vec<String>)>,
}

impl Connected {
    /// Connects to every node of `cluster`, whose identity files are relative to `folder`.
    ///
    /// A run that changes things takes the first control plane's lock before any other: two operators who start at
    /// the same moment meet there, and one of them leaves without having touched another node.
    pub(crate) async fn to(
        cluster: &Cluster,
        folder: &Path,
        mode: Mode,
        owner: &Owner,
    ) -> anyhow::Result<Self> {
        let first = cluster.first_control_plane();
        let (gate, others): (Vec<&Node>, Vec<&Node>) =
            cluster.nodes().iter().partition(|node| mode == Mode::Run && node.name == first.name);
        Self::in_order(&[gate, others], folder, mode, owner).await
    }

    /// Connects to some nodes at once.
    pub(crate) async fn to_nodes(
        nodes: &[&Node],
        folder: &Path,
        mode: Mode,
        owner: &Owner,
    ) -> anyhow::Result<Self> {
        Self::in_order(&[nodes.to_vec()], folder, mode, owner).await
    }

    /// Connects to as many nodes as answer; why each of the others does not.
    pub(crate) async fn as_many_as_answer(
        cluster: &Cluster,
        folder: &Path,
        mode: Mode,
        owner: &Owner,
    ) -> anyhow::Result<(Self, Vec<(String, HostError)>)> {
        Self::tried(&[cluster.nodes().iter().collect()], folder, mode, owner).await
    }

    /// Connects to one group after another. A busy node ends it; whatever else goes wrong is told of all nodes at once.
    async fn in_order(
        groups: &[Vec<&Node>],
        folder: &Path,
        mode: Mode,
        owner: &Owner,
    ) -> anyhow::Result<Self> {
        let (connected, errors) = Self::tried(groups, folder, mode, owner).await?;
        if errors.is_empty() {
            return Ok(connected);
        }
        connected.close().await;
        let errors: Vec<HostError> = errors.into_iter().map(|(_, error)| error).collect();
        Err(refusal(&errors).into())
    }

    async fn tried(
        groups: &[Vec<&Node>],
        folder: &Path,
        mode: Mode,
        owner: &Owner,
    ) -> anyhow::Result<(Self, Vec<(String, HostError)>)> {
        this_machine::check(groups.iter().flatten().copied()).await?;
        // The running program is the helper: it is static, and what was verified is what works on the node.
        let binary = HelperBinary::of("/proc/self/exe").await?;
        let run = run_id();
        let (mut connected, mut errors) = (Self { hosts: Hosts::new(), taken_over: vec![] }, vec![]);
        for nodes in groups {
            let all = join_all(nodes.iter().map(|node| {
                let (binary, run) = (binary.clone(), run.clone());
                async move {
                    match &node.ssh.access {
                        Access::Local => {
                            let options = RemoteOptions::default();
                            RemoteHost::here(node.name.as_str(), binary, mode, &run, owner, options).await
                        }
                        Access::Login(login) => {
                            let target = target(node, login, folder)?;
                            RemoteHost::connect(target, binary, mode, &run, owner).await
                        }
                    }
                }
            }))
            .await;
            for (node, one) in nodes.iter().zip(all) {
                match one {
                    Ok(host) => connected.add(node, host).await,
                    Err(error) => errors.push((node.name.to_string(), error)),
                }
            }
            if errors.iter().any(|(_, error)| matches!(error, HostError::Busy { .. })) {
                break;
            }
        }
        Ok((connected, errors))
    }

    async fn add(&mut self, node: &Node, host: RemoteHost) {
        let name = node.name.to_string();
        if let Some(previous) = host.previous().await {
            match self.taken_over.iter_mut().find(|(owner, _)| *owner == previous) {
                Some((_, nodes)) => nodes.push(name.clone()),
                None => self.taken_over.push((previous, vec![name.clone()])),
            }
        }
        self.hosts.insert(name, Arc::new(host));
    }

    /// Says once whose run was cut off, unless our own lock has said it already.
    pub(crate) fn tell_taken_over(&self, lock: &RunLock, shell: &Shell) {
        for (owner, nodes) in &self.taken_over {
            if !lock.previous().is_some_and(|ours| ours.is(owner)) {
                shell.warn(&format!(
                    "a run was cut off: {owner}; its lock on {} is taken over, going on from what the nodes show",
                    nodes.join(", ")
                ));
            }
        }
    }

    /// The connections, by node.
    pub(crate) fn hosts(&self) -> Hosts {
        self.hosts.clone()
    }

    /// Reads a file of one node; `None` when it is not there.
    pub(crate) async fn read(
        &self,
        node: &str,
        path: &str,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, HostError> {
        match self.hosts.get(node) {
            Some(host) => Probe::new(host.as_ref()).read_file(path, limit).await,
            None => Ok(None),
        }
    }

    /// Ends the helpers. One that cannot be told ends itself when it has been idle for a minute.
    pub(crate) async fn close(&self) {
        join_all(self.hosts.values().map(|host| host.close())).await;
    }
}

fn target(node: &Node, login: &Login, folder: &Path) -> Result<Target, HostError> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let file = login.identity_path(folder, home.as_deref()).map(Identity::File);
    let agent = std::env::var_os("SSH_AUTH_SOCK").map(|socket| Identity::Agent(socket.into()));
    let host_key = match &login.host_key {
        None => None,
        Some(key) => Some(key.to_string().parse().map_err(|error| HostError::Protocol {
            host: node.name.to_string(),
            why: format!("reading its pinned host key: {error}"),
        })?),
    };
    Ok(Target {
        name: node.name.to_string(),
        address: node.ssh.address.to_string(),
        before: node.network.as_ref().and_then(|network| network.current).map(|address| address.to_string()),
        port: login.port,
        user: login.user.clone(),
        identities: file.into_iter().chain(agent).collect(),
        host_key,
    })
}

/// All that went wrong in one message; a machine that is not the one in the cluster file decides the exit code.
fn refusal(errors: &[HostError]) -> Failure {
    let text = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    if errors.iter().any(HostError::is_identity) {
        Failure::new(Exit::HostIdentity, text)
            .next("compare the fingerprints at the machine's own console, then sealift enroll")
    } else if errors.iter().any(|error| matches!(error, HostError::NotRoot { .. })) {
        Failure::new(Exit::Refused, text).next("run the same command as root: sudo sealift ...")
    } else if errors.iter().all(|error| matches!(error, HostError::AuthFailed { .. })) {
        Failure::new(Exit::Refused, text)
            .next("mend ssh.user or ssh.identityFile in the cluster file, or authorized_keys on the server")
    } else if errors.iter().any(|error| matches!(error, HostError::Busy { .. })) {
        Failure::new(Exit::Refused, text).next("run the same command again when that run has ended")
    } else {
        Failure::new(Exit::Refused, text).next("mend the connection and run the same command again")
    }
}

/// Names a run on the nodes: the operator's process, and when it began.
fn run_id() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("{:x}-{}", since.as_secs(), std::process::id())
}
