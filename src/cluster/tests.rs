//! Wrong files and what is said of them; right files and what they become.

mod clashes;
mod fuzz;
pub(crate) mod values;
mod whole;

use crate::{Access, Cluster, Problem};

/// A right file; each case replaces one piece of it. Lines are counted from this text.
pub(crate) const RIGHT: &str = r#"apiVersion: sealift.dev/v1
kind: Cluster
metadata: {name: plant-7}
spec:
  controlPlane: {address: 10.77.0.11}
  network: {podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/16}
  dns:
    upstreams: [10.77.0.5]
    hosts: {registry.plant.local: 10.77.0.5}
  loadBalancer:
    pools:
      - {name: default, addresses: [10.77.0.240-10.77.0.250]}
  ssh: {user: ops, identityFile: ~/.ssh/id_ed25519}
  os: {swap: off}
  nodes:
    - name: cp1
      role: control-plane
      ssh: {address: 10.77.0.11}
      network: {interface: {mac: "52:54:00:00:00:11"}, addresses: [10.77.0.11/24], gateway: 10.77.0.1}
    - {name: gpu1, role: worker, gpu: auto, ssh: {address: 10.77.0.21, port: 2222}}
"#;

/// An ed25519 host key.
pub(crate) const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB17WsHfdX2mQEAx6cSX505TEmHdRl4dDgn3I2Ulau3L";

/// Everything that is wrong with a text, what is not there yet included.
pub(crate) fn told(text: &str) -> Vec<Problem> {
    match Cluster::parse(text, "c.yaml", None) {
        Ok(cluster) => cluster.not_yet().iter().flat_map(crate::Problems::iter).cloned().collect(),
        Err(problems) => problems.iter().cloned().collect(),
    }
}

/// The right file with one piece replaced. `KEY` stands for a host key, which the first node has too then.
pub(crate) fn with(piece: &str, replacement: &str) -> String {
    assert!(RIGHT.contains(piece), "the case {piece:?} replaces nothing");
    let text = RIGHT.replacen(piece, replacement, 1);
    if !text.contains("KEY}") {
        return text;
    }
    let first = "ssh: {address: 10.77.0.11, hostKey: KEY}";
    text.replace("ssh: {address: 10.77.0.11}", first).replace("KEY}", &format!("{KEY}}}"))
}

