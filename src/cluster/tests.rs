//! Wrong files and what is said of them; right files and what they become.

use crate::{Access, Cluster};

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

/// What is replaced, by what, where the problem is, and a part of what is said.
const WRONG: &[(&str, &str, &str, &str)] = &[
    ("sealift.dev/v1", "sealift.dev/v2", "1:13", "did you mean \"sealift.dev/v1\"?"),
    ("kind: Cluster", "kind: Recipe", "2:7", "reads \"Cluster\" only"),
    ("kind: Cluster\n", "", "1:1", "kind: is missing"),
    ("plant-7", "Plant_7", "3:18", "write \"plant-7\""),
    ("plant-7", "7", "3:18", "put it in quotes"),
    ("{name: plant-7}", "{nmae: plant-7}", "3:12", "did you mean \"name\"?"),
    (
        "address: 10.77.0.11}\n  network",
        "address: api.plant.local}\n  network",
        "5:27",
        "names are not looked up",
    ),
    ("address: 10.77.0.11}\n  network", "address: 10.77.0.21}\n  network", "5:27", "address of a worker"),
    (
        "address: 10.77.0.11}\n  network",
        "address: 10.77.0.245}\n  network",
        "12:37",
        "which is spec.controlPlane.address",
    ),
    ("podSubnet", "podsubnet", "6:13", "did you mean \"podSubnet\"?"),
    ("10.244.0.0/16", "10.244.1.0/16", "6:24", "write 10.244.0.0/16"),
    ("10.244.0.0/16", "10.244.0.0/25", "6:24", "too small"),
    ("10.244.0.0/16", "10.244.0.0/33", "6:24", "0 to 32"),
    ("10.96.0.0/16", "10.244.128.0/17", "6:54", "overlap"),
    ("10.96.0.0/16", "10.96.0.0/30", "6:54", "tenth address"),
    ("10.96.0.0/16", "fd00::/112", "6:54", "another IP version"),
    ("10.244.0.0/16", "10.77.0.0/16", "18:22", "is inside the pod network"),
    ("upstreams: [10.77.0.5]", "upstreams: 10.77.0.5", "8:16", "put it in [ ]"),
    ("upstreams: [10.77.0.5]", "upstreams: [10.96.0.10]", "8:17", "inside the service network"),
    ("registry.plant.local", "reg.cluster.local", "9:32", "belongs to the cluster"),
    ("registry.plant.local", "registry_plant", "9:13", "write \"registry-plant\""),
    ("10.77.0.240-10.77.0.250", "10.77.0.250-10.77.0.240", "12:37", "ends before it starts"),
    ("10.77.0.240-10.77.0.250", "10.77.0.20-10.77.0.30", "12:37", "which is spec.nodes[1].ssh.address"),
    ("10.77.0.240-10.77.0.250", "10.77.0.240-10.77.0.250, 10.77.0.248/29", "12:62", "overlaps 10.77.0.240"),
    ("[10.77.0.240-10.77.0.250]", "[]", "12:36", "has no addresses"),
    ("10.77.0.240-10.77.0.250", "10.77.0.240", "12:37", "write 10.77.0.240-10.77.0.240"),
    ("user: ops", "user: '-oProxyCommand=x'", "13:15", "not a user's name"),
    ("swap: off", "swap: on", "14:14", "one of off, ignore"),
    ("swap: off", "swap: false", "14:14", "put it in quotes"),
    ("role: control-plane", "role: controlplane", "17:13", "did you mean \"control-plane\"?"),
    ("role: control-plane", "role: worker", "16:7", "no node is a control plane"),
    ("52:54:00:00:00:11", "52:54:00:00:11", "19:34", "not a MAC address"),
    ("gateway: 10.77.0.1", "gateway: 10.78.0.1", "19:93", "in none of the node's networks"),
    ("10.77.0.11/24", "10.77.0.11", "19:68", "no prefix length"),
    ("name: gpu1", "name: cp1", "20:14", "is there twice: also spec.nodes[0].name at 16:13"),
    ("address: 10.77.0.21", "address: 10.77.0.11", "20:60", "is there twice"),
    ("gpu: auto", "gpu: yes", "20:39", "unknown value \"yes\""),
    ("port: 2222", "port: 70000", "20:78", "not a port"),
    ("port: 2222", "port: \"22\"", "20:78", "expected a port number"),
    ("port: 2222", "hostKey: SHA256:abc", "20:81", "needs a type and a key"),
    ("port: 2222", "hostKey: ssh-dss AAAA", "20:81", "unknown key type"),
    ("ssh: {address: 10.77.0.11}", "ssh: local", "16:7", "address: is missing: with `ssh: local`"),
    (
        "ssh: {address: 10.77.0.11}",
        "ssh: lokal\n      address: 10.77.0.11",
        "18:12",
        "did you mean \"local\"?",
    ),
    ("ssh: {address: 10.77.0.11}", "ssh: 10.77.0.11", "18:12", "write {address: 10.77.0.11}, or local"),
    ("role: control-plane", "role: control-plane\n      address: 10.77.0.11", "18:16", "write it inside ssh"),
    ("ssh: {address: 10.77.0.21, port: 2222}", "ssh: local, address: 10.77.0.21", "20:50", "is a worker"),
    ("    - name: cp1", "    - nam: cp1", "16:7", "did you mean \"name\"?"),
    ("kind: Cluster", "kind: Cluster\nkind: Cluster", "3:1", "duplicate"),
    ("  os: {swap: off}", "  os: {swap: off", "15:8", "not valid YAML"),
];

