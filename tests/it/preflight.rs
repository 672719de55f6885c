//! Two real servers: clean ones are silent; spoiled ones are told, all at once, and install refuses them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::kit::{Ran, source};
use super::place::Place;

/// What is done to the second server, and what must be found; each by a shell on the server itself.
const SPOILED: &[(&str, &str, &[&str])] = &[
    ("w1", "mkdir -p /etc/kubernetes/pki", &["leftover-kubernetes"]),
    ("w1", "mkdir -p /etc/cni/net.d && touch /etc/cni/net.d/10-weave.conf", &["leftover-cni"]),
    ("w1", "touch /usr/bin/dockerd", &["runtime-docker"]),
    (
        "w1",
        "echo 127.0.1.1 Wrong_Name >> /etc/hosts; echo Wrong_Name > /proc/sys/kernel/hostname",
        &["hostname-invalid", "hostname-differs"],
    ),
    ("w1", "echo 10.78.0.99 cp1 >> /etc/hosts", &["hosts-conflict"]),
    ("w1", ": > /etc/resolv.conf", &["resolv-empty"]),
    ("w1", "mount -t tmpfs -o noexec tmpfs /opt", &["mount-noexec"]),
    ("w1", "ip address add 10.78.0.241/24 dev host0", &["pool-node", "address-pool-taken"]),
    ("w1", "/usr/sbin/sshd -p 10250", &["port-kubelet"]),
    (
        "w1",
        "nft add table inet spoil; nft add chain inet spoil f '{ type filter hook forward priority 0; policy drop; }'",
        &["firewall-forward"],
    ),
    (
        "w1",
        "nft add chain inet spoil i '{ type filter hook input priority 0; }'; nft add rule inet spoil i meta length '>' 1400 meta l4proto icmp drop",
        &["mtu-path"],
    ),
    (
        "cp1",
        "nft add table inet spoil; nft add chain inet spoil i '{ type filter hook input priority 0; }'; nft add rule inet spoil i tcp dport 6443 drop",
        &["ports-tcp"],
    ),
    (
        "cp1",
        "mkdir -p /var/lib/etcd && mount -t tmpfs -o size=16m tmpfs /var/lib/etcd",
        &["filesystem-volatile", "disk-space"],
    ),
    ("cp1", "echo net.ipv4.ip_forward=0 > /etc/sysctl.d/99-hard.conf", &["sysctl-overridden"]),
    ("w1", "ip route delete default", &["route-default"]),
    ("w1", "ip route add 10.244.9.0/24 dev host0", &["cidr-pods"]),
    (
        "cp1",
        "echo 'APT::Periodic::Unattended-Upgrade \"1\";' > /etc/apt/apt.conf.d/20auto-upgrades; touch /usr/bin/unattended-upgrade",
        &["unattended-upgrades"],
    ),
];

#[test]
fn servers_before_they_are_a_cluster() {
    let place = Place::enrolled("it-preflight");
    clean_servers_are_silent(&place);
    spoiled_servers_are_told_all_at_once(&place);
    a_kernel_that_kubelet_refuses_is_told(&place);
    install_refuses_them(&place);
    a_server_that_is_off_is_one_finding(&place);
}

fn preflight(place: &Place, more: &[&str]) -> Ran {
    let (cluster, profile) = (place.cluster.to_str().unwrap(), source("tests/lab/profile.yaml"));
    let mut words = vec!["preflight", "-c", cluster, "--profile", profile.to_str().unwrap()];
    words.extend(more);
    place.site(&words)
}

/// Verdicts with this outcome: check, node, and the rest.
fn verdicts(ran: &Ran, outcome: &str) -> Vec<(String, String, Value)> {
    let document: Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stdout));
    let all = document["verdicts"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or("site").to_owned();
    all.filter(|one| one["outcome"] == outcome)
        .map(|one| (text(&one["check"]), text(&one["node"]), one.clone()))
        .collect()
}

