//! What is asked of a node before its network is changed.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use sealift_cluster::{AddressRange, Role};
use sealift_node::{PathKind, Probe};

use super::{Seen, SeenFile, files};
use crate::network::live::Live;
use crate::network::networkd::Says;
use crate::network::{
    Link, Nic, Renderer, Written, features, ifupdown, manager, netplan, networkd, owner, resolv, resolve,
};
use crate::{Ctx, StepError};

const LIMIT: u64 = 1 << 20;

/// cloud-init writes the network anew at every boot, unless this says otherwise.
const CLOUD: &str = "/etc/cloud";
const CLOUD_OFF: &str = "/etc/cloud/cloud.cfg.d/99-sealift-network.cfg";
const CLOUD_TEXT: &str =
    "# written by sealift: the addresses are in the cluster file\nnetwork: {config: disabled}\n";

/// Most addresses that are asked for on the wire: a /20 of pools.
const MOST: usize = 4096;

/// Everything, on a node whose network is wanted; what cannot be had is refused here, before anything is touched.
pub(super) async fn look(probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<Option<Seen>, StepError> {
    let Some((node, network)) = ctx.node().and_then(|node| Some((node, node.network.as_ref()?))) else {
        return Ok(None);
    };
    let now: Vec<IpAddr> = std::iter::once(node.ssh.address).chain(network.current).collect();
    let mut live = live(probe).await?;
    let links = resolve(network, &now, &live.facts)?;
    for device in links.iter().map(Link::device) {
        if let Some(text) = text(probe, &format!("/sys/class/net/{device}/mtu")).await? {
            live.mtu.extend(text.trim().parse().ok().map(|mtu| (device, mtu)));
        }
    }
    let (renderer, known) = renderer(probe, &live, &links, &now).await?;
    for feature in features(&links) {
        if !renderer.can(feature) {
            return Err(StepError::Refused {
                what: format!("network of {}", ctx.lane()),
                why: format!(
                    "{feature}: its network is managed by {renderer}, which this version cannot change"
                ),
                next: Some("set the addresses there, and leave `network` out of the cluster file".to_owned()),
            });
        }
    }
    let trial = probe.trial().await?;
    let (written, commands) = match renderer {
        Renderer::Netplan => {
            let files = files::of_netplan(probe, trial.as_ref()).await?;
            (netplan::render(&links, &files)?, netplan::commands())
        }
        Renderer::Networkd => {
            (networkd::render(&links, &files::of_networkd(probe, &known).await?), networkd::commands(&links))
        }
        Renderer::Ifupdown => ifupdown::render(&links, &files::of_ifupdown(probe).await?)?,
        Renderer::NetworkManager => manager::render(&links, &files::of_network_manager(probe, &known).await?),
    };
    let mut files = vec![];
    if probe.stat(CLOUD).await?.is_some() {
        let (lasting, volatile, text) = (CLOUD_OFF.to_owned(), String::new(), CLOUD_TEXT.to_owned());
        files.push(seen_file(probe, Written { lasting, volatile, text, mode: 0o644 }, true).await?);
    }
    for one in written {
        files.push(seen_file(probe, one, false).await?);
    }
    if renderer != Renderer::NetworkManager {
        files.extend(name_servers(probe, &links).await?);
    }
    Ok(Some(Seen { links, renderer, live, files, trial, commands }))
}

pub(super) async fn text(probe: &Probe<'_>, path: &str) -> Result<Option<String>, StepError> {
    Ok(probe.read_file(path, LIMIT).await?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// The kernel's view.
pub(super) async fn live(probe: &Probe<'_>) -> Result<Live, StepError> {
    let table = async |path: &str| Ok::<_, StepError>(text(probe, path).await?.unwrap_or_default());
    Ok(Live {
        facts: probe.facts().await?,
        route: table("/proc/net/route").await?,
        ipv6_route: table("/proc/net/ipv6_route").await?,
        if_inet6: table("/proc/net/if_inet6").await?,
        mtu: BTreeMap::new(),
    })
}

/// What is said of a device below `/run`.
pub(super) struct Known {
    pub(super) networkd: Says,
    /// NetworkManager's file of it.
    pub(super) network_manager: Option<String>,
}

/// What manages the interface that has the node's address; the others must be its too, or nobody's.
async fn renderer(
    probe: &Probe<'_>,
    live: &Live,
    links: &[Link],
    now: &[IpAddr],
) -> Result<(Renderer, BTreeMap<String, Known>), StepError> {
    let has = |one: &sealift_node::Interface| {
        one.addresses.iter().any(|own| now.iter().any(|now| own.split('/').next() == Some(&now.to_string())))
    };
    let main = live.facts.interfaces.iter().find(|one| has(one)).map(|one| one.name.as_str());
    let nics = links.iter().flat_map(|link| link.base.nics()).map(|nic: &Nic| nic.name.as_str());
    let ifstate = text(probe, "/run/network/ifstate").await?;
    let (mut found, mut all) = (None, BTreeMap::new());
    for device in main.into_iter().chain(nics) {
        if all.contains_key(device) {
            continue;
        }
        if probe.stat(&format!("/sys/class/net/{device}/bridge")).await?.is_some() {
            let why = "it is a bridge, which sealift does not change";
            return Err(StepError::refused(format!("network of {device}"), why));
        }
        let index = text(probe, &format!("/sys/class/net/{device}/ifindex")).await?.unwrap_or_default();
        let index = index.trim();
        let says = text(probe, &format!("/run/systemd/netif/links/{index}")).await?;
        let says = says.map(|text| Says::parse(&text)).unwrap_or_default();
        let manager = text(probe, &format!("/run/NetworkManager/devices/{index}")).await?;
        let owner = owner(&says, manager.as_deref(), ifstate.as_deref(), device);
        all.insert(device.to_owned(), Known { networkd: says, network_manager: manager });
        match (found, owner) {
            (None, owner) => found = owner,
            (Some(one), Some(other)) if one != other => {
                let why = format!("it is managed by {other}, the node's other interfaces by {one}");
                return Err(StepError::refused(format!("network of {device}"), why));
            }
            _ => {}
        }
    }
    let found = found.ok_or_else(|| StepError::Refused {
        what: format!("network of {}", main.unwrap_or("the node")),
        why: "neither netplan, systemd-networkd, NetworkManager nor ifupdown says that it manages it"
            .to_owned(),
        next: Some("set the addresses there, and leave `network` out of the cluster file".to_owned()),
    })?;
    Ok((found, all))
}

/// Where systemd-resolved does not look after it, the file says the name servers.
async fn name_servers(probe: &Probe<'_>, links: &[Link]) -> Result<Option<SeenFile>, StepError> {
    let Some(servers) = links.first().map(|link| &link.nameservers).filter(|servers| !servers.is_empty())
    else {
        return Ok(None);
    };
    let stat = probe.stat(resolv::PATH).await?;
    if stat.as_ref().is_some_and(|stat| stat.kind == PathKind::Link) {
        let target = probe.read_link(resolv::PATH).await?.unwrap_or_default();
        if target.contains("systemd/resolve") {
            return Ok(None);
        }
        let why = format!("it is a link to {target}: another program writes it");
        return Err(StepError::Refused {
            what: resolv::PATH.to_owned(),
            why,
            next: Some("set the name servers there, and leave `nameservers` out".to_owned()),
        });
    }
    let before = text(probe, resolv::PATH).await?.unwrap_or_default();
    let text = resolv::with_servers(&before, servers);
    let lasting = resolv::PATH.to_owned();
    let written = Written { lasting, volatile: String::new(), text, mode: 0o644 };
    seen_file(probe, written, true).await.map(Some)
}

async fn seen_file(probe: &Probe<'_>, written: Written, only_lasting: bool) -> Result<SeenFile, StepError> {
    let stat = probe.stat(&written.lasting).await?;
    let now = text(probe, &written.lasting).await?;
    let differs = match (stat, now) {
        (Some(stat), Some(now)) if now == written.text => {
            let mode = stat.mode & 0o777;
            (mode != written.mode).then(|| format!("mode {mode:04o}"))
        }
        (Some(_), _) => Some("another content".to_owned()),
        (None, _) => Some("absent".to_owned()),
    };
    Ok(SeenFile { written, only_lasting, differs })
}

/// Whether another machine has an address that this node is to get, or that services are to get: asked on the wire,
/// for what is not there is not yet anybody's.
pub(super) async fn clashes(probe: &Probe<'_>, ctx: &Ctx<'_>, seen: &Seen) -> Result<(), StepError> {
    for link in &seen.links {
        // a VLAN that is not there yet cannot be asked on
        let device = link.device();
        let asked_on = if seen.live.facts.interfaces.iter().any(|one| one.name == device) {
            device
        } else if link.vlan.is_none() {
            link.base.nics().first().map_or(device, |nic| nic.name.clone())
        } else {
            continue;
        };
        let mut wanted: Vec<Ipv4Addr> = new_addresses(link, &seen.live);
        if seen.links.first() == Some(link) && first_time(probe, ctx).await? {
            let own = |address: &Ipv4Addr| {
                link.addresses.iter().any(|one| one.network().contains(IpAddr::V4(*address)))
            };
            wanted.extend(of_the_site(ctx).into_iter().filter(own));
        }
        if wanted.is_empty() {
            continue;
        }
        match probe.holders(&asked_on, wanted).await {
            Ok(holders) => {
                if let Some(holder) = holders.first() {
                    let why = format!("{} answers for it on {asked_on}: another machine has it", holder.mac);
                    return Err(StepError::Refused {
                        what: holder.address.to_string(),
                        why,
                        next: Some("write a free address, or take that machine off the network".to_owned()),
                    });
                }
            }
            Err(error) if error.is_transient() => return Err(error.into()),
            // an interface that is down has nobody to ask
            Err(error) => ctx.note(format!("whether addresses are free could not be asked: {error}")),
        }
    }
    Ok(())
}

fn new_addresses(link: &Link, live: &Live) -> Vec<Ipv4Addr> {
    let has = |address: IpAddr| crate::network::holder(address, &live.facts).is_some();
    let wanted = link.addresses.iter().map(sealift_cluster::InterfaceAddress::address);
    wanted.filter(|address| !has(*address)).filter_map(v4).collect()
}

/// Before there is a cluster nobody may have the addresses of services; afterwards they are rightly answered for.
async fn first_time(probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<bool, StepError> {
    let first = ctx.node().is_some_and(|node| {
        node.role == Role::ControlPlane && node.name == ctx.cluster().first_control_plane().name
    });
    Ok(first && probe.stat("/etc/kubernetes/admin.conf").await?.is_none())
}

/// The virtual address and those of all pools.
fn of_the_site(ctx: &Ctx<'_>) -> Vec<Ipv4Addr> {
    let plane = ctx.cluster().control_plane();
    let virtual_address = plane.is_virtual.then_some(plane.address).and_then(v4);
    let pools = ctx.cluster().load_balancer().pools.iter().flat_map(|pool| &pool.addresses);
    virtual_address.into_iter().chain(pools.flat_map(all_of)).take(MOST).collect()
}

fn all_of(range: &AddressRange) -> impl Iterator<Item = Ipv4Addr> + use<> {
    let ends = v4(range.first()).zip(v4(range.last()));
    ends.into_iter().flat_map(|(first, last)| (first.to_bits()..=last.to_bits()).map(Ipv4Addr::from_bits))
}

fn v4(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(v4) => Some(v4),
        IpAddr::V6(_) => None,
    }
}
