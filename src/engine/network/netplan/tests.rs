//! netplan's files, from what an installer left to what sealift leaves.

use super::{Files, HEAD, render};
use crate::network::wanted::tests::links;

fn files(all: &[(&str, &str)]) -> Files {
    all.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn one(text: &str, before: &str) -> String {
    let written =
        render(&links(text), &files(&[("50-a.yaml", before)])).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(written.len(), 1, "{written:?}");
    assert_eq!((written[0].lasting.as_str(), written[0].mode), ("/etc/netplan/50-a.yaml", 0o600));
    assert_eq!(written[0].volatile, "/run/netplan/50-a.yaml");
    written[0].text.strip_prefix(HEAD).unwrap().to_owned()
}

const BEFORE: &str = "# by the installer\nnetwork:\n  version: 2\n  ethernets:\n    eno1:\n      dhcp4: true\n      wakeonlan: true\n      nameservers: {search: [plant.local], addresses: [1.1.1.1]}\n    eno2: {dhcp4: true}\n";
const DUAL: &str = "{interface: {name: eno1}, mtu: 9000, addresses: [10.77.0.11/24, \"fd00::11/64\"], \
                    gateway: 10.77.0.1, routes: [{to: \"::/0\", via: \"fd00::1\"}], nameservers: [10.77.0.53]}";

#[test]
fn a_definition_is_edited_where_it_is_and_the_rest_stays() {
    assert_eq!(
        one(DUAL, BEFORE),
        "network:\n  version: 2\n  ethernets:\n    eno1:\n      wakeonlan: true\n      \
         dhcp4: false\n      dhcp6: false\n      addresses:\n      - 10.77.0.11/24\n      - fd00::11/64\n      \
         routes:\n      - to: 0.0.0.0/0\n        via: 10.77.0.1\n      - to: ::/0\n        via: fd00::1\n      \
         mtu: 9000\n      accept-ra: false\n      nameservers:\n        search:\n        - plant.local\n        addresses:\n        - 10.77.0.53\n    eno2:\n      dhcp4: true\n"
    );
}

#[test]
fn what_was_edited_is_edited_into_itself() {
    for text in [
        DUAL,
        "{bond: {name: bond0, interfaces: [{name: eno1}, {mac: \"52:54:00:00:00:03\"}]}, vlan: 7, addresses: [10.77.0.11/24]}",
        "{vlan: 7, mtu: 1400, addresses: [10.77.0.11/24], nameservers: [10.77.0.53]}",
        "{interface: {name: eno1}, addresses: [10.77.0.11/24], more: [{interface: {name: eno1}, vlan: 5, addresses: [10.78.0.1/24]}]}",
    ] {
        let once = one(text, BEFORE);
        assert_eq!(one(text, &once), once, "{text}");
    }
}

#[test]
fn a_vlan_on_a_bond() {
    let text = one(
        "{bond: {name: bond0, mode: 802.3ad, interfaces: [{name: eno1}, {mac: \"52:54:00:00:00:03\"}]}, vlan: 77, addresses: [10.77.0.11/24]}",
        "network: {version: 2, ethernets: {eno1: {addresses: [10.77.0.11/24], gateway4: 10.77.0.1}}}",
    );
    assert_eq!(
        text,
        "network:\n  version: 2\n  ethernets:\n    eno1:\n      dhcp4: false\n      dhcp6: false\n    eno3:\n      match:\n        macaddress: 52:54:00:00:00:03\n      dhcp4: false\n      dhcp6: false\n  \
         bonds:\n    bond0:\n      interfaces:\n      - eno1\n      - eno3\n      parameters:\n        mode: 802.3ad\n        mii-monitor-interval: 100\n      dhcp4: false\n      dhcp6: false\n  \
         vlans:\n    bond0.77:\n      id: 77\n      link: bond0\n      dhcp4: false\n      dhcp6: false\n      addresses:\n      - 10.77.0.11/24\n"
    );
}

#[test]
fn an_untagged_network_and_a_vlan_share_an_interface_in_any_order() {
    for text in [
        "{interface: {name: eno1}, addresses: [10.77.0.11/24], more: [{interface: {name: eno1}, vlan: 5, addresses: [10.78.0.1/24]}]}",
        "{interface: {name: eno1}, vlan: 5, addresses: [10.78.0.1/24], more: [{interface: {name: eno1}, addresses: [10.77.0.11/24]}]}",
    ] {
        let text = one(text, BEFORE);
        assert!(
            text.contains("addresses:\n      - 10.77.0.11/24") && text.contains("- 10.78.0.1/24"),
            "{text}"
        );
    }
}

#[test]
fn an_interface_is_found_by_id_by_mac_and_by_name() {
    for before in [
        "network: {ethernets: {eno1: {dhcp4: true}}}",
        "network: {ethernets: {lan: {match: {macaddress: \"52:54:00:00:00:01\"}, set-name: eno1, dhcp4: true}}}",
        "network: {ethernets: {lan: {match: {name: eno1}, dhcp4: true}}}",
    ] {
        let text = one("{addresses: [10.77.0.11/24]}", before);
        assert!(text.contains("dhcp4: false") && !text.contains("dhcp4: true"), "{text}");
        assert_eq!(text.matches("addresses:").count(), 1, "{text}");
    }
}

#[test]
fn what_cannot_be_edited_is_refused_by_name() {
    let a = |text| files(&[("a.yaml", text)]);
    for (files, said) in [
        (a("network: {ethernets: {all: {match: {name: \"en*\"}, dhcp4: true}}}"), "by a pattern"),
        (a("network: {ethernets: {all: {match: {driver: virtio_net}, dhcp4: true}}}"), "by a pattern"),
        (a("network: {ethernets: {eno1: {}}, bridges: {br0: {interfaces: [eno1]}}}"), "below br0"),
        (a("network: {ethernets: {eno1: {}}, bonds: {bond9: {interfaces: [eno1]}}}"), "below bond9"),
        (a("network: {wifis: {eno1: {dhcp4: true}}}"), "among its wifis"),
        (a("network: {ethernets: {eno1: 7}}"), "is no map"),
        (a("network: ["), "reading netplan's a.yaml"),
        (files(&[]), "has no file"),
        (
            files(&[
                ("a.yaml", "network: {ethernets: {eno1: {}}}"),
                ("b.yaml", "network: {ethernets: {eno1: {mtu: 1400}}}"),
            ]),
            "a.yaml and b.yaml both define it",
        ),
    ] {
        let error = render(&links("{addresses: [10.77.0.11/24]}"), &files).unwrap_err().to_string();
        assert!(error.contains(said), "{files:?}: {error}");
    }
}

#[test]
fn what_a_vlan_is_on_loses_the_addresses_that_it_had() {
    let before =
        "network: {ethernets: {eno1: {dhcp4: false, addresses: [10.77.0.11/24], gateway4: 10.77.0.1}}}";
    let text = one("{vlan: 7, addresses: [10.77.0.11/24]}", before);
    assert_eq!(text.matches("10.77.0.11/24").count(), 1, "{text}");
    assert!(!text.contains("gateway4"), "{text}");
}