#[expect(clippy::print_stderr, reason = "the test's log keeps its figures")]
fn clean_servers_are_silent(place: &Place) {
    let before = place.listings();
    let began = std::time::Instant::now();
    let ran = preflight(place, &["--json"]);
    eprintln!("preflight of two servers: {:?}", began.elapsed());
    assert_eq!(verdicts(&ran, "finding"), vec![], "{}", ran.stderr);
    let open: Vec<_> = verdicts(&ran, "could-not-check");
    assert!(open.is_empty(), "{open:#?}");
    let passed = verdicts(&ran, "passed").len();
    assert!(passed > 120, "only {passed} passed");
    let ran = ran.expect(0);
    place.is_as_before(&before, "a preflight");
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
    let text = preflight(place, &[]).expect(0);
    assert!(text.stdout.lines().all(|line| line.chars().count() <= 80), "{}", text.stdout);
    assert!(text.stdout.trim_end().ends_with("ready"), "{}", text.stdout);
}

fn spoiled_servers_are_told_all_at_once(place: &Place) {
    for (node, line, _) in SPOILED {
        place.node(node).exec(&["sh", "-c", line]).unwrap_or_else(|error| panic!("{line}: {error:#}"));
    }
    let id = place.node("cp1").exec(&["cat", "/etc/machine-id"]).unwrap();
    place.node("w1").exec(&["sh", "-c", &format!("echo {} > /etc/machine-id", id.trim())]).unwrap();
    let page = place.scene().dir().join("preflight.html");
    let ran = preflight(place, &["--json", "--html", page.to_str().unwrap()]).expect(5);
    let found = verdicts(&ran, "finding");
    let ids: BTreeSet<&str> = found.iter().map(|(check, _, _)| check.as_str()).collect();
    let wanted = SPOILED.iter().flat_map(|(_, _, ids)| *ids).chain(&["machine-id-duplicate"]);
    let missing: Vec<&&str> = wanted.filter(|id| !ids.contains(**id)).collect();
    assert!(missing.is_empty(), "not found: {missing:?} in {found:#?}");
    let page = fs::read_to_string(page).unwrap();
    for id in &ids {
        assert!(page.contains(id), "no {id} on the page");
    }
    let text = preflight(place, &["--quick", "--only", "leftover-cni"]).expect(5);
    for words in
        ["leftover-cni", "w1: /etc/cni/net.d/10-weave.conf is there", "next: ", "install would refuse"]
    {
        assert!(text.stdout.contains(words), "no '{words}' in:\n{}", text.stdout);
    }
    preflight(place, &["--quick", "--only", "leftover-cni", "--skip", "leftover-cni"]).expect(0);
}

/// The lab's own kernel, without the profile that lets kubelet run on it.
fn a_kernel_that_kubelet_refuses_is_told(place: &Place) {
    let words = ["preflight", "-c", place.cluster.to_str().unwrap(), "--quick", "--only", "cgroup-v1"];
    let run = place.site(&words);
    if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
        run.expect(0);
        return;
    }
    let said = run.expect(5).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in ["cgroup-v1", "kubelet 1.35", "systemd.unified_cgroup_hierarchy=1"] {
        assert!(said.contains(words), "no '{words}' in: {said}");
    }
}

fn install_refuses_them(place: &Place) {
    let before = place.listings();
    let run = place.verb("install").expect(5);
    for words in ["w1: leftover-kubernetes", "cp1: disk-space", "nothing was changed", "--skip ID"] {
        assert!(run.stderr.contains(words), "no '{words}' in: {}", run.stderr);
    }
    place.is_as_before(&before, "a refused install");
}

fn a_server_that_is_off_is_one_finding(place: &Place) {
    place.node("w1").power_cut().unwrap();
    let ran = preflight(place, &["--json"]).expect(5);
    let of_w1: Vec<_> =
        verdicts(&ran, "finding").into_iter().filter(|one| one.2.to_string().contains("w1:")).collect();
    assert_eq!(of_w1.iter().map(|one| one.0.as_str()).collect::<Vec<_>>(), ["ssh-silent"], "{of_w1:#?}");
    let open = verdicts(&ran, "could-not-check").into_iter().filter(|one| one.1 == "w1").count();
    assert!(open > 70, "only {open} checks of w1 are open");
}
