//! A clean minimal server of the newest Debian that is supported: an SSH server, a user who may sudo, and nothing that
//! Kubernetes is usually said to need.

use std::time::Duration;

use lab::root::RootKind;

use super::kit::Ran;
use super::place::Place;
use super::web;

/// What guides have people install first. None of it is there, and none of it is asked for.
const NOT_THERE: [&str; 6] = ["iptables", "nft", "conntrack", "ethtool", "socat", "curl"];

#[test]
fn a_minimal_debian_13_becomes_a_cluster_by_install_alone() {
    let place = Place::single("it-newer", "10.88.0", "cp1", RootKind::Newer);
    let node = place.node("cp1");
    let says = |argv: &[&str]| Ran::of(&mut node.command(argv).unwrap());
    let release = says(&["cat", "/etc/os-release"]).expect(0).stdout;
    assert!(release.contains("VERSION_ID=\"13\""), "{release}");
    for program in NOT_THERE {
        let found = says(&["sh", "-c", &format!("command -v {program}")]);
        assert_ne!(found.status, 0, "{} is there, so nothing would be shown", found.stdout);
    }
    let before = place.listings();

    place.verb("install").expect(0);
    place.keeps_a_kubeconfig();
    let path = "jsonpath={.status.nodeInfo.osImage}, {.status.conditions[?(@.type==\"Ready\")].status}";
    let seen = place.kubectl(&["get", "node", "cp1", "-o", path]).expect(0).stdout;
    assert_eq!(seen, "Debian GNU/Linux 13 (trixie), True");
    let url = web::apply(&place, "10.88.0");
    web::answers(&place, &url, Duration::from_mins(1));
    let again = place.verb("install").expect(0);
    assert!(again.stderr.contains("0 changes"), "{}", again.stderr);

    place.verb("reset").expect(0);
    place.is_as_before(&before, "reset");
}
