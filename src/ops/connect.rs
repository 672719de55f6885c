//! Connections to a site's nodes: all at once, and all that went wrong told at once.

use std::sync::Arc;

use futures::future::join_all;
use sealift_cluster::{Access, Cluster, Node};
use sealift_engine::{Hosts, RunLock};
use sealift_node::{HelperBinary, HostError, Owner, Probe, RemoteHost, RemoteOptions};

pub(crate) use sealift_node::helper::Mode;

use super::{Exit, Failure, Logins, this_machine};
use crate::shell::Shell;

/// Open connections, each with a helper at the other end.
pub(crate) struct Connected {
    hosts: Hosts,
    /// Whose runs held which nodes' locks and did not end by themselves.
    taken_over: Vec<(Owner, Vec<String>)>,
}

impl Connected {
    /// Connects to every node of `cluster`, logging in as `logins` says.
    ///
    /// A run that changes things takes the first control plane's lock before any other: two operators who start at
    /// the same moment meet there, and one of them leaves without having touched another node.
    pub(crate) async fn to(
        cluster: &Cluster,
        logins: &Logins,
        mode: Mode,
        owner: &Owner,
    ) -> anyhow::Result<Self> {
        let first = cluster.first_control_plane();
        let (gate, others): (Vec<&Node>, Vec<&Node>) =
            cluster.nodes().iter().partition(|node| mode == Mode::Run && node.name == first.name);
        Self::in_order(&[gate, others], logins, mode, owner).await
    }

    /// Connects to some nodes at once.
    pub(crate) async fn to_nodes(
        nodes: &[&Node],
        logins: &Logins,
        mode: Mode,
        owner: &Owner,
    ) -> anyhow::Result<Self> {
        Self::in_order(&[nodes.to_vec()], logins, mode, owner).await
    }

    /// Connects to as many nodes as answer; why each of the others does not.
    pub(crate) async fn as_many_as_answer(
        cluster: &Cluster,
        logins: &Logins,
        mode: Mode,
        owner: &Owner,
    ) -> anyhow::Result<(Self, Vec<(String, HostError)>)> {
        Self::tried(&[cluster.nodes().iter().collect()], logins, mode, owner).await
    }

    /// Connects to one group after another. A busy node ends it; whatever else goes wrong is told of all nodes at once.
    async fn in_order(
        groups: &[Vec<&Node>],
        logins: &Logins,
        mode: Mode,
        owner: &Owner,
    ) -> anyhow::Result<Self> {
        let (connected, errors) = Self::tried(groups, logins, mode, owner).await?;
        if errors.is_empty() {
            return Ok(connected);
        }
        connected.close().await;
        let errors: Vec<HostError> = errors.into_iter().map(|(_, error)| error).collect();
        Err(refusal(&errors).into())
    }

    async fn tried(
        groups: &[Vec<&Node>],
        logins: &Logins,
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
                            let target = logins.target(node, login)?;
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

/// All that went wrong in one message, each with what to do about it where that is not the same for all; a machine that
/// is not the one in the cluster file decides the exit code.
fn refusal(errors: &[HostError]) -> Failure {
    let exit = if errors.iter().any(HostError::is_identity) { Exit::HostIdentity } else { Exit::Refused };
    let mut remedies: Vec<&str> = errors.iter().filter_map(HostError::remedy).collect();
    remedies.dedup();
    let lines = |with: bool| {
        let line = |error: &HostError| match error.remedy().filter(|_| with) {
            Some(remedy) => format!("{error}\n  do: {remedy}"),
            None => error.to_string(),
        };
        errors.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    match remedies[..] {
        [] => Failure::new(exit, lines(false)).next("mend the connection and run the same command again"),
        [remedy] => Failure::new(exit, lines(false)).next(remedy),
        _ => Failure::new(exit, lines(true)).next("mend all of it, then run the same command again"),
    }
}

/// Names a run on the nodes: the operator's process, and when it began.
fn run_id() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("{:x}-{}", since.as_secs(), std::process::id())
}

#[cfg(test)]
mod tests {
    use sealift_node::{HostError, SudoRefusal, Unreached};

    use super::{Exit, refusal};

    #[test]
    fn every_problem_is_told_with_its_remedy_and_a_wrong_machine_decides() {
        let (host, address, why) = ("w1".to_owned(), "10.0.0.1:22".to_owned(), "no".to_owned());
        let silent = HostError::Unreachable {
            host: host.clone(),
            address: address.clone(),
            kind: Unreached::Silent,
            why: why.clone(),
        };
        let sudo = HostError::SudoRefused {
            host: host.clone(),
            user: "ops".to_owned(),
            refusal: SudoRefusal::NotInSudoers,
            why,
        };
        let changed = HostError::HostKeyChanged { host, address, expected: "a".into(), seen: "b".into() };
        let all = refusal(&[silent.clone(), sudo.clone(), changed]);
        assert_eq!(all.exit, Exit::HostIdentity);
        for part in [
            "no; nothing was done there\n  do: check that it is powered on",
            "sudoers.d/sealift",
            "expected a",
        ] {
            assert!(all.message.contains(part), "{}", all.message);
        }
        let alike = refusal(&[silent.clone(), silent]);
        assert_eq!(alike.exit, Exit::Refused);
        assert!(!alike.message.contains("do:") && alike.next.unwrap().contains("powered on"));
        assert!(refusal(&[sudo]).next.unwrap().contains("sudoers.d"));
    }
}
