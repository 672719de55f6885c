//! Measurements between nodes, and of addresses that nobody may have. Every node listens for this run alone, on ports
//! that are free, and forgets it when its helper ends.

use std::fmt::Write as _;
use std::net::IpAddr;

use futures::StreamExt as _;
use futures::future::join_all;
use sealift_cluster::{Cluster, Role, Time};
use sealift_node::{Port, Proto, Reached};

use super::Member;
use crate::facts::{Absence, Facts, Known, Link};
use crate::family::{BALANCER, CLOCK, CONTROL_PLANE_SHARED, ETCD_SHARED, NETWORK, NODE_SHARED, VXLAN};

/// Seconds for which ports are listened on: longer than all that is tried on them.
const LISTENING: u64 = 120;
/// The smallest packet: an IPv4 header and an echo of 56 bytes, as ping(8) sends.
const SMALL: u32 = 84;
/// Addresses of pools that are asked about: three rounds of so many small frames.
const MOST: usize = 1024;
/// So many rates are measured at once, where there are many nodes.
const AT_ONCE: usize = 4;

/// Measures all of it.
pub(super) async fn measure(cluster: &Cluster, members: &[Member], all: &mut [Facts]) {
    let token = token();
    let listening = join_all(members.iter().map(|member| {
        let wanted = ports(cluster, member.role, Role::ControlPlane);
        let token = &token;
        async move { member.gauge().listen(wanted, token, LISTENING).await.map_err(Absence::from) }
    }));
    for (facts, taken) in all.iter_mut().zip(listening.await) {
        facts.taken = taken;
    }
    let links = join_all(members.iter().enumerate().map(|(at, from)| {
        let (token, all) = (&token, &*all);
        async move {
            let others = members.iter().enumerate().filter(move |(other, _)| *other != at);
            join_all(others.map(|(other, to)| link(cluster, from, to, all.get(at), all.get(other), token)))
                .await
        }
    }));
    let links = links.await;
    for (facts, links) in all.iter_mut().zip(links) {
        facts.links = links.into_iter().collect();
    }
    rates(members, all, &token).await;
    if let Some((member, facts)) =
        members.iter().zip(all.iter_mut()).find(|(one, _)| one.role == Role::ControlPlane)
    {
        facts.neighbours = member.gauge().arp(addresses(cluster, member)).await.map_err(Absence::from);
        facts.resolvers = resolvers(cluster, member).await;
    }
}

/// What a node of one role must be reached at by one of another.
fn ports(cluster: &Cluster, at: Role, from: Role) -> Vec<Port> {
    let mut ports: Vec<Port> = NODE_SHARED.iter().chain(NETWORK).copied().collect();
    if at == Role::ControlPlane {
        ports.extend(CONTROL_PLANE_SHARED);
        if cluster.os().time == Time::Chrony {
            ports.extend(CLOCK);
        }
        if from == Role::ControlPlane {
            ports.extend(ETCD_SHARED);
        }
    }
    if !cluster.load_balancer().pools.is_empty() {
        ports.extend(BALANCER);
    }
    ports
}

async fn link(
    cluster: &Cluster,
    from: &Member,
    to: &Member,
    mine: Option<&Facts>,
    theirs: Option<&Facts>,
    token: &str,
) -> (String, Link) {
    let busy: Known<Vec<Port>> = theirs.map_or_else(|| Err(Absence::unasked()), |facts| facts.taken.clone());
    let tries = async {
        let busy = busy.clone()?;
        let wanted = ports(cluster, to.role, from.role).into_iter();
        // whoever has a UDP port does not answer us
        let wanted = wanted.filter(|port| port.proto == Proto::Tcp || !busy.contains(port));
        let mut tried = from.gauge().reach(to.address, wanted.collect(), token).await?;
        // who has it may listen on another address only: that port is told of by a check of its own
        tried.retain(|tried| !(busy.contains(&tried.port) && tried.reached == Reached::Refused));
        Ok(tried)
    };
    let pings = async {
        let mtu = mtu(from, mine).ok_or_else(|| Absence("the MTU is not known".to_owned()))?;
        let sizes = vec![SMALL, mtu.saturating_sub(VXLAN).max(SMALL), mtu.max(SMALL)];
        Ok(from.gauge().ping(to.address, sizes).await?)
    };
    let (ports, pings) = tokio::join!(tries, pings);
    (to.name.clone(), Link { ports, pings, rate: None })
}

