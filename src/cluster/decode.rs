//! From the tree to a draft: each value typed on its own, all problems gathered; nothing compared yet.

mod interface;
mod jump;
mod login;
mod network;
mod node;
mod settings;

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::cidr::Cidr;
use crate::fields::{Field, Fields};
use crate::model::{Containerd, Kubernetes, Os, Preflight};
use crate::name::{DomainName, Label};
use crate::plain::quoted;
use crate::range::AddressRange;
use crate::sink::{Placed, Sink};
use crate::suggest::nearest;
use crate::tree::{At, Node, Value};
use crate::wrong::Wrong;

pub use login::reachable;
pub(crate) use login::{key_path, user_name};
pub(crate) use network::{BOND_MODES, LinkDraft, NetworkDraft};
pub(crate) use node::{NodeDraft, SshDraft};

const API_VERSION: &str = "sealift.dev/v1";

/// A pool as typed.
#[derive(Debug)]
pub(crate) struct PoolDraft {
    pub(crate) name: Option<Placed<Label>>,
    pub(crate) addresses: Vec<Placed<AddressRange>>,
}

/// The file as typed: absent and unusable values are `None`.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) at: At,
    pub(crate) name: Option<Placed<Label>>,
    pub(crate) control_plane: Option<Placed<IpAddr>>,
    pub(crate) pod_subnet: Option<Placed<Cidr>>,
    pub(crate) service_subnet: Option<Placed<Cidr>>,
    pub(crate) cluster_domain: Option<Placed<DomainName>>,
    pub(crate) upstreams: Vec<Placed<IpAddr>>,
    pub(crate) hosts: BTreeMap<DomainName, Placed<IpAddr>>,
    pub(crate) pools: Vec<PoolDraft>,
    pub(crate) nodes: Vec<NodeDraft>,
    pub(crate) os: Os,
    pub(crate) time_servers: Vec<Placed<IpAddr>>,
    pub(crate) containerd: Containerd,
    pub(crate) kubernetes: Kubernetes,
    pub(crate) preflight: Preflight,
}

/// Decodes the whole file.
pub(crate) fn site(root: &Node, sink: &mut Sink<'_>) -> Option<Draft> {
    let field = Field { node: root, path: String::new() };
    let mut top = field.map(sink)?;
    exactly(&mut top, sink, "apiVersion", API_VERSION);
    exactly(&mut top, sink, "kind", "Cluster");
    let name = top.need("metadata").and_then(|field| {
        let mut metadata = field.map(sink)?;
        let name = metadata.need("name").and_then(|name| name.parse(sink));
        metadata.finish(sink);
        name
    });
    let spec = top.need("spec").and_then(|field| field.map(sink));
    top.finish(sink);
    let mut spec = spec?;
    let draft = spec_of(root.at, name, &mut spec, sink);
    spec.finish(sink);
    Some(draft)
}

/// `apiVersion` and `kind`: a file of another program is told as that, once.
fn exactly(top: &mut Fields<'_>, sink: &mut Sink<'_>, name: &'static str, want: &str) {
    let Some(field) = top.need(name) else { return };
    field.parse_with(sink, |text| {
        if text == want {
            return Ok(());
        }
        let hint = match (nearest(text, &[want]), text) {
            (Some(near), _) => format!("did you mean {near:?}?"),
            (None, "Recipe") => {
                "a recipe goes to `sealift pack`; `sealift init` writes a cluster file".to_owned()
            }
            (None, _) => format!("this sealift reads {want:?} only; `sealift init` writes such a file"),
        };
        Err(Wrong::new(format!("unknown value {}", quoted(text))).hint(hint))
    });
}

