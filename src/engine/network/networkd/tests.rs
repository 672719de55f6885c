//! networkd's files, and what it says of an interface.

use std::collections::BTreeMap;

use super::{Says, render};
use crate::network::wanted::tests::links;

fn texts(text: &str, counting: &[(&str, &str)]) -> BTreeMap<String, String> {
    let counting = counting.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let written = render(&links(text), &counting.collect());
    written.into_iter().map(|file| (file.lasting, file.text)).collect()
}

const DUAL: &str = "{interface: {name: eno1}, mtu: 9000, addresses: [10.77.0.11/24, \"fd00::11/64\"], \
                    gateway: 10.77.0.1, routes: [{to: \"::/0\", via: \"fd00::1\"}, {to: 10.9.0.0/16, via: 10.77.0.2}], \
                    nameservers: [10.77.0.53]}";
const BEFORE: &str = "# theirs\n[Match]\nName=en*\n[Link]\nMTUBytes=1500\nRequiredForOnline=yes\n[Network]\nDHCP=yes\n\
                      LLMNR=no\nDNS=1.1.1.1\nIPv6AcceptRA=yes\nAddress=10.1.1.1/8\nGateway=10.0.0.1\n\
                      [DHCPv4]\nRouteMetric=5\n[RoutingPolicyRule]\nFrom=10.1.0.0/16\nTable=7\n";

#[test]
fn an_interface_with_everything_keeps_what_is_not_ours() {
    let texts = texts(DUAL, &[("eno1", BEFORE)]);
    assert_eq!(texts.len(), 1);
    assert_eq!(
        texts["/etc/systemd/network/00-00-sealift-eno1.network"],
        "# written by sealift\n[Match]\nName=eno1\n\n[Link]\nRequiredForOnline=yes\nMTUBytes=9000\n\n\
         [Network]\nLLMNR=no\nDHCP=no\nIPv6AcceptRA=no\nAddress=10.77.0.11/24\nAddress=fd00::11/64\n\
         DNS=10.77.0.53\n\n[Route]\nDestination=0.0.0.0/0\nGateway=10.77.0.1\n\n\
         [Route]\nDestination=::/0\nGateway=fd00::1\n\n[Route]\nDestination=10.9.0.0/16\nGateway=10.77.0.2\n\n\
         [RoutingPolicyRule]\nFrom=10.1.0.0/16\nTable=7\n\n"
    );
}

#[test]
fn what_was_written_is_written_again_from_itself() {
    for text in [DUAL, "{vlan: 7, addresses: [10.77.0.11/24]}", "{addresses: [10.77.0.11/24]}"] {
        let once = texts(text, &[("eno1", BEFORE)]);
        let ours = &once["/etc/systemd/network/00-00-sealift-eno1.network"];
        assert_eq!(texts(text, &[("eno1", ours)]), once, "{text}");
    }
}

#[test]
fn a_vlan_on_a_bond_has_five_files() {
    let texts = texts(
        "{bond: {name: bond0, mode: 802.3ad, interfaces: [{mac: \"52:54:00:00:00:01\"}, {name: eno2}]}, \
         vlan: 77, mtu: 1400, addresses: [10.77.0.11/24], gateway: 10.77.0.1}",
        &[("eno1", "[Network]\nDHCP=yes\nAddress=10.77.0.11/24\n")],
    );
    let get = |name: &str| texts[&format!("/etc/systemd/network/00-00-sealift-{name}")].as_str();
    assert_eq!(texts.len(), 6);
    assert_eq!(
        get("bond0.netdev"),
        "# written by sealift\n[NetDev]\nName=bond0\nKind=bond\n\n[Bond]\nMode=802.3ad\nMIIMonitorSec=100ms\n"
    );
    assert_eq!(
        get("bond0.77.netdev"),
        "# written by sealift\n[NetDev]\nName=bond0.77\nKind=vlan\n\n[VLAN]\nId=77\n"
    );
    assert_eq!(
        get("eno1.network"),
        "# written by sealift\n[Match]\nPermanentMACAddress=52:54:00:00:00:01\nType=ether\n\n[Network]\nDHCP=no\nBond=bond0\n\n"
    );
    assert_eq!(
        get("eno2.network"),
        "# written by sealift\n[Match]\nName=eno2\n\n[Network]\nDHCP=no\nBond=bond0\n\n"
    );
    assert_eq!(
        get("bond0.network"),
        "# written by sealift\n[Match]\nName=bond0\n\n[Network]\nDHCP=no\nVLAN=bond0.77\n\n"
    );
    assert_eq!(
        get("bond0.77.network"),
        "# written by sealift\n[Match]\nName=bond0.77\n\n[Link]\nMTUBytes=1400\n\n[Network]\nDHCP=no\n\
         Address=10.77.0.11/24\n\n[Route]\nDestination=0.0.0.0/0\nGateway=10.77.0.1\n\n"
    );
}

#[test]
fn an_untagged_network_and_a_vlan_share_an_interface() {
    let texts = texts(
        "{interface: {name: eno1}, addresses: [10.77.0.11/24], \
         more: [{interface: {name: eno1}, vlan: 5, addresses: [10.78.0.11/24]}]}",
        &[("eno1", "[Network]\nVLAN=eno1.9\nVLAN=eno1.5\n")],
    );
    let eno1 = &texts["/etc/systemd/network/00-00-sealift-eno1.network"];
    assert!(eno1.contains("VLAN=eno1.9\nDHCP=no\nAddress=10.77.0.11/24\nVLAN=eno1.5\n"), "{eno1}");
}

#[test]
fn by_mac_the_type_is_asked_too() {
    let texts = texts("{addresses: [10.77.0.11/24]}", &[]);
    let eno1 = &texts["/etc/systemd/network/00-00-sealift-eno1.network"];
    assert!(eno1.contains("[Match]\nMACAddress=52:54:00:00:00:01\nType=ether\n"), "{eno1}");
}

#[test]
fn what_networkd_says_of_an_interface() {
    let says = Says::parse(
        "# private\nADMIN_STATE=configured\nNETWORK_FILE=/etc/systemd/network/10-host0.network\n",
    );
    assert!(says.managed && !says.by_netplan());
    assert!(says.can_be_preceded("host0").is_ok());
    let says =
        Says::parse("ADMIN_STATE=configured\nNETWORK_FILE=/run/systemd/network/10-netplan-host0.network\n");
    assert!(says.by_netplan());
    assert!(!Says::parse("ADMIN_STATE=unmanaged\n").managed && !Says::parse("").managed);
    for (file, drop_ins, said) in [
        ("/etc/systemd/network/00-00-a.network", "", "begins with 10-"),
        ("/etc/systemd/network/10-a.network", "/etc/systemd/network/10-a.network.d/x.conf", "laid over"),
    ] {
        let text =
            format!("ADMIN_STATE=configured\nNETWORK_FILE={file}\nNETWORK_FILE_DROPINS=\"{drop_ins}\"\n");
        let error = Says::parse(&text).can_be_preceded("eno1").unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}
