//! Networks of the cluster against those of the site, and addresses that must be free.

use std::net::IpAddr;

use sealift_cluster::{AddressRange, Cidr};

use super::network::{all_routes, own_networks};
use crate::check::{
    Check, Class, Scope,
    Severity::{Refuse, Warn},
};
use crate::facts::Absence;
use crate::site::Site;
use crate::view::{Judged, View, not_here};

pub(super) const CHECKS: &[Check] = &[
    overlap("cidr-pods", |view| clash(view, view.cluster.network().pod_subnet))
        .says(
            "the node has a way to addresses that pods would have: one of both is not reached",
            "choose another spec.network.podSubnet, before the install",
        )
        .by("spec.network.podSubnet"),
    overlap("cidr-services", |view| clash(view, view.cluster.network().service_subnet))
        .says(
            "the node has a way to addresses that services would have: one of both is not reached",
            "choose another spec.network.serviceSubnet, before the install",
        )
        .by("spec.network.serviceSubnet"),
    Check::site("pool-network", Warn, |site| {
        pools(site)?;
        let (nets, absent) = site.each(own_networks);
        let mut found = vec![];
        for range in ranges(site) {
            let inside = nets
                .iter()
                .flat_map(|(_, nets)| nets)
                .any(|net| net.contains(range.first()) && net.contains(range.last()));
            if !inside && !nets.is_empty() {
                found.push(format!("{range} is in no network of the nodes"));
            }
        }
        Site::found(found, absent)
    })
    .says(
        "MetalLB announces addresses by ARP, which does not leave the nodes' network",
        "take addresses of the nodes' network, or route the range to them",
    )
    .by("spec.loadBalancer.pools"),
    Check::site("pool-gateway", Refuse, |site| {
        pools(site)?;
        held(
            site,
            |view| Ok(all_routes(view)?.into_iter().filter_map(|route| route.gateway).collect()),
            "the gateway of",
        )
    })
    .says(
        "a service would take the gateway's address, and all nodes lose their way out",
        "take it out of the pool",
    )
    .by("spec.loadBalancer.pools"),
    Check::site("pool-node", Refuse, |site| {
        pools(site)?;
        if site.views().any(|view| view.ours().unwrap_or(false)) {
            return not_here("the cluster itself may have it");
        }
        held(
            site,
            |view| {
                let all = view.machine()?.interfaces.iter().flat_map(|one| &one.addresses);
                Ok(all.filter_map(|text| text.split('/').next()?.parse().ok()).collect())
            },
            "on an interface of",
        )
    })
    .says(
        "the address is in use: a service that gets it is reached now and then",
        "take it out of the pool, or off the interface",
    )
    .by("spec.loadBalancer.pools"),
    Check::site("address-pool-taken", Refuse, |site| {
        pools(site)?;
        let found = answered(site, |address| ranges(site).any(|range| range.contains(address)))?;
        Site::found(found, not_all(site)?)
    })
    .says(
        "a machine answers for an address that a service would get",
        "find it by its MAC address; take its address out of the pool",
    )
    .by("spec.loadBalancer.pools")
    .measured(),
    Check::site("address-virtual-taken", Refuse, |site| {
        let endpoint = site.cluster.control_plane();
        if !endpoint.is_virtual {
            return not_here("the API has no address of its own");
        }
        answered(site, |address| address == endpoint.address)
    })
    .says(
        "a machine answers for the address that the API shall have",
        "find it by its MAC address, or take another address",
    )
    .by("spec.controlPlane.address")
    .measured(),
    Check::site("address-node-taken", Refuse, |site| {
        let mut found = vec![];
        for neighbour in site.measured(|facts| &facts.neighbours)? {
            let owner = site.views().find(|view| view.address() == neighbour.address);
            let Some(owner) = owner else { continue };
            // Linux answers with any of its cards for any of its addresses (arp_ignore, ip-sysctl)
            let cards = &owner.machine()?.interfaces;
            let others = neighbour.macs.iter().filter(|mac| !cards.iter().any(|card| card.mac == **mac));
            found.extend(
                others.map(|mac| format!("{} of {} is {mac}'s too", neighbour.address, owner.node.name)),
            );
        }
        Ok(found)
    })
    .says(
        "two machines have one address: every other connection ends at the wrong one",
        "find the other one by its MAC address and give it another address",
    )
    .measured(),
    Check::site("control-planes-even", Warn, |site| {
        let count = site.cluster.control_planes().count();
        crate::view::when(count % 2 == 0, || format!("there are {count} control planes"))
    })
    .says("an even number of them stands no more failures than one less", "one, three or five"),
];

