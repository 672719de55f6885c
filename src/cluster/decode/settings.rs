//! Settings of the operating system, containerd and Kubernetes.

use std::net::IpAddr;

use serde_json::{Map, Value as Json};

use super::reachable;
use crate::catalogue::{KUBE_PROXY, KUBELET, Ours};
use crate::fields::{Field, Fields};
use crate::model::{Containerd, Hostname, Kubernetes, Os, Preflight, Swap, Time};
use crate::plain::quoted;
use crate::sink::{Placed, Sink};
use crate::wrong::Wrong;

/// `spec.os` with its defaults, and the time servers, which belong into it.
pub(crate) fn os(spec: &mut Fields<'_>, sink: &mut Sink<'_>) -> (Os, Vec<Placed<IpAddr>>) {
    let mut os = Os { hostname: Hostname::Keep, swap: Swap::Off, time: Time::Keep, time_servers: vec![] };
    let mut servers = vec![];
    if let Some(mut map) = spec.take("os").and_then(|field| field.map(sink)) {
        let names = [("keep", Hostname::Keep), ("set", Hostname::Set)];
        let name = map.take("hostname").and_then(|field| field.choice(sink, &names));
        os.hostname = name.map_or(Hostname::Keep, |name| name.value);
        let swaps = [("off", Swap::Off), ("ignore", Swap::Ignore)];
        let swap = map.take("swap").and_then(|field| field.choice(sink, &swaps));
        os.swap = swap.map_or(Swap::Off, |swap| swap.value);
        (os.time, servers) = time(&mut map, sink);
        map.finish(sink);
    }
    (os, servers)
}

/// `time` and `timeServers`, which only chrony asks.
fn time(os: &mut Fields<'_>, sink: &mut Sink<'_>) -> (Time, Vec<Placed<IpAddr>>) {
    let times = [("keep", Time::Keep), ("chrony", Time::Chrony)];
    let time = os.take("time").and_then(|field| field.choice(sink, &times));
    let kept = time.as_ref().map_or(Time::Keep, |time| time.value);
    let Some(field) = os.take("timeServers") else { return (kept, vec![]) };
    let servers: Vec<Placed<IpAddr>> =
        field.list(sink).iter().filter_map(|item| item.parse_with(sink, reachable)).collect();
    if kept == Time::Keep && !servers.is_empty() {
        let wrong = Wrong::new("nobody asks them: `time` is `keep`").hint("write `time: chrony` beside it");
        match &time {
            Some(time) => sink.clash(field.place(()).spot(), time.spot(), wrong),
            None => field.wrong(sink, wrong),
        }
    }
    (kept, servers)
}

/// `spec.containerd` and `spec.kubernetes`, each with its defaults.
pub(crate) fn settings(spec: &mut Fields<'_>, sink: &mut Sink<'_>) -> (Containerd, Kubernetes) {
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
        kubernetes.ignore_preflight = checks.iter().filter_map(|check| check_name(check, sink)).collect();
        kubernetes.kubelet = map.take("kubelet").map(|field| free(&field, KUBELET, sink)).unwrap_or_default();
        kubernetes.kube_proxy =
            map.take("kubeProxy").map(|field| free(&field, KUBE_PROXY, sink)).unwrap_or_default();
        map.finish(sink);
    }
    (containerd, kubernetes)
}

/// `spec.preflight`. Which checks there are is not known here: who runs them says that one does not exist.
pub(crate) fn preflight(spec: &mut Fields<'_>, sink: &mut Sink<'_>) -> Preflight {
    let mut preflight = Preflight::default();
    if let Some(mut map) = spec.take("preflight").and_then(|field| field.map(sink)) {
        let checks = map.take("skip").map(|field| field.list(sink)).unwrap_or_default();
        preflight.skip = checks.iter().filter_map(|check| check_name(check, sink)).collect();
        map.finish(sink);
    }
    preflight
}

/// The name of a check; kubeadm's become arguments, so their characters are limited.
fn check_name(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<String> {
    let check = field.parse_with(sink, |text| {
        if !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        {
            return Ok(text.to_owned());
        }
        Err(Wrong::new(format!("{} is not the name of a check", quoted(text)))
            .hint("like SystemVerification, or leftover-etcd for preflight"))
    })?;
    Some(check.value)
}

/// A map that Kubernetes understands and sealift passes on, but for what other fields say already.
fn free(field: &Field<'_>, ours: &[Ours], sink: &mut Sink<'_>) -> Map<String, Json> {
    let mut map = Map::new();
    for (key, value) in field.pairs(sink) {
        if let Some(Ours { hint, .. }) = ours.iter().find(|ours| ours.key == key.name) {
            sink.add(key.at, &value.path, Wrong::new("is set by sealift").hint(*hint));
        }
        map.insert(key.name.clone(), value.node.json());
    }
    map.sort_keys();
    map
}
