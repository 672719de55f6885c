//! Profiles as `nmcli` and installers write them.

use std::collections::BTreeMap;

use super::super::wanted::tests::links;
use super::{Active, has_uuid, our_uuid, render, uuid};

const OLD: &str = "[connection]\nid=Wired\nuuid=6f3c0d0e-1c1c-4b55-9a0e-2b8d6f5a0001\ntype=ethernet\ninterface-name=eno1\n\n[ethernet]\nwake-on-lan=64\n\n\
    [802-1x]\neap=tls;\n\n[ipv4]\ndns-search=plant.local;\nmethod=auto\n\n[ipv6]\naddr-gen-mode=eui64\nmethod=auto\n";
const OLD_UUID: &str = "6f3c0d0e-1c1c-4b55-9a0e-2b8d6f5a0001";

fn active() -> BTreeMap<String, Active> {
    let one = Active { uuid: Some(OLD_UUID.to_owned()), profile: Some(OLD.to_owned()) };
    [("eno1".to_owned(), one)].into()
}

#[test]
fn a_profile_of_our_own_says_the_addresses_and_keeps_the_rest() {
    let wanted = links(
        "{addresses: [10.77.0.11/24, 10.77.0.12/24], gateway: 10.77.0.1, mtu: 9000, nameservers: [10.77.0.53, \"fd00::53\"], \
         routes: [{to: 10.90.0.0/16, via: 10.77.0.2}]}",
    );
    let (written, _) = render(&wanted, &active());
    let [one] = &written[..] else { panic!("{written:?}") };
    assert_eq!(one.lasting, "/etc/NetworkManager/system-connections/sealift-eno1.nmconnection");
    assert_eq!(one.mode, 0o600);
    let uuid = our_uuid("eno1");
    assert_eq!(
        one.text,
        format!(
            "# written by sealift\n\n[connection]\nid=sealift-eno1\nuuid={uuid}\ntype=ethernet\nautoconnect-priority=999\n\n\
             [ethernet]\nmac-address=52:54:00:00:00:01\nwake-on-lan=64\nmtu=9000\n\n\
             [ipv4]\nmethod=manual\naddress1=10.77.0.11/24\naddress2=10.77.0.12/24\ngateway=10.77.0.1\nroute1=10.90.0.0/16,10.77.0.2\n\
             dns-search=plant.local;\ndns=10.77.0.53;\n\n[ipv6]\naddr-gen-mode=eui64\nmethod=auto\n\n[802-1x]\neap=tls;\n"
        )
    );
    // made again from itself it is the same
    let ours = Active { uuid: Some(uuid), profile: Some(one.text.clone()) };
    let (again, _) = render(&wanted, &[("eno1".to_owned(), ours)].into());
    assert_eq!(again, written);
}

#[test]
fn a_vlan_on_a_bond_is_four_profiles_and_goes_up_from_below() {
    let wanted = links(
        "{bond: {name: bond0, mode: 802.3ad, interfaces: [{name: eno1}, {name: eno2}]}, vlan: 7, addresses: [10.77.0.11/24, \"fd00::11/64\"]}",
    );
    let (written, commands) = render(&wanted, &active());
    let names: Vec<&str> = written.iter().filter_map(|one| one.volatile.rsplit('/').next()).collect();
    assert_eq!(
        names,
        ["bond0.7", "bond0", "eno1", "eno2"].map(|name| format!("sealift-{name}.nmconnection"))
    );
    assert!(
        written[1].text.contains("[bond]\nmode=802.3ad\n") && written[1].text.contains("method=disabled")
    );
    assert!(written[2].text.contains("interface-name=eno1\nmaster=bond0\nslave-type=bond\n"));
    assert!(!written[2].text.contains("[ipv4]"), "{}", written[2].text);
    let vlan = &written[0].text;
    assert!(
        vlan.contains("[vlan]\nid=7\nparent=bond0\n") && vlan.contains("address1=fd00::11/64\n"),
        "{vlan}"
    );
    let order: Vec<String> = commands
        .take
        .iter()
        .filter(|words| words.contains(&"up".to_owned()))
        .map(|w| w.last().unwrap().clone())
        .collect();
    assert_eq!(order, ["bond0", "eno1", "eno2", "bond0.7"].map(our_uuid));
    let back: Vec<String> = commands.back.iter().map(|words| words.join(" ")).collect();
    assert_eq!(back, ["nmcli connection reload", &format!("nmcli --wait 45 connection up uuid {OLD_UUID}")]);
}

#[test]
fn which_profile_is_up() {
    assert_eq!(uuid("[device]\nmanaged=true\nconnection-uuid=abc\n").as_deref(), Some("abc"));
    assert_eq!(uuid("[device]\nmanaged=true\n"), None);
    assert!(has_uuid(OLD, OLD_UUID) && !has_uuid(OLD, "6f3c"));
}