/// MTU of the interface with the node's address.
fn mtu(member: &Member, facts: Option<&Facts>) -> Option<u32> {
    let facts = facts?;
    let name = &facts.interface(member.address).ok()??.name;
    match facts.sights.get(&format!("/sys/class/net/{name}/mtu"))? {
        sealift_node::Sight::File(bytes) => String::from_utf8_lossy(&bytes.0).trim().parse().ok(),
        _ => None,
    }
}

/// Each node from the one before it in the file: every cable is crossed both ways, and no two at once on small sites.
async fn rates(members: &[Member], all: &mut [Facts], token: &str) {
    if members.len() < 2 {
        return;
    }
    let at_once = if members.len() > 8 { AT_ONCE } else { 1 };
    let measured = futures::stream::iter(members.iter().enumerate()).map(|(at, from)| {
        let other = (at + members.len() - 1) % members.len();
        let to = &members[other];
        // one that listens there and is let through
        let open = all[at].links.get(&to.name).and_then(|link| {
            let tried = link.ports.as_ref().ok()?;
            Some(
                tried
                    .iter()
                    .find(|tried| tried.port.proto == Proto::Tcp && tried.reached == Reached::Ours)?
                    .port,
            )
        });
        async move {
            let rate = match open {
                None => Err(Absence("no port of ours can be reached there".to_owned())),
                Some(port) => match from.gauge().rate(to.address, port.number, token).await {
                    Ok((bytes, micros)) => Ok(bytes.saturating_mul(8_000_000) / micros.max(1)),
                    Err(error) => Err(Absence::from(error)),
                },
            };
            (at, to.name.clone(), rate)
        }
    });
    let measured: Vec<_> = measured.buffer_unordered(at_once).collect().await;
    for (at, to, rate) in measured {
        if let Some(link) = all[at].links.get_mut(&to) {
            link.rate = Some(rate);
        }
    }
}

/// Addresses that must be free, and those that must be one machine's only.
fn addresses(cluster: &Cluster, asks: &Member) -> Vec<IpAddr> {
    let endpoint = cluster.control_plane();
    let mut all: Vec<IpAddr> = endpoint.is_virtual.then_some(endpoint.address).into_iter().collect();
    let others =
        cluster.nodes().iter().map(|node| node.ssh.address).filter(|address| *address != asks.address);
    all.extend(others);
    for range in cluster.load_balancer().pools.iter().flat_map(|pool| &pool.addresses) {
        if let (IpAddr::V4(first), IpAddr::V4(last)) = (range.first(), range.last()) {
            let bits = first.to_bits()..=last.to_bits();
            all.extend(bits.take(MOST).map(|bits| IpAddr::V4(bits.into())));
        } else {
            all.push(range.first());
        }
    }
    all.truncate(MOST);
    all
}

async fn resolvers(cluster: &Cluster, member: &Member) -> Known<Vec<(String, bool)>> {
    let mut answers = vec![];
    for upstream in &cluster.dns().upstreams {
        let at = std::net::SocketAddr::new(*upstream, 53).to_string();
        answers.push((upstream.to_string(), member.gauge().reachable(&at).await?));
    }
    Ok(answers)
}

/// What listeners and those who try them know, and nobody else.
fn token() -> String {
    (0..16).fold(String::new(), |mut text, _| {
        // writing to a String cannot fail
        let _ = write!(text, "{:02x}", rand::random::<u8>());
        text
    })
}
