//! Measurements between two machines: network namespaces of the test's own with a cable between them and no way out.
//! Needs root, `ip` and `nft`, as the lab does.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sealift_node::{Gauge, LocalHost, Port, Proto, Reached};

const HERE: &str = "10.99.7.1";
const THERE: &str = "10.99.7.2";
const TOKEN: &str = "0123456789abcdef";
/// Set in the children: which part this process plays.
const PART: &str = "SEALIFT_MEASURE_PART";

/// Two namespaces, removed when the value is dropped.
struct Nets {
    a: String,
    b: String,
}

impl Nets {
    fn new() -> Self {
        let id = std::process::id();
        let nets = Self { a: format!("measure-a-{id}"), b: format!("measure-b-{id}") };
        for net in [&nets.a, &nets.b] {
            run(&["ip", "netns", "add", net]);
            run(&["ip", "-n", net, "link", "set", "lo", "up"]);
        }
        let cable = ["link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", &nets.b];
        run(&[&["ip", "-n", &nets.a][..], &cable].concat());
        for (net, address) in [(&nets.a, HERE), (&nets.b, THERE)] {
            run(&["ip", "-n", net, "address", "add", &format!("{address}/24"), "dev", "eth0"]);
            run(&["ip", "-n", net, "link", "set", "eth0", "up"]);
        }
        nets
    }

    /// What machine A sees of B.
    fn seen(&self) -> String {
        let output = again_in(&self.a, "look").wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        let seen: Vec<&str> = text.split_inclusive('\n').filter(|line| line.starts_with("seen ")).collect();
        seen.concat()
    }

    /// A rule of machine B's packet filter for what comes in.
    fn drop_at_b(&self, rule: &str) {
        let net = format!("--net=/run/netns/{}", self.b);
        for line in [
            "add table ip t",
            "add chain ip t i { type filter hook input priority 0; }",
            "flush chain ip t i",
        ] {
            run(&["nsenter", &net, "nft", line]);
        }
        run(&["nsenter", &net, "nft", &format!("add rule ip t i {rule} drop")]);
    }
}

/// This very test again, in one of the namespaces, playing a part.
fn again_in(net: &str, part: &str) -> Child {
    let me = std::env::current_exe().unwrap();
    let mut command = Command::new("nsenter");
    command.arg(format!("--net=/run/netns/{net}")).arg(me);
    command.args(["measure::two_machines_measure_each_other", "--exact", "--nocapture"]).env(PART, part);
    command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap()
}

impl Drop for Nets {
    fn drop(&mut self) {
        for net in [&self.a, &self.b] {
            let _ = Command::new("ip").args(["netns", "del", net]).status();
        }
    }
}

fn run(argv: &[&str]) {
    let status = Command::new(argv[0]).args(&argv[1..]).stdin(Stdio::null()).status().unwrap();
    assert!(status.success(), "{argv:?}: {status}");
}

fn port(proto: Proto, number: u16) -> Port {
    Port { proto, number }
}

#[expect(clippy::print_stdout, reason = "the other process reads it")]
async fn play(part: &str) {
    let host = LocalHost::new("here");
    let gauge = Gauge::new(&host);
    let ports = vec![port(Proto::Tcp, 6443), port(Proto::Udp, 8472)];
    if part == "listen" {
        let busy = gauge.listen(ports, TOKEN, 60).await.unwrap();
        println!("listening {busy:?}");
        tokio::time::sleep(Duration::from_mins(1)).await;
        return;
    }
    let there = THERE.parse().unwrap();
    for tried in gauge.reach(there, ports, TOKEN).await.unwrap() {
        println!("seen {} {:?}", tried.port, tried.reached);
        if tried.port.number == 6443 && tried.reached == Reached::Ours {
            let (bytes, micros) = gauge.rate(there, 6443, TOKEN).await.unwrap();
            println!("seen rate {}", bytes > 1 << 20 && micros > 0);
        }
    }
    for ping in gauge.ping(there, vec![84, 1450, 1500, 1600]).await.unwrap() {
        println!("seen ping {} {} {}", ping.size, ping.micros.is_some(), ping.unsent.is_some());
    }
    let addresses = ["10.99.7.2", "10.99.7.200", "10.98.0.1"].map(|text| text.parse().unwrap()).to_vec();
    for one in gauge.arp(addresses).await.unwrap() {
        println!("seen arp {} {} {}", one.address, one.macs.len(), one.unasked.is_some());
    }
}

#[tokio::test]
async fn two_machines_measure_each_other() {
    if let Ok(part) = std::env::var(PART) {
        return play(&part).await;
    }
    let nets = Nets::new();
    let mut listener = again_in(&nets.b, "listen");
    tokio::time::sleep(Duration::from_secs(2)).await;

    let clean = nets.seen();
    let wanted = "seen 6443/tcp Ours\nseen rate true\nseen 8472/udp Ours\nseen ping 84 true false\n\
                  seen ping 1450 true false\nseen ping 1500 true false\nseen ping 1600 false true\n\
                  seen arp 10.99.7.2 1 false\nseen arp 10.99.7.200 0 false\nseen arp 10.98.0.1 0 true\n";
    assert_eq!(clean, wanted);

    // a black hole: long packets vanish, and nobody is told
    nets.drop_at_b("meta length > 1400 meta l4proto icmp");
    run(&["ip", "-n", &nets.b, "address", "add", "10.99.7.200/24", "dev", "eth0"]);
    let spoiled = nets.seen();
    for line in
        ["ping 84 true false", "ping 1450 false false", "ping 1500 false false", "arp 10.99.7.200 1 false"]
    {
        assert!(spoiled.contains(line), "no '{line}' in:\n{spoiled}");
    }
    nets.drop_at_b("tcp dport 6443");
    assert!(nets.seen().contains("6443/tcp Silent\n"));
    listener.kill().unwrap();
    listener.wait().unwrap();
    nets.drop_at_b("udp dport 1");
    assert!(nets.seen().contains("6443/tcp Refused\nseen 8472/udp Refused\n"));
}
