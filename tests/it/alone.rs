//! Without a laptop: the first server installs itself and two others from a stick that it may only read.
//! One test, because each part stands on the one before it.

use std::time::{Duration, Instant};

use super::console::{Console, DESK, JOURNALS, kib, words};
use super::disks::same_but;
use super::kit::stick;

/// DESIGN.md's budget for the operator, whatever the bundle's size.
const MEMORY_KIB: u64 = 200 * 1024;

#[test]
fn a_cluster_without_a_laptop() {
    let console = Console::up();
    nothing_is_written_on_the_stick(&console);
    another_machine_is_refused(&console);
    only_root_may(&console);
    let before = console.listings();
    console.verb("plan").expect(4);
    same_but(&before, &console.listings(), "a plan", &[JOURNALS]);
    let authority = survives(&console);
    a_second_install_finds_nothing(&console);
    assert_eq!(authority, console.here("sha256sum /etc/kubernetes/pki/ca.crt").expect(0).stdout);
    nothing_left_the_air_gap(&console);
    console.verb("reset").expect(0);
    same_but(&before, &console.listings(), "reset", &[JOURNALS]);
}

fn nothing_is_written_on_the_stick(console: &Console) {
    let run = console.here("/mnt/sealift --version").expect(126);
    assert!(run.stderr.contains("Permission denied"), "{}", run.stderr);
    let run = console.here("cd /mnt && sealift enroll --yes -c cluster.yaml").expect(1);
    run.says(&["writing cluster.yaml: Read-only", "no key was pinned", "next: copy it"]);
    let run = console.here("sealift enroll --yes -c cluster.yaml").expect(0);
    for words in ["cp1  10.81.0.11  this machine", "w2   10.81.0.22 port 22"] {
        assert!(run.stdout.contains(words), "no '{words}' in:\n{}", run.stdout);
    }
    let install = words("install").replace("cluster.yaml", &format!("{DESK}/cluster.yaml"));
    let run = console.here(&format!("cd /mnt && {install}")).expect(1);
    run.says(&["keeping the journal in .sealift/demo: Read-only", "nothing was changed", "--state"]);
}

fn another_machine_is_refused(console: &Console) {
    let w1 = console.node("w1").disk();
    let desk = w1.join(&DESK[1..]);
    std::fs::create_dir_all(&desk).unwrap();
    std::fs::copy(*super::kit::SEALIFT, desk.join("sealift")).unwrap();
    let file = console.here("cat cluster.yaml").expect(0).stdout;
    std::fs::write(desk.join("cluster.yaml"), file).unwrap();
    for verb in ["reset --yes", "enroll --yes", "kubeconfig"] {
        let run = console.on("w1", &format!("./sealift {verb} -c cluster.yaml")).expect(6);
        run.says(&["cp1 is `ssh: local`", "called \"w1\"", "10.81.0.21", "next: run sealift on cp1"]);
    }
    std::fs::remove_dir_all(desk).unwrap();
}

fn only_root_may(console: &Console) {
    let files = "rm -rf /tmp/desk && cp -r . /tmp/desk && chmod -R a+rX /tmp/desk && cd /tmp/desk";
    let nobody = "setpriv --reuid=nobody --regid=nogroup --clear-groups";
    let run =
        console.here(&format!("{files} && {nobody} {}; s=$?; rm -rf /tmp/desk; exit $s", words("plan")));
    run.expect(1).says(&["on cp1, which is this machine: that takes root", "next: ", "sudo sealift"]);
}

/// The power of the operator's own machine, then a kill, then to the end. Gives the cluster's authority.
#[expect(clippy::print_stderr, reason = "the test's log keeps its figures")]
fn survives(console: &Console) -> String {
    let began = Instant::now();
    console.install_until("kubeadm init", Duration::from_secs(5), Console::power_cut);
    eprintln!("power cut and boot: {:?}", began.elapsed());
    console.install_until("kubeadm join", Duration::from_secs(1), Console::kill);
    let authority = console.here("sha256sum /etc/kubernetes/pki/ca.crt").expect(0).stdout;
    console.verb("install").expect(0);
    let number = |line: &str| line.split_whitespace().find_map(|word| word.parse::<u64>().ok()).unwrap();
    let memory = number(&console.here("cat /run/it.memory").expect(0).stdout);
    let kept = console.here("cut -f1 /run/it.blobs | sort -n | tail -1").expect(0).stdout;
    let whole = kib(&stick().bundle);
    eprintln!(
        "whole after {:?}; operator's memory {memory} KiB, blobs {} of {whole} KiB",
        began.elapsed(),
        kept.trim()
    );
    assert!(memory < MEMORY_KIB, "the operator took {memory} KiB");
    assert_eq!(console.here("find /var/lib/sealift/blobs -type f").stdout, "", "a second copy");
    let nodes = "kubectl --cache-dir /tmp/kube --kubeconfig kubeconfig get nodes --no-headers";
    let run = console.here(&format!("umask 077; sealift kubeconfig -c cluster.yaml > kubeconfig && {nodes}"));
    let nodes = run.expect(0).stdout;
    assert_eq!(nodes.lines().filter(|line| line.contains(" Ready ")).count(), 3, "{nodes}");
    authority
}

fn a_second_install_finds_nothing(console: &Console) {
    let run = console.verb("install").expect(0);
    run.says(&["0 changes"]);
    console.verb("status").expect(0);
    console.here("rm kubeconfig").expect(0);
}

fn nothing_left_the_air_gap(console: &Console) {
    let recorder = console.scene().recorder();
    lab::egress::plant::plant_in_node(&recorder, &console.node("cp1")).unwrap();
    let report = lab::egress::report::Report::of(&recorder).unwrap();
    assert_eq!(report.fault(), None, "{report:?}");
}