#[test]
fn every_wrong_file_is_told_its_places_and_what_to_write() {
    let values = values::SEEN_BY_THE_SCHEMA.iter().chain(values::SEEN_BY_SEALIFT_ONLY);
    let values = values.map(|(piece, replacement, place, said)| (piece, replacement, place, &"", said));
    let clashes = clashes::CLASHES
        .iter()
        .map(|(piece, replacement, place, also, said)| (piece, replacement, place, also, said));
    let mut failed = Vec::new();
    for (piece, replacement, place, also, said) in values.chain(clashes) {
        let problems = told(&with(piece, replacement));
        let at = |place: &crate::Place| format!("{}:{}", place.line, place.column);
        // one mistake is one problem: a second one would send the reader to a second place
        let good = matches!(problems.as_slice(), [problem] if at(&problem.place) == *place
            && (problem.also.as_deref().map(at).unwrap_or_default() == *also || also.is_empty())
            && problem.to_string().contains(said)
            && problem.hint.is_some());
        if !good {
            let got: Vec<String> = problems.iter().map(ToString::to_string).collect();
            failed.push(format!("{replacement:?}: wanted {place} {also} {said:?}, got {got:#?}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn what_is_not_there_yet_is_told_at_its_place() {
    for (piece, replacement, places, said) in [
        (
            "address: 10.77.0.11}\n  network",
            "address: 10.77.0.10}\n  network",
            &["5:27"][..],
            "a virtual address",
        ),
        (
            "role: worker",
            "role: control-plane",
            &["20:7"],
            "2 control planes: this version installs one; an even number",
        ),
        ("address: 10.77.0.21", "address: \"fd00::21\"", &["20:60"], "IPv4 addresses only"),
        ("10.77.0.240-10.77.0.250", "fd00::1-fd00::9", &["12:37"], "IPv4 addresses only"),
        (
            "{podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/16}",
            "{podSubnet: \"fd00::/48\", serviceSubnet: \"fd01::/112\"}",
            &["6:24", "6:52"],
            "IPv4 addresses only",
        ),
    ] {
        let cluster = Cluster::parse(&with(piece, replacement), "c.yaml", None)
            .unwrap_or_else(|problems| panic!("{problems}"));
        let problems = cluster.not_yet().unwrap();
        let at: Vec<String> = problems
            .iter()
            .map(|problem| format!("{}:{}", problem.place.line, problem.place.column))
            .collect();
        assert_eq!(at, places, "{problems}");
        assert!(
            problems.to_string().contains(said) && problems.iter().all(|problem| problem.hint.is_some()),
            "{problems}"
        );
    }
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_lines() {
    let text = RIGHT
        .replace("plant-7", "Plant")
        .replace("role: control-plane", "role: boss")
        .replace("gpu: auto", "gqu: auto");
    let problems = Cluster::parse(&text, "c.yaml", None).unwrap_err();
    let lines: Vec<u64> = problems.iter().map(|problem| problem.place.line).collect();
    assert_eq!(lines, [3, 17, 20], "{problems}");
    assert!(problems.to_string().starts_with("3 problems in the cluster file\nc.yaml:3:18: metadata.name: "));
}

#[test]
fn the_right_file_becomes_its_normal_form() {
    let cluster = Cluster::parse(RIGHT, "c.yaml", None).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(cluster.endpoint_name(), "api.plant-7.sealift.internal");
    assert_eq!(cluster.network().dns_address.to_string(), "10.96.0.10");
    assert_eq!(cluster.first_control_plane().name.as_str(), "cp1");
    assert_eq!(cluster.workers().count(), 1);
    let login = |at: usize| match &cluster.nodes()[at].ssh.access {
        Access::Login(login) => (login.port, login.user.as_str()),
        Access::Local => panic!("node {at} is reached over SSH"),
    };
    assert_eq!((login(0), login(1)), ((22, "ops"), (2222, "ops")));
    assert_eq!(cluster.not_yet(), None);
    let reordered = RIGHT.replace(
        "{user: ops, identityFile: ~/.ssh/id_ed25519}",
        "{identityFile: ~/.ssh/id_ed25519, user: ops} # x",
    );
    let other = Cluster::parse(&reordered, "other.yaml", None).unwrap();
    assert_eq!(serde_json::to_string(&cluster).unwrap(), serde_json::to_string(&other).unwrap());
}

#[test]
fn one_server_may_be_the_one_that_sealift_runs_on() {
    let local = RIGHT.replace("ssh: {address: 10.77.0.11}", "ssh: local\n      address: 10.77.0.11");
    let cluster = Cluster::parse(&local, "c.yaml", None).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(cluster.nodes()[0].ssh.access, Access::Local);
    let json = serde_json::to_value(&cluster).unwrap();
    assert_eq!(json["nodes"][0]["ssh"], serde_json::json!({"address": "10.77.0.11", "local": true}));
    assert_eq!(json["nodes"][1]["ssh"]["address"], "10.77.0.21", "one place, whatever the way");
    assert_eq!(json["controlPlane"]["address"], "10.77.0.11");

    let two = local
        .replace("role: worker", "role: control-plane")
        .replace("ssh: {address: 10.77.0.21, port: 2222}", "ssh: local, address: 10.77.0.21");
    let wrong = Cluster::parse(&two, "c.yaml", None).unwrap_err().to_string();
    assert!(wrong.contains("c.yaml:21:57: spec.nodes[1].ssh: `local` is there twice"), "{wrong}");
    assert!(wrong.contains("also: c.yaml:18:12: spec.nodes[0].ssh"), "{wrong}");
}

#[test]
fn what_is_left_out_has_defaults() {
    let text = "apiVersion: sealift.dev/v1\nkind: Cluster\nmetadata: {name: p}\nspec:\n  dns:\n  nodes:\n  - {name: a, role: control-plane, ssh: {address: 10.0.0.1}}\n";
    let cluster = Cluster::parse(text, "c.yaml", None).unwrap_or_else(|problems| panic!("{problems}"));
    let json = serde_json::to_value(&cluster).unwrap();
    assert_eq!(json["controlPlane"]["address"], "10.0.0.1");
    assert_eq!(json["controlPlane"]["virtual"], false);
    assert_eq!(json["network"]["podSubnet"], "10.244.0.0/16");
    assert_eq!(json["containerd"], serde_json::json!({"restrictOomScoreAdj": false, "systemdCgroup": true}));
    assert_eq!(json["os"]["swap"], "off");
    assert_eq!(json["nodes"][0]["ssh"]["user"], "root");
}

#[test]
fn a_profile_lies_under_the_file() {
    let profile = "spec:\n  os: {swap: ignore}\n  containerd: {restrictOomScoreAdj: true}\n  ssh: {user: low, port: 2200}\n  \
                   kubernetes:\n    ignorePreflight: [Swap]\n    kubelet: {failSwapOn: false, evictionHard: {nodefs.available: 1Gi}}\n";
    let text = RIGHT.replace(
        "  os: {swap: off}\n",
        "  kubernetes: {kubelet: {evictionHard: {memory.available: 100Mi}}}\n",
    );
    let cluster = Cluster::parse(&text, "c.yaml", Some((profile, "p.yaml")))
        .unwrap_or_else(|problems| panic!("{problems}"));
    let json = serde_json::to_value(&cluster).unwrap();
    assert_eq!(json["os"]["swap"], "ignore");
    assert_eq!(json["nodes"][0]["ssh"]["user"], "ops", "the file wins");
    assert_eq!(json["nodes"][0]["ssh"]["port"], 2200, "the profile fills in");
    let kubelet =
        r#"{"evictionHard":{"memory.available":"100Mi","nodefs.available":"1Gi"},"failSwapOn":false}"#;
    assert_eq!(json["kubernetes"]["kubelet"].to_string(), kubelet, "maps merge deep, keys are sorted");

    let wrong = Cluster::parse(&text, "c.yaml", Some(("spec:\n  os: {swop: off}\n", "p.yaml"))).unwrap_err();
    assert!(wrong.to_string().contains("p.yaml:2:8: spec.os.swop: unknown field"), "{wrong}");
}