const fn overlap(id: &'static str, judge: fn(&View<'_>) -> Judged) -> Check {
    let mut check = Check::node(id, Refuse, judge).on(Class::Untouched);
    check.scope = Scope::Site;
    check
}

fn clash(view: &View<'_>, net: Cidr) -> Judged {
    let mut found = vec![];
    for route in all_routes(view)? {
        if route.to.prefix() > 0 && route.to.overlaps(&net) {
            found.push(format!("{net} overlaps {}, which goes over {}", route.to, route.interface));
        }
    }
    for interface in &view.machine()?.interfaces {
        for text in &interface.addresses {
            let address: Option<IpAddr> = text.split('/').next().and_then(|text| text.parse().ok());
            if address.is_some_and(|address| net.contains(address)) && found.is_empty() {
                found.push(format!("{net} has {text} of {} in it", interface.name));
            }
        }
    }
    Ok(found)
}

fn pools(site: &Site<'_>) -> Result<(), crate::view::Miss> {
    if site.cluster.load_balancer().pools.is_empty() { not_here("there is no pool") } else { Ok(()) }
}

/// What the pools give out.
fn ranges<'a>(site: &'a Site<'_>) -> impl Iterator<Item = &'a AddressRange> {
    site.cluster.load_balancer().pools.iter().flat_map(|pool| &pool.addresses)
}

/// That the pools are larger than what was asked about.
fn not_all(site: &Site<'_>) -> Result<Option<Absence>, crate::view::Miss> {
    let neighbours = site.measured(|facts| &facts.neighbours)?.iter();
    let asked = neighbours.filter(|one| ranges(site).any(|range| range.contains(one.address))).count();
    let all = ranges(site).fold(0_u128, |all, range| all.saturating_add(range.count()));
    let why = format!("only {asked} of {all} addresses were asked about, and nobody answered there");
    Ok(((asked as u128) < all).then_some(Absence(why)))
}

/// Addresses of nodes that are in a pool.
fn held(
    site: &Site<'_>,
    of: impl Fn(&View<'_>) -> Result<Vec<IpAddr>, crate::view::Miss>,
    what: &str,
) -> Judged {
    let (all, absent) = site.each(of);
    let mut found = vec![];
    for (node, addresses) in all {
        for address in addresses {
            let pool = site
                .cluster
                .load_balancer()
                .pools
                .iter()
                .find(|pool| pool.addresses.iter().any(|range| range.contains(address)));
            if let Some(pool) = pool {
                found.push(format!("{address} of pool {} is {what} {node}", pool.name));
            }
        }
    }
    Site::found(found, absent)
}

/// Who answered for the wanted addresses.
fn answered(site: &Site<'_>, wanted: impl Fn(IpAddr) -> bool) -> Judged {
    if site.views().any(|view| view.ours().unwrap_or(false)) {
        return not_here("the cluster itself answers for it");
    }
    let all = site.measured(|facts| &facts.neighbours)?;
    let asked: Vec<_> = all.iter().filter(|one| wanted(one.address)).collect();
    let found: Vec<String> = asked
        .iter()
        .filter(|one| !one.macs.is_empty())
        .map(|one| format!("{} is {}'s", one.address, one.macs.join(" and ")))
        .collect();
    let unasked = asked.iter().find_map(|one| Some((one.address, one.unasked.as_ref()?)));
    match unasked {
        Some((address, why)) if found.is_empty() => {
            Err(crate::view::Miss::Unknown(format!("{address}: {why}")))
        }
        _ => Ok(found),
    }
}
