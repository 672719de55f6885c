//! What a finished cluster is, as texts that can be compared with those of an unbroken run.

use std::collections::BTreeMap;

use lab::node::Node;
use lab::node::listing::Entry;
use serde_json::Value;

use super::super::disks::Disks;
use super::super::kit::source;
use super::super::place::Place;

/// Each thing by its name, and how it is.
pub(super) type State = BTreeMap<String, String>;

/// The rows of the documented list: path, and whether all below it may differ or only the content.
pub(in super::super) struct MayDiffer(Vec<(String, bool)>);

impl MayDiffer {
    /// Reads the list where operators read it.
    pub(in super::super) fn documented() -> Self {
        let page = std::fs::read_to_string(source("docs/reference/what-differs.md")).unwrap();
        let rows = page.lines().filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let path = cells.get(1)?.strip_prefix('`')?.strip_suffix('`')?;
            assert!(cells.len() == 5 && cells[3].len() > 10, "no reason: {line}");
            let below = match cells[2] {
                "all of it" => true,
                "content" => false,
                other => panic!("'{other}' in: {line}"),
            };
            Some((path.to_owned(), below))
        });
        let rows: Vec<_> = rows.collect();
        assert!(rows.len() > 5, "{rows:?}");
        Self(rows)
    }

    /// The entry as it is compared; none when nothing of it is.
    pub(in super::super) fn compared(&self, path: &str, entry: &Entry) -> Option<String> {
        let whose = format!("{} {:o} {:?}", entry.kind, entry.mode, entry.owner);
        for (pattern, below) in &self.0 {
            if *below && matches(pattern, path, true) {
                return None;
            }
            if !below && matches(pattern, path, false) {
                return Some(whose);
            }
        }
        Some(format!("{whose} {} bytes {}", entry.size, entry.content))
    }
}

/// Whether a path is the pattern's (`*` is any part of one name), or, if `below`, under one that is.
fn matches(pattern: &str, path: &str, below: bool) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    let long_enough = if below { path.len() >= pattern.len() } else { path.len() == pattern.len() };
    long_enough && pattern.iter().zip(&path).all(|(pattern, name)| fits(pattern, name))
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => {
            name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail)
        }
    }
}

/// Everything that is compared: disks since `before`, containerd, what is at work, the cluster's objects.
pub(super) fn state(place: &Place, before: &Disks, rules: &MayDiffer) -> State {
    let mut state = State::new();
    for ((node, before), (_, after)) in before.iter().zip(place.listings()) {
        for (path, entry) in &after.0 {
            if before.0.get(path) != Some(entry)
                && let Some(how) = rules.compared(path.to_str().unwrap(), entry)
            {
                state.insert(format!("{node}: {}", path.display()), how);
            }
        }
        for gone in before.0.keys().filter(|path| !after.0.contains_key(*path)) {
            state.insert(format!("{node}: {}", gone.display()), "gone".to_owned());
        }
    }
    for node in place.scene().nodes() {
        containerd(&node, &mut state);
        at_work(&node, &mut state);
    }
    objects(place, &mut state);
    state
}

/// Images with their labels, unpacked layers, transfers and leases that nobody ended.
fn containerd(node: &Node, state: &mut State) {
    let ctr = |words: &[&str]| {
        let argv = [&["/usr/local/bin/ctr", "-n", "k8s.io"], words].concat();
        node.exec(&argv).unwrap()
    };
    let mut add = |what: &str, how: &str| state.insert(format!("{}: {what}", node.name()), how.to_owned());
    for line in ctr(&["images", "ls"]).lines().skip(1) {
        let words: Vec<&str> = line.split_whitespace().collect();
        add(&format!("image {}", words[0]), &format!("{} {}", words[2], words[words.len() - 1]));
    }
    for line in ctr(&["snapshots", "ls"]).lines().skip(1) {
        let line = line.trim_end();
        let key = line.split_whitespace().next().unwrap();
        // those of containers are named after them; what an unpacking that was cut leaves is named `extract-`
        if line.ends_with("Committed") || key.starts_with("extract-") {
            add(&format!("snapshot {key}"), "there");
        }
    }
    add(
        "transfers under way",
        ctr(&["content", "active"]).lines().skip(1).collect::<Vec<_>>().join(", ").as_str(),
    );
    // containers hold leases of their own, named after them
    let leases = ctr(&["leases", "ls", "-q"]);
    add("leases", &leases.lines().filter(|lease| lease.len() < 60).collect::<Vec<_>>().join(", "));
}

/// What sealift has running, and its sockets; after a run nothing.
fn at_work(node: &Node, state: &mut State) {
    let units =
        node.exec(&["systemctl", "list-units", "--all", "--plain", "--no-legend", "sealift-*"]).unwrap();
    let sockets = node.exec(&["ls", "/run/sealift"]).unwrap();
    let failed = node.exec(&["systemctl", "--failed", "--plain", "--no-legend"]).unwrap();
    for (what, how) in [("units", units), ("/run/sealift", sockets), ("failed units", failed)] {
        state.insert(format!("{}: {what}", node.name()), how);
    }
}

const KINDS: &str = "nodes,pods,namespaces,daemonsets,deployments,services,configmaps,secrets,serviceaccounts,\
    clusterroles,clusterrolebindings,customresourcedefinitions,ipaddresspools.metallb.io,l2advertisements.metallb.io";

