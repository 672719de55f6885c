//! What systemd-networkd itself makes of the files: this machine's own, in namespaces of its own. Needs root.

use std::process::Command;

use super::render;
use crate::network::wanted::tests::links;

/// A cable of two ends, of which one is `eno1`; networkd for as long as it takes; what came of it. `/sys` is read-only, so
/// that networkd takes it for a container and waits for no udev.
const STAGE: &str = r#"
mount -t tmpfs none /run && mount -t sysfs -o ro none /sys || exit 1
mkdir -p /run/systemd/network /run/systemd/netif && chown -R systemd-network /run/systemd/netif
ip link set lo up
ip link add eno1 address 52:54:00:00:00:01 type veth peer name far && ip link set far up
printf '[Match]\nName=eno1\n[Network]\nAddress=10.77.0.150/24\n' > /run/systemd/network/10-old.network
printf '%s' "$1" > "$2"
/lib/systemd/systemd-networkd > /run/log 2>&1 & daemon=$!
n=0; while [ $n -lt 300 ] && ! grep -qs ADMIN_STATE=configured /run/systemd/netif/links/*; do n=$((n+1)); sleep 0.1; done
# what it says goes with it
ip address show dev eno1; ip route; ip -6 route; cat /run/systemd/netif/links/*; status=$?
kill $daemon; exit $status
"#;

#[test]
fn networkd_takes_ours_before_the_others_and_understands_every_line() {
    let wanted = "{mtu: 1400, addresses: [10.77.0.11/24, \"fd00::11/64\"], gateway: 10.77.0.1, \
                  routes: [{to: \"::/0\", via: \"fd00::1\"}, {to: 10.9.0.0/16, via: 10.77.0.2}]}";
    let written = render(&links(wanted), &[("eno1".to_owned(), "[Network]\nLLMNR=no\n".to_owned())].into());
    let [file] = &written[..] else { panic!("{written:?}") };
    let mut stage = Command::new("unshare");
    stage.args(["--net", "--mount", "--propagation", "private", "sh", "-c", STAGE, "sh"]);
    let output = stage.args([&file.text, &file.volatile]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    for part in [
        "mtu 1400",
        "inet 10.77.0.11/24",
        "inet6 fd00::11/64",
        "default via 10.77.0.1 dev eno1",
        "10.9.0.0/16 via 10.77.0.2 dev eno1",
        "default via fd00::1 dev eno1",
        "NETWORK_FILE=/run/systemd/network/00-00-0sealift-eno1.network",
        "LLMNR=no",
    ] {
        assert!(said.contains(part), "no {part} in:\n{said}");
    }
    assert!(!said.contains("10.77.0.150"), "the other file counted:\n{said}");
}
