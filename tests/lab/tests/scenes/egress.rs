//! The recorder counts what was planted, and finds what nobody was to send.

use lab::egress::plant::{Leak, plant, plant_in_node};
use lab::egress::report::Report;
use lab::root::RootKind;
use lab::scene::Scene;

use crate::place::spec;

#[test]
fn planted_leaks_are_counted_alone_and_a_leak_of_each_kind_is_found() {
    let spec = spec(4, &[("cp1", 11, RootKind::Full), ("w1", 21, RootKind::Bare)]);
    let scene = Scene::up(&spec).unwrap().guarded().unwrap();
    let (cp1, w1) = (scene.node("cp1").unwrap(), scene.node("w1").unwrap());
    let recorder = scene.recorder();
    assert!(Report::of(&recorder).unwrap().fault().unwrap().contains("no leak was planted"));

    // The scene's own traffic: SSH in bulk, a ping, TCP between nodes, the pod network's address.
    let bulk = cp1.ssh(&["head", "-c", "50000000", "/dev/zero"]).unwrap().output().unwrap();
    assert_eq!(bulk.stdout.len(), 50_000_000);
    cp1.exec(&["ping", "-c1", "-W1", "10.78.4.21"]).unwrap();
    cp1.exec(&[
        "bash",
        "-c",
        ": < /dev/tcp/10.78.4.21/22; timeout 0.3 bash -c ': < /dev/tcp/10.96.0.1/443'; true",
    ])
    .unwrap();
    plant_in_node(&recorder, &cp1).unwrap();
    plant(&recorder, &Leak::new("bare").unwrap(), |script| w1.exec(&["bash", "-c", script]).map(drop))
        .unwrap();
    let report = Report::of(&recorder).unwrap();
    assert_eq!(report.fault(), None, "{report}");
    assert!(report.planted.iter().all(|count| count.questions >= 1 && count.connections >= 1), "{report}");
    assert_eq!(report.planted.len(), 2);

    let knock = |to: &str| format!("timeout 0.5 bash -c ': < /dev/tcp/{to}' 2>/dev/null");
    let tell = |to: &str| format!("echo x > /dev/udp/{to}");
    let node = [
        knock("198.51.100.7/80"),
        knock("2001:db8::7/443"),
        tell("224.0.0.251/5353"),
        tell("224.0.0.252/5355"),
        tell("ff02::fb%host0/5353"),
        tell("192.0.2.1/123"),
        tell("10.78.4.1/53"),
    ];
    w1.exec(&["bash", "-c", &format!("{}; true", node.join("; "))]).unwrap();
    // The operator, whose resolv.conf is the host's: whatever address it names, loopback too, is seen.
    let operator =
        [knock("192.0.2.9/443"), tell("127.0.0.53/53"), tell("9.9.9.9/53"), tell("224.0.0.251/5353")];
    scene.operator(&["bash", "-c", &format!("{}; true", operator.join("; "))]).output().unwrap();

    let report = Report::of(&recorder).unwrap();
    assert!(report.fault().unwrap().contains("tried to leave"), "{report}");
    let mut seen: Vec<String> = report
        .others
        .iter()
        .map(|record| format!("{} {}/{}", record.seen_on, record.destination.unwrap(), record.port.unwrap()))
        .collect();
    seen.sort();
    seen.dedup();
    let expected = [
        "br0 10.78.4.1/53",
        "br0 192.0.2.1/123",
        "br0 198.51.100.7/80",
        "br0 2001:db8::7/443",
        "br0 224.0.0.251/5353",
        "br0 224.0.0.252/5355",
        "br0 ff02::fb/5353",
        "lo 127.0.0.53/53",
        "sink0 192.0.2.9/443",
        "sink0 9.9.9.9/53",
    ];
    assert_eq!(seen, expected, "{report}");
}