fn objects(place: &Place, state: &mut State) {
    let list: Value =
        serde_json::from_str(&place.kubectl(&["get", KINDS, "-A", "-o", "json"]).expect(0).stdout).unwrap();
    let mut pods: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for object in list["items"].as_array().unwrap() {
        let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = format!("{} {}/{}", text("/kind"), text("/metadata/namespace"), text("/metadata/name"));
        match text("/kind").as_str() {
            "Pod" => {
                let (owner, how) = pod(object);
                pods.entry(owner).or_default().push(how);
            }
            "Node" => drop(state.insert(name, node(object))),
            // kubeadm init insists on one of its own, which lives a minute
            "Secret" if text("/type") == "bootstrap.kubernetes.io/token" => {
                if !text("/data/description").is_empty() {
                    state.insert(name, "a join token that nobody took away".to_owned());
                }
            }
            // a cut install of a chart is begun again as the next revision
            "Secret" if text("/type") == "helm.sh/release.v1" => {
                let status = text("/metadata/labels/status");
                state.insert(
                    format!("helm release {}, {status}", text("/metadata/labels/name")),
                    "there".to_owned(),
                );
            }
            "Deployment" | "DaemonSet" => {
                let ready = ["/status/readyReplicas", "/status/numberReady"]
                    .map(|path| object.pointer(path).cloned());
                state.insert(name, format!("ready {ready:?}"));
            }
            _ => drop(state.insert(name, "there".to_owned())),
        }
    }
    for (owner, mut how) in pods {
        how.sort();
        state.insert(format!("pods of {owner}"), how.join("; "));
    }
    let argv = [
        "-n",
        "kube-system",
        "exec",
        "etcd-cp1",
        "--",
        "etcdctl",
        "--cacert=/etc/kubernetes/pki/etcd/ca.crt",
        "--cert=/etc/kubernetes/pki/etcd/server.crt",
        "--key=/etc/kubernetes/pki/etcd/server.key",
        "member",
        "list",
    ];
    let members = place.kubectl(&argv).expect(0).stdout;
    let learners = members.lines().filter(|line| line.ends_with("true")).count();
    state.insert("etcd members, learners".to_owned(), format!("{}, {learners}", members.lines().count()));
}

/// Ready, and nothing keeps pods away.
fn node(object: &Value) -> String {
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    let ready =
        conditions.filter(|condition| condition["type"] == "Ready").all(|ready| ready["status"] == "True");
    format!(
        "ready {ready}, cordoned {}, taints {}",
        object["spec"]["unschedulable"], object["spec"]["taints"]
    )
}

/// A pod by its owner, and, where that decides it, its node; whether it runs, and what.
fn pod(object: &Value) -> (String, String) {
    let owner = &object["metadata"]["ownerReferences"][0];
    let kind = owner["kind"].as_str().unwrap_or("nobody");
    let place = if kind == "ReplicaSet" {
        "anywhere"
    } else {
        object["spec"]["nodeName"].as_str().unwrap_or("nowhere")
    };
    let whole = if kind == "Node" { &object["metadata"]["name"] } else { &owner["name"] };
    let namespace = &object["metadata"]["namespace"];
    let statuses = object["status"]["containerStatuses"].as_array();
    let ready = statuses.is_some_and(|all| all.iter().all(|one| one["ready"] == true));
    let leaving = object["metadata"].get("deletionTimestamp").is_some();
    let images = object["spec"]["containers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|c| c["image"].as_str().unwrap_or("?"));
    let how = format!(
        "{}, ready {ready}, leaving {leaving}, {}",
        object["status"]["phase"].as_str().unwrap_or("?"),
        images.collect::<Vec<_>>().join(" ")
    );
    (format!("{namespace} {kind} {whole} on {place}"), how)
}

/// What is not the same, both ways.
pub(super) fn differences(want: &State, found: &State) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = want.keys().chain(found.keys()).collect();
    let differ = names.into_iter().filter(|name| want.get(*name) != found.get(*name));
    let shown = |how: Option<&String>| how.map_or("not there", String::as_str).to_owned();
    differ
        .map(|name| {
            format!(
                "{name}\n    unbroken: {}\n    here:     {}",
                shown(want.get(name)),
                shown(found.get(name))
            )
        })
        .collect()
}

#[test]
fn a_star_is_part_of_one_name() {
    assert!(matches("/etc/kubernetes/pki/*.key", "/etc/kubernetes/pki/ca.key", false));
    assert!(!matches("/etc/kubernetes/pki/*.key", "/etc/kubernetes/pki/etcd/ca.key", false));
    assert!(!matches("/var/lib/etcd", "/var/lib/etcd/member", false));
    assert!(matches("/var/lib/etcd", "/var/lib/etcd/member/snap/db", true));
    assert!(!matches("/var/lib/etcd", "/var/lib/etcd2", true));
}

#[test]
fn the_list_leaves_out_what_it_names_and_nothing_else() {
    let rules = MayDiffer::documented();
    let entry =
        |content: &str| Entry { kind: "file", mode: 0o644, owner: (0, 0), size: 1, content: content.into() };
    let same = |path: &str| rules.compared(path, &entry("a")) == rules.compared(path, &entry("b"));
    assert!(same("/etc/kubernetes/pki/ca.crt") && same("/var/lib/etcd/member/wal/0.wal"));
    for path in [
        "/etc/containerd/config.toml",
        "/etc/hosts",
        "/usr/local/bin/kubelet",
        "/var/lib/sealift/blobs/sha256/ab",
    ] {
        assert!(!same(path), "{path}");
    }
    // a file whose content may differ must still be there, with its mode
    assert!(rules.compared("/etc/kubernetes/pki/ca.key", &entry("a")).is_some());
}
