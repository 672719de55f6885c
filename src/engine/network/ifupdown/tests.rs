//! Files as Debian's installer, cloud images and people write them.

use super::super::wanted::tests::links;
use super::{Commands, Files, MAIN, render};

const DHCP: &str = "# This file describes the network interfaces\nsource /etc/network/interfaces.d/*\n\n# The loopback\nauto lo\n\
    iface lo inet loopback\n\n# The primary network interface\nallow-hotplug eno1\niface eno1 inet dhcp\n    hostname plant\n    post-up /usr/local/bin/told\n\
    # This is an autoconfigured IPv6 interface\niface eno1 inet6 auto\n";

fn files(texts: &[(&str, &str)]) -> Files {
    texts.iter().map(|(path, text)| ((*path).to_owned(), ((*text).to_owned(), 0o644))).collect()
}

/// The one file that changes, after it was rendered from itself again.
fn edited(wanted: &str, texts: &[(&str, &str)]) -> (String, String) {
    let (written, _) = render(&links(wanted), &files(texts)).unwrap_or_else(|error| panic!("{error}"));
    let [one] = &written[..] else { panic!("{written:?}") };
    let mut again = files(texts);
    again.insert(one.lasting.clone(), (one.text.clone(), 0o644));
    let (twice, _) = render(&links(wanted), &again).unwrap();
    assert_eq!(twice[0].text, one.text, "another text when it is there already");
    (one.lasting.clone(), one.text.clone())
}

fn refusal(wanted: &str, texts: &[(&str, &str)]) -> String {
    render(&links(wanted), &files(texts)).unwrap_err().to_string()
}

#[test]
fn dhcp_becomes_static_and_everything_else_stays() {
    let wanted = "{addresses: [10.77.0.11/24], gateway: 10.77.0.1, mtu: 9000, routes: [{to: 10.90.0.0/16, via: 10.77.0.2}]}";
    let (path, text) = edited(wanted, &[(MAIN, DHCP)]);
    assert_eq!(path, MAIN);
    assert_eq!(
        text,
        "# This file describes the network interfaces\nsource /etc/network/interfaces.d/*\n\n# The loopback\nauto lo\n\
         iface lo inet loopback\n\n# The primary network interface\nallow-hotplug eno1\n# by sealift; `sealift reset` brings back what was here\n\
         iface eno1 inet static\n    address 10.77.0.11/24\n    gateway 10.77.0.1\n    mtu 9000\n    \
         up ip route replace 10.90.0.0/16 via 10.77.0.2 dev eno1\n    post-up /usr/local/bin/told\n\
         # This is an autoconfigured IPv6 interface\n"
    );
}

#[test]
fn an_interface_stays_in_its_file() {
    let own = "/etc/network/interfaces.d/50-cloud-init";
    let text = "auto eno1\niface eno1 inet static\n    address 10.77.0.11\n    netmask 255.255.255.0\n    mtu 1400\n    dns-nameservers 10.1.1.1";
    let main = "auto lo\niface lo inet loopback\nsource interfaces.d/*\n";
    let wanted = "{addresses: [10.77.0.11/24, 10.77.0.12/24, \"fd00::11/64\"], routes: [{to: \"::/0\", via: \"fd00::1\"}]}";
    let (path, text) = edited(wanted, &[(MAIN, main), (own, text)]);
    assert_eq!(path, own);
    assert_eq!(
        text,
        "auto eno1\n# by sealift; `sealift reset` brings back what was here\n\
         iface eno1 inet static\n    address 10.77.0.11/24\n    mtu 1400\n    dns-nameservers 10.1.1.1\n\
         iface eno1 inet static\n    address 10.77.0.12/24\n\
         iface eno1 inet6 static\n    address fd00::11/64\n    accept_ra 0\n    up ip route replace ::/0 via fd00::1 dev eno1\n"
    );
}

#[test]
fn a_vlan_gets_a_stanza_of_its_own_and_the_interface_below_none_but_its_name() {
    let (_, text) = edited("{vlan: 7, addresses: [10.77.0.11/24], gateway: 10.77.0.1}", &[(MAIN, DHCP)]);
    let end = text.split_once("allow-hotplug eno1\n").unwrap().1;
    assert!(
        end.starts_with(
            "auto eno1.7\n# by sealift; `sealift reset` brings back what was here\niface eno1 inet manual\n    post-up /usr/local/bin/told\n\
             iface eno1.7 inet static\n    address 10.77.0.11/24\n    gateway 10.77.0.1\n"
        ),
        "{end}"
    );
}

#[test]
fn it_is_taken_by_a_copy_below_run_and_given_back_by_the_old_file() {
    let links =
        links("{addresses: [10.77.0.11/24], more: [{interface: {name: eno2}, addresses: [10.78.0.1/24]}]}");
    let (written, commands) = render(&links, &files(&[(MAIN, DHCP)])).unwrap();
    assert_eq!(written[0].volatile, "/run/sealift/network/network-interfaces");
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let take = vec![
        words("ifdown --force eno1"),
        words("ifup --force -i /run/sealift/network/network-interfaces eno1 eno2"),
    ];
    let back = vec![
        words("ifdown --force eno1"),
        words("ifup --force eno1"),
        words("ip address flush dev eno2 scope global"),
    ];
    assert_eq!(commands, Commands { take, back });
    assert!(written[0].text.ends_with("\nauto eno2\n# by sealift; `sealift reset` brings back what was here\niface eno2 inet static\n    address 10.78.0.1/24\n"));
}

#[test]
fn what_may_mean_something_else_is_refused() {
    let wanted = "{addresses: [10.77.0.11/24]}";
    let two = "/etc/network/interfaces.d/two";
    for (texts, said) in [
        (vec![(MAIN, DHCP), (two, "iface eno1 inet6 auto\n")], "both have stanzas"),
        (vec![(MAIN, "mapping en*\n script /x\niface home inet dhcp\n")], "has a mapping"),
        (vec![(MAIN, "iface eno1 inet static inherits plant\n address 1.2.3.4/8\n")], "inherits plant"),
        (vec![(MAIN, "iface eno1 can static\n bitrate 1\n")], "of the family can"),
        (vec![(MAIN, "iface eno1 inet dhcp\n up ip route add default via 10.1.1.1\n")], "sets routes itself"),
    ] {
        let refused = refusal(wanted, &texts);
        assert!(refused.contains(said), "{refused}");
    }
    let bond = "{bond: {name: bond0, interfaces: [{name: eno1}]}, addresses: [10.77.0.11/24]}";
    assert!(refusal(bond, &[(MAIN, DHCP)]).contains("a bond by ifupdown"));
}
