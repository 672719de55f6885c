//! What differs between two cluster files of one site, and what becomes of each difference.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::Cluster;
use crate::catalogue::{Effect, FieldDoc, field};

/// One field that is not as it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The field, with nodes and pools by name: `spec.nodes[cp1].role`.
    pub path: String,
    /// What it was; `None` when it was not there.
    pub before: Option<Value>,
    /// What it is now; `None` when it was taken away.
    pub after: Option<Value>,
    /// What becomes of it.
    pub effect: Effect,
}

impl Difference {
    /// Why the new value cannot be taken, and what to do instead.
    pub fn refusal(&self) -> Option<(&'static str, &'static str)> {
        match self.effect {
            Effect::Refused { why, instead } => Some((why, instead)),
            _ => None,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} -> {}", self.path, shown(self.before.as_ref()), shown(self.after.as_ref()))
    }
}

/// A value as a person reads it: what YAML would need quotes for has none.
fn shown(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(|item| shown(Some(item))).collect();
            format!("[{}]", items.join(", "))
        }
        // a whole node or pool: its name is in the path already
        Some(Value::Object(_)) => "there".to_owned(),
        Some(other) => other.to_string(),
    }
}

impl Cluster {
    /// What this file says otherwise than the one that was installed, in the order of the paths. Files that
    /// mean the same do not differ, however they are written.
    pub fn differences(&self, installed: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        let way = Way { path: String::new(), known: String::new(), field: None };
        compare(&way, Some(&installed.as_written()), Some(&self.as_written()), &mut found);
        found
    }

    /// The normal form under the names that the file has, without what sealift derives from other fields.
    fn as_written(&self) -> Value {
        // the API's address is either a field of its own or that of a node, which is compared there
        let virtual_address = self.control_plane().is_virtual.then_some(self.control_plane().address);
        let network = self.network();
        json!({
            "metadata": {"name": value(self.name())},
            "spec": {
                "controlPlane": {"address": value(&virtual_address)},
                "network": {
                    "podSubnet": value(&network.pod_subnet),
                    "serviceSubnet": value(&network.service_subnet),
                    "clusterDomain": value(&network.cluster_domain),
                },
                "dns": value(self.dns()),
                "loadBalancer": value(self.load_balancer()),
                "nodes": value(self.nodes()),
                "os": value(self.os()),
                "containerd": value(self.containerd()),
                "preflight": value(self.preflight()),
                "kubernetes": value(self.kubernetes()),
            }
        })
    }
}

/// A part of the normal form. Its types are texts, numbers, lists and maps with texts as keys, for which
/// serialising cannot fail.
fn value<T: Serialize + ?Sized>(part: &T) -> Value {
    serde_json::to_value(part).unwrap_or_default()
}

/// Where a comparison is.
struct Way {
    /// With nodes and pools by name.
    path: String,
    /// As the catalogue calls it.
    known: String,
    /// The field this is, or is a part of.
    field: Option<&'static FieldDoc>,
}

impl Way {
    fn key(&self, name: &str) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        self.down(format!("{}{dot}{name}", self.path), format!("{}{dot}{name}", self.known))
    }

    fn item(&self, name: &str) -> Self {
        self.down(format!("{}[{name}]", self.path), format!("{}[]", self.known))
    }

    fn down(&self, path: String, known: String) -> Self {
        let field = field(&known).or(self.field);
        Self { path, known, field }
    }
}

fn compare(way: &Way, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Difference>) {
    let (before, after) = (before.filter(|value| !value.is_null()), after.filter(|value| !value.is_null()));
    if before == after {
        return;
    }
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            for name in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
                compare(&way.key(name), old.get(name), new.get(name), found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if named(old) && named(new) => {
            let names = old.iter().chain(new).filter_map(name_of).collect::<BTreeSet<_>>();
            for name in names {
                let of = |items: &'_ [Value]| items.iter().find(|item| name_of(item) == Some(name)).cloned();
                compare(&way.item(name), of(old).as_ref(), of(new).as_ref(), found);
            }
        }
        _ => {
            let effect = way
                .field
                .map_or(Effect::Applied, |field| if after.is_none() { field.removed } else { field.changed });
            found.push(Difference {
                path: way.path.clone(),
                before: before.cloned(),
                after: after.cloned(),
                effect,
            });
        }
    }
}

fn name_of(item: &Value) -> Option<&str> {
    item.as_object().and_then(|map: &Map<String, Value>| map.get("name")).and_then(Value::as_str)
}

/// Whether this is a list of nodes or pools. An empty one may be one.
fn named(items: &[Value]) -> bool {
    items.iter().all(|item| name_of(item).is_some())
}

#[cfg(test)]
mod tests {
    use super::Effect;
    use crate::Cluster;
    use crate::tests::RIGHT;

    fn parse(text: &str) -> Cluster {
        Cluster::parse(text, "c.yaml", None).unwrap_or_else(|problems| panic!("{problems}"))
    }