#[test]
fn every_wrong_file_is_told_its_line_and_what_to_write() {
    let mut failed = Vec::new();
    for (piece, replacement, place, said) in WRONG {
        assert!(RIGHT.contains(piece), "the case {piece:?} replaces nothing");
        let text = RIGHT.replacen(piece, replacement, 1);
        let problems = Cluster::parse(&text, "c.yaml", None).err();
        let problems: Vec<_> = problems.iter().flat_map(crate::Problems::iter).collect();
        let found = problems.iter().any(|problem| {
            format!("{}:{}", problem.line, problem.column) == *place && problem.to_string().contains(said)
        });
        if !found {
            let got: Vec<String> = problems.iter().map(ToString::to_string).collect();
            failed.push(format!("{replacement:?}: wanted {place} {said:?}, got {got:#?}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_lines() {
    let text = RIGHT
        .replace("plant-7", "Plant")
        .replace("role: control-plane", "role: boss")
        .replace("gpu: auto", "gqu: auto");
    let problems = Cluster::parse(&text, "c.yaml", None).unwrap_err();
    let lines: Vec<u64> = problems.iter().map(|problem| problem.line).collect();
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
    assert!(wrong.contains("also spec.nodes[0].ssh at 18:12"), "{wrong}");
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

#[test]
fn what_cannot_be_done_yet_is_no_problem_of_the_file() {
    let text = RIGHT
        .replacen("address: 10.77.0.11}\n", "address: 10.77.0.10}\n", 1)
        .replace("role: worker", "role: control-plane");
    let cluster = Cluster::parse(&text, "c.yaml", None).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(cluster.control_plane().is_virtual);
    let not_yet = cluster.not_yet().unwrap().to_string();
    assert!(not_yet.contains("c.yaml:5:27") && not_yet.contains("2 control planes"), "{not_yet}");
}

#[test]
fn hostile_texts_are_problems_and_nothing_worse() {
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n\
                d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n";
    let deep = "[".repeat(20_000);
    for text in [
        "",
        "\n\n",
        "null",
        "[]",
        "x",
        "\u{0}",
        "a: b: c",
        "--- {}\n--- {}\n",
        bomb,
        deep.as_str(),
        "{a: !!binary x}",
    ] {
        assert!(Cluster::parse(text, "c.yaml", None).is_err(), "{:?}", text.get(..20));
    }
}