fn spec_of(at: At, name: Option<Placed<Label>>, spec: &mut Fields<'_>, sink: &mut Sink<'_>) -> Draft {
    let control_plane = spec.take("controlPlane").and_then(|field| {
        let mut map = field.map(sink)?;
        let address = map.take("address").and_then(|address| address.parse_with(sink, reachable));
        map.finish(sink);
        address
    });
    let (mut pod_subnet, mut service_subnet, mut cluster_domain) = (None, None, None);
    if let Some(mut map) = spec.take("network").and_then(|field| field.map(sink)) {
        pod_subnet = map.take("podSubnet").and_then(|field| field.parse(sink));
        service_subnet = map.take("serviceSubnet").and_then(|field| field.parse(sink));
        cluster_domain = map.take("clusterDomain").and_then(|field| field.parse(sink));
        map.finish(sink);
    }
    let (mut upstreams, mut hosts) = (Vec::new(), BTreeMap::new());
    if let Some(mut map) = spec.take("dns").and_then(|field| field.map(sink)) {
        upstreams = map.take("upstreams").map(|field| addresses(&field, sink)).unwrap_or_default();
        hosts = map.take("hosts").map(|field| host_names(&field, sink)).unwrap_or_default();
        map.finish(sink);
    }
    let mut pools = Vec::new();
    if let Some(mut map) = spec.take("loadBalancer").and_then(|field| field.map(sink)) {
        let items = map.take("pools").map(|field| field.list(sink)).unwrap_or_default();
        pools = items.iter().filter_map(|item| pool(item, sink)).collect();
        map.finish(sink);
    }
    let defaults = spec.take("ssh").and_then(|field| node::ssh_defaults(&field, sink)).unwrap_or_default();
    let nodes = spec.need("nodes");
    let nodes = nodes.map(|field| {
        let items = field.list(sink);
        if items.is_empty() && matches!(field.node.value, Value::List(_)) {
            let wrong = Wrong::new("the list is empty");
            field.wrong(sink, wrong.hint("a cluster is at least one server, a control plane"));
        }
        items
    });
    let nodes = nodes.unwrap_or_default();
    let nodes = nodes.iter().filter_map(|item| node::node(item, &defaults, sink)).collect();
    let (os, time_servers) = settings::os(spec, sink);
    let (containerd, kubernetes) = settings::settings(spec, sink);
    let preflight = settings::preflight(spec, sink);
    Draft {
        at,
        name,
        control_plane,
        pod_subnet,
        service_subnet,
        cluster_domain,
        upstreams,
        hosts,
        pools,
        nodes,
        os,
        time_servers,
        containerd,
        kubernetes,
        preflight,
    }
}

fn addresses(field: &Field<'_>, sink: &mut Sink<'_>) -> Vec<Placed<IpAddr>> {
    field.list(sink).iter().filter_map(|item| item.address(sink)).collect()
}

fn host_names(field: &Field<'_>, sink: &mut Sink<'_>) -> BTreeMap<DomainName, Placed<IpAddr>> {
    let mut hosts = BTreeMap::new();
    for (key, value) in field.pairs(sink) {
        let name = key.name.parse().map_err(|wrong| sink.add(key.at, &value.path, wrong)).ok();
        let address = value.address(sink);
        hosts.extend(name.zip(address));
    }
    hosts
}

fn pool(item: &Field<'_>, sink: &mut Sink<'_>) -> Option<PoolDraft> {
    let mut map = item.map(sink)?;
    let name = map.need("name").and_then(|field| field.parse(sink));
    let ranges = map.need("addresses");
    let ranges = ranges.map(|field| (field.list(sink), field));
    if let Some((items, field)) = &ranges
        && items.is_empty()
        && matches!(field.node.value, Value::List(_))
    {
        field
            .wrong(sink, Wrong::new("the pool has no addresses").hint("write a range, or take the pool out"));
    }
    let addresses = ranges.map(|(items, _)| items).unwrap_or_default();
    let addresses = addresses.iter().filter_map(|item| item.parse(sink)).collect();
    map.finish(sink);
    Some(PoolDraft { name, addresses })
}
