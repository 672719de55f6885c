//! Links between nodes, measured: ports, packets, rates.

use sealift_node::{Ping, Proto, Reached};

use super::network::VXLAN;
use crate::check::{
    Check,
    Severity::{Refuse, Warn},
};
use crate::facts::Link;
use crate::site::Site;
use crate::view::{Judged, Miss, known, not_here};

pub(super) const CHECKS: &[Check] = &[
    Check::between("ports-tcp", Refuse, |site| ports(site, Proto::Tcp))
        .says(
            "a firewall between the nodes, or on one, does not let the cluster's ports through",
            "let the nodes reach each other at these ports",
        )
        .measured(),
    Check::between("ports-udp", Refuse, |site| ports(site, Proto::Udp))
        .says(
            "packets between pods (8472), of MetalLB (7946) or of chrony (123) are dropped on the way",
            "let the nodes reach each other at these ports",
        )
        .measured(),
    Check::between("mtu-path", Refuse, |site| {
        links(site, |link| {
            let pings = sizes(link)?;
            let Some(largest) = pings.iter().map(|ping| ping.size).max() else { return Ok(None) };
            let lost = pings.iter().find(|ping| ping.size <= largest - VXLAN && ping.micros.is_none());
            Ok(lost.map(|ping| {
                format!("packets of {} bytes do not arrive, the interface allows {largest}", ping.size)
            }))
        })
    })
    .says(
        "longer packets vanish on the way and nobody is told (a black hole): connections stand still",
        "set the MTU of the interfaces to what the way allows, on all nodes",
    )
    .measured(),
    Check::between("mtu-vxlan", Refuse, |site| {
        links(site, |link| {
            let pings = sizes(link)?;
            let Some(largest) = pings.iter().map(|ping| ping.size).max() else { return Ok(None) };
            let lost = pings.iter().any(|ping| ping.size == largest && ping.micros.is_none());
            let others = pings.iter().all(|ping| ping.size == largest || ping.micros.is_some());
            Ok((lost && others).then(|| {
                format!(
                    "packets of {largest} bytes do not arrive, {} do: {VXLAN} are needed for VXLAN",
                    largest - VXLAN
                )
            }))
        })
    })
    .says(
        "packets between pods are 50 bytes longer than others, and are lost",
        "set the MTU of the interfaces 50 bytes lower, on all nodes",
    )
    .measured(),
    Check::between("latency", Warn, |site| {
        links(site, |link| {
            let fastest = sizes(link)?.iter().filter_map(|ping| ping.micros).min();
            Ok(fastest
                .filter(|micros| *micros > 10_000)
                .map(|micros| format!("an answer takes {} ms", micros / 1000)))
        })
    })
    .says("etcd keeps every write on most control planes before it answers", "put the nodes into one place")
    .measured(),
    Check::between("bandwidth", Warn, |site| {
        links(site, |link| {
            let Some(rate) = &link.rate else { return not_here("another link of it is measured") };
            let rate = *known(rate)?;
            Ok((rate < 100_000_000).then(|| format!("{} Mbit/s", rate / 1_000_000)))
        })
    })
    .says("images, volumes and backups take hours", "look at cable, switch and duplex")
    .measured(),
];

/// Sizes that were tried; none are known where even the smallest packet is not answered.
fn sizes(link: &Link) -> Result<&[Ping], Miss> {
    let pings = known(&link.pings)?;
    match pings.iter().min_by_key(|ping| ping.size) {
        Some(least) if least.micros.is_none() => {
            Err(Miss::Unknown("pings are not answered there".to_owned()))
        }
        _ => Ok(pings),
    }
}

/// What is found about each link.
fn links(site: &Site<'_>, judge: impl Fn(&Link) -> Result<Option<String>, Miss>) -> Judged {
    if site.cluster.nodes().len() < 2 {
        return not_here("there is only one node");
    }
    let (mut found, mut absent) = (vec![], None);
    for view in site.views() {
        let others = site.cluster.nodes().iter().filter(|other| other.name != view.node.name);
        for other in others {
            let judged = match view.facts.links.get(other.name.as_str()) {
                Some(link) => judge(link),
                None => Err(Miss::Unknown("it was not measured".to_owned())),
            };
            match judged {
                Ok(evidence) => {
                    found
                        .extend(evidence.map(|text| format!("{} to {}: {text}", view.node.name, other.name)));
                }
                Err(Miss::NotApplicable(_)) => {}
                Err(Miss::Unknown(why)) => {
                    absent.get_or_insert(crate::facts::Absence(format!(
                        "{} to {}: {why}",
                        view.node.name, other.name
                    )));
                }
            }
        }
    }
    if let Some((node, _)) = site.lost().next() {
        absent.get_or_insert(crate::facts::Absence(format!("{} was not reached", node.name)));
    }
    Site::found(found, absent)
}

fn ports(site: &Site<'_>, proto: Proto) -> Judged {
    links(site, |link| {
        let tried = known(&link.ports)?.iter().filter(|tried| tried.port.proto == proto);
        let shut: Vec<String> = tried
            .filter_map(|tried| {
                let how = match &tried.reached {
                    Reached::Ours | Reached::Other => return None,
                    Reached::Refused => "refused".to_owned(),
                    Reached::Silent => "no answer".to_owned(),
                    Reached::Failed(why) => why.clone(),
                };
                Some(format!("{} {how}", tried.port))
            })
            .collect();
        Ok((!shut.is_empty()).then(|| shut.join(", ")))
    })
}
