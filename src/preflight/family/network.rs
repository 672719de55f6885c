//! Addresses, interfaces and routes of a node.

use std::net::IpAddr;

use sealift_cluster::Interface as Wanted;

use crate::check::{
    Check,
    Severity::{Info, Refuse, Warn},
};
use crate::parse::net::{Route, routes, routes6};
use crate::site::Site;
use crate::view::{Miss, View, not_here, when};

/// VXLAN's header on every packet between pods of two nodes.
pub(crate) const VXLAN: u32 = 50;

pub(super) const CHECKS: &[Check] = &[
    Check::node("address-absent", Refuse, |view| {
        if view.node.network.is_some() {
            return not_here("install sets the node's addresses");
        }
        let found = view.facts.interface(view.address())?;
        when(found.is_none(), || format!("no interface has {}", view.address()))
    })
    .says("the node is reached at an address that it does not have itself (NAT), and would tell others a wrong one", "use the address that the server has, and reach it there"),
    Check::node("address-interface", Refuse, |view| {
        let Some(link) = view.node.network.as_ref().map(|network| &network.link) else {
            return not_here("the cluster file names no interface");
        };
        let (Some(wanted), None) = (&link.interface, link.vlan) else {
            return not_here("the address is on no interface of its own: a bond or a VLAN has it");
        };
        let Some(has) = view.facts.interface(view.address())? else {
            return not_here("install sets the node's addresses");
        };
        let same = match wanted {
            Wanted::Mac(mac) => has.mac == *mac,
            Wanted::Name(name) => has.name == *name,
        };
        when(!same, || format!("{} is on {} ({})", view.address(), has.name, has.mac))
    })
    .says("the address is on another interface than the cluster file says: cables or names are swapped", "swap them back, or mend `interface`")
    .by("spec.nodes[].network.interface"),
    Check::node("interface-down", Refuse, |view| {
        let has = view.interface()?;
        when(!has.running, || format!("{} has {} and no carrier", has.name, view.address()))
    })
    .says("the interface with the node's address has no link; you came in by another way", "look at cable and switch"),
    Check::node("addresses-several", Info, |view| {
        let machine = view.machine()?;
        let own = view.interface()?.name.clone();
        let other = machine.interfaces.iter().filter(|one| one.name != own && one.running && one.name != "lo");
        let global = |text: &&String| {
            text.split('/').next().and_then(|text| text.parse().ok()).is_some_and(|ip: IpAddr| match ip {
                IpAddr::V4(ip) => !ip.is_link_local() && !ip.is_loopback(),
                IpAddr::V6(ip) => !ip.is_unicast_link_local() && !ip.is_loopback(),
            })
        };
        let told = other.flat_map(|one| one.addresses.iter().filter(global).map(|ip| format!("{} has {ip}", one.name)));
        Ok(told.collect())
    })
    .says("the node has more than one way; Kubernetes is told to use the one in the cluster file", "nothing, if ssh.address is in the network that the cluster shall use"),
    Check::node("route-default", Refuse, |view| {
        if view.node.network.as_ref().is_some_and(|network| network.gateway.is_some()) {
            return not_here("install sets the node's gateway");
        }
        let all = all_routes(view)?;
        let has = all.iter().any(|route| route.to.prefix() == 0 && route.to.base().is_ipv4() == view.address().is_ipv4());
        when(!has, || "there is no default route".to_owned())
    })
    .says("programs on the node cannot reach service addresses: without any route the kernel does not even begin", "add a default route; where there is no router, one to any address of the network"),
    Check::node("routes-default-several", Warn, |view| {
        let all = all_routes(view)?;
        let v4: Vec<&Route> = all.iter().filter(|route| route.to.prefix() == 0 && route.to.base().is_ipv4()).collect();
        let best = v4.iter().map(|route| route.metric).min();
        let best: Vec<&&Route> = v4.iter().filter(|route| Some(route.metric) == best).collect();
        when(best.len() > 1, || {
            let ways: Vec<&str> = best.iter().map(|route| route.interface.as_str()).collect();
            format!("default routes with one metric over {}", ways.join(" and "))
        })
    })
    .says("answers leave by another way than questions came", "give all but one a higher metric"),
    Check::node("mtu-small", Refuse, |view| {
        let mtu = mtu(view)?;
        when(mtu < 1280 + VXLAN, || format!("its MTU is {mtu}"))
    })
    .says("less than 1280 bytes are left for pods, and IPv6 needs those", "set the MTU to 1500"),
    Check::between("mtu-mixed", Warn, |site| {
        let (all, absent) = site.each(mtu);
        let differ = all.iter().any(|(_, mtu)| Some(mtu) != all.first().map(|(_, first)| first));
        let told = all.iter().map(|(node, mtu)| format!("{node} {mtu}")).collect::<Vec<_>>().join(", ");
        Site::found(if differ { vec![format!("MTU: {told}")] } else { vec![] }, absent)
    })
    .says("the larger packets of one node do not reach the other", "set one MTU on all nodes and on the switch"),
    Check::node("link-slow", Warn, |view| {
        let Ok(Some(text)) = view.text(&format!("/sys/class/net/{}/speed", view.interface()?.name)) else {
            return not_here("the interface does not say");
        };
        let speed: i64 = text.trim().parse().unwrap_or(-1);
        when(speed > 0 && speed < 1000, || format!("the link has {speed} Mbit/s"))
    })
    .says("images take hours over it, and a cable or a switch is likely broken", "change the cable, the port, or the switch"),
    Check::node("link-half-duplex", Warn, |view| {
        let Ok(Some(text)) = view.text(&format!("/sys/class/net/{}/duplex", view.interface()?.name)) else {
            return not_here("the interface does not say");
        };
        when(text.trim() == "half", || "the link is half-duplex".to_owned())
    })
    .says("switch and card did not agree: packets are lost under load", "let both negotiate, or set both alike"),
    Check::node("address-leased", Warn, |view| {
        let address = view.address().to_string();
        let lease = |(name, text): (&str, String)| {
            let there = text.lines().any(|line| line.trim() == format!("ADDRESS={address}"));
            there.then(|| format!("/run/systemd/netif/leases/{name} has {address}"))
        };
        Ok(view.each_text("/run/systemd/netif/leases/", "")?.filter_map(lease).collect())
    })
    .says("the address comes from DHCP: when it changes, the node is lost", "give the server a static address"),
    Check::between("networks-differ", Warn, |site| {
        if site.cluster.load_balancer().pools.is_empty() && !site.cluster.control_plane().is_virtual {
            return not_here("no address is shared");
        }
        let (all, absent) = site.each(|view| Ok(own_networks(view)?.first().map(ToString::to_string)));
        let differ = all.iter().any(|(_, net)| Some(net) != all.first().map(|(_, first)| first));
        let told = all.iter().map(|(node, net)| format!("{node} {}", net.as_deref().unwrap_or("none")));
        let told = told.collect::<Vec<_>>().join(", ");
        Site::found(if differ { vec![format!("networks: {told}")] } else { vec![] }, absent)
    })
    .says("an address that moves between nodes works in one network only", "put the nodes into one network"),
];

pub(super) fn all_routes(view: &View<'_>) -> Result<Vec<Route>, Miss> {
    let mut all = routes(&view.needed("/proc/net/route")?);
    all.extend(routes6(&view.words("/proc/net/ipv6_route")?));
    Ok(all)
}

fn mtu(view: &View<'_>) -> Result<u32, Miss> {
    let name = &view.interface()?.name;
    let text = view.needed(&format!("/sys/class/net/{name}/mtu"))?;
    text.trim().parse().map_err(|_| Miss::Unknown(format!("MTU of {name}: {text:?}")))
}

/// The network that the node's address is in.
pub(super) fn own_networks(view: &View<'_>) -> Result<Vec<sealift_cluster::Cidr>, Miss> {
    let interface = view.interface()?;
    let address = view.address().to_string();
    let own = interface.addresses.iter().filter(|one| one.split('/').next() == Some(address.as_str()));
    Ok(own
        .filter_map(|one| one.parse::<sealift_cluster::InterfaceAddress>().ok())
        .map(|one| one.network())
        .collect())
}