    /// Differences after one replacement, as texts with a mark for what is refused.
    fn after(piece: &str, replacement: &str) -> Vec<String> {
        assert!(RIGHT.contains(piece), "{piece:?} is not in the file");
        let mark = |effect| match effect {
            Effect::Applied => "applied",
            Effect::Free => "free",
            Effect::Partly { .. } => "partly",
            Effect::Refused { .. } => "refused",
        };
        let found = parse(&RIGHT.replacen(piece, replacement, 1)).differences(&parse(RIGHT));
        found.iter().map(|difference| format!("{} {difference}", mark(difference.effect))).collect()
    }

    const WORKER: &str =
        "    - {name: gpu1, role: worker, gpu: auto, ssh: {address: 10.77.0.21, port: 2222}}\n";

    #[test]
    fn each_difference_says_what_becomes_of_it() {
        for (piece, replacement, said) in [
            ("plant-7", "plant-8", "refused metadata.name: plant-7 -> plant-8"),
            (
                "10.244.0.0/16",
                "10.245.0.0/16",
                "refused spec.network.podSubnet: 10.244.0.0/16 -> 10.245.0.0/16",
            ),
            (
                "10.96.0.0/16",
                "10.97.0.0/16",
                "refused spec.network.serviceSubnet: 10.96.0.0/16 -> 10.97.0.0/16",
            ),
            ("upstreams: [10.77.0.5]", "upstreams: []", "applied spec.dns.upstreams: [10.77.0.5] -> []"),
            (
                "registry.plant.local: 10.77.0.5",
                "",
                "applied spec.dns.hosts.registry.plant.local: 10.77.0.5 -> nothing",
            ),
            (
                "- {name: default, addresses: [10.77.0.240-10.77.0.250]}",
                "[]",
                "partly spec.loadBalancer.pools[default]: there -> nothing",
            ),
            (
                "10.77.0.250]",
                "10.77.0.251]",
                "applied spec.loadBalancer.pools[default].addresses: [10.77.0.240-10.77.0.250] -> [10.77.0.240-10.77.0.251]",
            ),
            ("swap: off", "swap: ignore", "refused spec.os.swap: off -> ignore"),
            ("gpu: auto", "gpu: none", "applied spec.nodes[gpu1].gpu: auto -> none"),
            ("10.77.0.21", "10.77.0.22", "refused spec.nodes[gpu1].ssh.address: 10.77.0.21 -> 10.77.0.22"),
            ("port: 2222", "port: 2200", "free spec.nodes[gpu1].ssh.port: 2222 -> 2200"),
            (
                "port: 2222",
                "port: 2222, jump: [{address: 10.9.0.1}]",
                "free spec.nodes[gpu1].ssh.jump: nothing -> [there]",
            ),
            (WORKER, "", "refused spec.nodes[gpu1]: there -> nothing"),
            (
                "gateway: 10.77.0.1",
                "gateway: 10.77.0.2",
                "applied spec.nodes[cp1].network.gateway: 10.77.0.1 -> 10.77.0.2",
            ),
            (
                "  os: {swap: off}",
                "  kubernetes: {kubelet: {maxPods: 200}}",
                "refused spec.kubernetes.kubelet.maxPods: nothing -> 200",
            ),
            (
                "  os: {swap: off}",
                "  kubernetes: {kubeProxy: {mode: nftables}}",
                "applied spec.kubernetes.kubeProxy.mode: nothing -> nftables",
            ),
        ] {
            assert_eq!(after(piece, replacement), [said]);
        }
    }

    #[test]
    fn a_cluster_goes_from_its_first_server_to_a_laptop_but_keeps_its_addresses() {
        let found = after("ssh: {address: 10.77.0.11}", "ssh: local\n      address: 10.77.0.11");
        assert!(found.contains(&"free spec.nodes[cp1].ssh.local: nothing -> true".to_owned()), "{found:?}");
        assert!(found.iter().all(|difference| difference.starts_with("free ")), "{found:?}");
        let found = after("ssh: {address: 10.77.0.11}", "ssh: local\n      address: 10.77.0.12");
        let moved = "refused spec.nodes[cp1].ssh.address: 10.77.0.11 -> 10.77.0.12";
        assert!(found.contains(&moved.to_owned()), "{found:?}");
    }

    #[test]
    fn a_node_that_is_renamed_left_and_another_came() {
        let found = after("name: gpu1", "name: gpu2");
        assert_eq!(
            found,
            ["refused spec.nodes[gpu1]: there -> nothing", "applied spec.nodes[gpu2]: nothing -> there"]
        );
    }

    #[test]
    fn files_that_mean_the_same_do_not_differ() {
        for (piece, replacement) in [
            ("  controlPlane: {address: 10.77.0.11}\n", ""),
            ("  network: {podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/16}\n", ""),
            ("  os: {swap: off}\n", ""),
            ("52:54:00:00:00:11", "52-54-00-00-00-11"),
            ("10.77.0.240-10.77.0.250", "10.77.0.240 - 10.77.0.250"),
            (
                "gpu: auto, ssh: {address: 10.77.0.21, port: 2222}",
                "ssh: {port: 2222, address: 10.77.0.21}, gpu: auto",
            ),
        ] {
            assert_eq!(after(piece, replacement), [""; 0]);
        }
        let swapped = RIGHT.replace(WORKER, "").replace("  nodes:\n", &format!("  nodes:\n{WORKER}"));
        assert_eq!(parse(&swapped).differences(&parse(RIGHT)), [], "the order of nodes means nothing");
    }
}
