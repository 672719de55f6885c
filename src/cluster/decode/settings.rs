//! Settings of the operating system, containerd and Kubernetes.

use serde_json::{Map, Value as Json};

use crate::fields::{Field, Fields, Sink};
use crate::model::{Containerd, Kubernetes, Os, Swap};
use crate::tree::{Node, Value};
use crate::wrong::Wrong;

/// `spec.os`, `spec.containerd` and `spec.kubernetes`, each with its defaults.
pub(crate) fn settings(spec: &mut Fields<'_>, sink: &mut Sink) -> (Os, Containerd, Kubernetes) {
    let mut os = Os { swap: Swap::Off };
    if let Some(mut map) = spec.take("os").and_then(|field| field.map(sink)) {
        let swaps = [("off", Swap::Off), ("ignore", Swap::Ignore)];
        let swap = map.take("swap").and_then(|field| field.choice(sink, &swaps));
        os.swap = swap.map_or(Swap::Off, |swap| swap.value);
        map.finish(sink);
    }
    let mut containerd = Containerd { restrict_oom_score_adj: false, systemd_cgroup: true };
    if let Some(mut map) = spec.take("containerd").and_then(|field| field.map(sink)) {
        let restrict = map.take("restrictOomScoreAdj").and_then(|field| field.boolean(sink));
        containerd.restrict_oom_score_adj = restrict.unwrap_or(false);
        containerd.systemd_cgroup =
            map.take("systemdCgroup").and_then(|field| field.boolean(sink)).unwrap_or(true);
        map.finish(sink);
    }
    let mut kubernetes = Kubernetes { ignore_preflight: vec![], kubelet: Map::new(), kube_proxy: Map::new() };
    if let Some(mut map) = spec.take("kubernetes").and_then(|field| field.map(sink)) {
        let checks = map.take("ignorePreflight").map(|field| field.list(sink)).unwrap_or_default();
        kubernetes.ignore_preflight =
            checks.iter().filter_map(|check| preflight_check(check, sink)).collect();
        kubernetes.kubelet = map.take("kubelet").map(|field| free(&field, sink)).unwrap_or_default();
        kubernetes.kube_proxy = map.take("kubeProxy").map(|field| free(&field, sink)).unwrap_or_default();
        map.finish(sink);
    }
    (os, containerd, kubernetes)
}

/// The name of a kubeadm check; it becomes an argument, so its characters are limited.
fn preflight_check(field: &Field<'_>, sink: &mut Sink) -> Option<String> {
    let text = field.text(sink)?;
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
        return Some(text.to_owned());
    }
    let wrong =
        Wrong::new(format!("{text:?} is not the name of a kubeadm check")).hint("like SystemVerification");
    sink.add(field.at(), &field.path, wrong);
    None
}

/// A map that Kubernetes understands and sealift only passes on.
fn free(field: &Field<'_>, sink: &mut Sink) -> Map<String, Json> {
    let mut map = Map::new();
    for (key, value) in field.pairs(sink) {
        if matches!(key.name.as_str(), "apiVersion" | "kind") {
            sink.add(key.at, &value.path, Wrong::new("is set by sealift").hint("leave it out"));
        }
        map.insert(key.name.clone(), json(value.node));
    }
    map.sort_keys();
    map
}

fn json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(yes) => Json::Bool(*yes),
        Value::Int(number) => Json::from(*number),
        Value::Float(number) => Json::from(*number),
        Value::Text(text) => Json::from(text.as_str()),
        Value::List(items) => Json::Array(items.iter().map(json).collect()),
        Value::Map(entries) => {
            let mut map: Map<String, Json> =
                entries.iter().map(|(key, node)| (key.name.clone(), json(node))).collect();
            map.sort_keys();
            Json::Object(map)
        }
    }
}
