//! Logging in as servers want it, on real machines: sudo with a password, jump hosts, lossy links, and everything that
//! is wrong in one report. One test, because the machines are the same.

use std::time::Instant;

use lab::node::Node;

use super::kit::Ran;
use super::place::Place;

const PASSWORD: &str = "canary-aeShai2u";

#[test]
fn ssh_as_people_have_it() {
    let place = Place::with_workers("ssh", "10.84.0", 1);
    let machines = ["cp1", "w1"].map(|name| place.node(name));
    for machine in &machines {
        root(machine, &format!("echo ops:{PASSWORD} | chpasswd"));
        sudoers(machine, "ops ALL=(ALL:ALL) ALL");
    }
    let file = |name: &str, text: &str| {
        let path = place.scene().dir().join(name);
        std::fs::write(&path, format!("{text}\n")).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (right, wrong) = (file("right", PASSWORD), file("wrong", "canary-wrong"));
    a_wrong_password_is_tried_once_in_all(&place, &machines, &wrong);
    reset(&place, &["--sudo-password-file", &right]).expect(0);
    let run = reset(&place, &[]).expect(1);
    run.says(&["it wants a password", "there is no terminal", "--sudo-password-file"]);
    sudoers(&machines[1], "Defaults requiretty, use_pty\nops ALL=(ALL:ALL) ALL");
    reset(&place, &["--sudo-password-file", &right]).expect(0);
    everything_wrong_is_one_report(&place, &machines, &right);
    for machine in &machines {
        sudoers(machine, "ops ALL=(ALL:ALL) NOPASSWD: ALL");
    }
    what_keeps_a_helper_from_starting(&place, &machines[1]);
    through_a_node_to_another(&place, &machines);
    a_lossy_link(&place);
    for machine in &machines {
        let kept = root(
            machine,
            "grep -rl canary- /var/log /var/lib/sealift /run/sealift /run/log 2>/dev/null || true",
        );
        assert_eq!(kept.trim(), "", "a secret on {}", machine.name());
        let said = root(machine, "journalctl --no-pager | grep -c canary- || true");
        assert_eq!(said.trim(), "0", "a secret in the journal of {}", machine.name());
    }
}

/// Exit code 1, one failure counted on one machine, and nothing changed on either.
fn a_wrong_password_is_tried_once_in_all(place: &Place, machines: &[Node; 2], wrong: &str) {
    let before = place.listings();
    let run = reset(place, &["--sudo-password-file", wrong]).expect(1);
    run.says(&["the password is wrong, tried once", "has refused the password, so it is not tried again"]);
    let counted: usize = machines
        .iter()
        .map(|machine| {
            let text =
                root(machine, "journalctl --no-pager -t sudo | grep -c 'authentication failure' || true");
            text.trim().parse::<usize>().unwrap()
        })
        .sum();
    assert_eq!(counted, 1, "failures that PAM has counted");
    place.is_as_before(&before, "a reset that was refused");
}

fn everything_wrong_is_one_report(place: &Place, machines: &[Node; 2], right: &str) {
    sudoers(&machines[0], "# nobody may");
    machines[1].network_cut().unwrap();
    let run = reset(place, &["--sudo-password-file", right]).expect(1);
    machines[1].network_heal().unwrap();
    run.says(&["cp1: sudo refused ops", "in no rule", "connecting to w1", "do: check that it is powered on"]);
    sudoers(&machines[0], "ops ALL=(ALL:ALL) ALL");
}

fn what_keeps_a_helper_from_starting(place: &Place, machine: &Node) {
    for (option, said) in [("noexec", "Permission denied"), ("ro", "Read-only file system")] {
        root(
            machine,
            &format!("mkdir -p /var/lib/sealift && mount -t tmpfs -o {option} none /var/lib/sealift"),
        );
        let run = reset(place, &[]).expect(1);
        root(machine, "umount /var/lib/sealift && rmdir /var/lib/sealift");
        run.says(&["starting the helper on w1", said, "nothing was changed there", "next: "]);
    }
}

fn through_a_node_to_another(place: &Place, machines: &[Node; 2]) {
    let text = std::fs::read_to_string(&place.cluster).unwrap();
    let (near, far) = (machines[0].address(), machines[1].address());
    let chained =
        text.replace(&format!("address: {far}"), &format!("address: {far}, jump: [{{address: {near}}}]"));
    assert_ne!(chained, text);
    std::fs::write(&place.cluster, chained).unwrap();
    let cluster = place.cluster.to_str().unwrap();
    let run = place.site(&["enroll", "--yes", "-c", cluster]).expect(0);
    assert!(
        run.stdout.contains("w1's jump host 1") && run.stderr.contains("pinned 1 new key"),
        "{}",
        run.stderr
    );
    reset(place, &[]).expect(0);
    let from = root(&machines[1], "journalctl --no-pager -u ssh | grep 'Accepted publickey' | tail -1");
    assert!(from.contains(&format!("from {near}")), "{from}");
    std::fs::write(&place.cluster, text).unwrap();
}

/// A fifth of all packets is lost, each way.
#[expect(clippy::print_stderr, reason = "the test's log keeps its figures")]
fn a_lossy_link(place: &Place) {
    let drop = "numgen random mod 100 < 20 drop";
    let chain = |name: &str, hook: &str, port: &str| {
        format!("chain {name} {{\ntype filter hook {hook} priority 0;\ntcp {port} 22 {drop};\n}}\n")
    };
    let rules = format!(
        "table ip lossy {{\n{}{}}}\n",
        chain("up", "output", "dport"),
        chain("down", "input", "sport")
    );
    let path = place.scene().dir().join("lossy.nft");
    std::fs::write(&path, rules).unwrap();
    Ran::of(&mut place.operator("nft", &["-f", path.to_str().unwrap()])).expect(0);
    let began = Instant::now();
    let run = reset(place, &[]);
    Ran::of(&mut place.operator("nft", &["delete", "table", "ip", "lossy"])).expect(0);
    run.expect(0);
    eprintln!("two helpers over a link that loses a fifth each way: {:?}", began.elapsed());
}

fn reset(place: &Place, options: &[&str]) -> Ran {
    place.verb_with("reset", options)
}

fn sudoers(machine: &Node, text: &str) {
    let file = machine.disk().join("etc/sudoers.d/ops");
    std::fs::write(file, format!("{text}\n")).unwrap();
}

fn root(machine: &Node, line: &str) -> String {
    machine.exec(&["sh", "-c", line]).unwrap()
}
