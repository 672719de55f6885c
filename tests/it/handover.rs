//! A cluster that is finished by somebody else: signals, a cut cable, two laptops at once, a laptop that is lost, and
//! another one that adopts. One story, because each part goes on where the one before it stopped.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::kit::{Ran, room, stick};
use super::place::Place;
use super::running::Running;

#[test]
fn another_laptop_finishes() {
    let place = Place::with_workers("it-runs", "10.80.0", 1);
    let first = Laptop::of_the_place(&place);
    a_terminal_that_goes_away_ends_a_run_at_once_where_it_may(&first);
    let second = Laptop::empty(&place, "second");
    a_cut_cable_is_an_error_and_kubeadm_goes_on(&first, &second);
    is_lost_in_the_middle(&first);
    adopts_only_what_is_confirmed(&second);
    a_signal_is_answered_at_once(&second);
    let run = second.run("install").expect(0);
    assert!(!flat(&run.stderr).contains("installed: 0 changes"), "{}", run.stderr);
    one_cluster(&place);
    let again = second.run("install").expect(0);
    assert!(flat(&again.stderr).contains("installed: 0 changes"), "{}", again.stderr);
    an_api_that_falls_silent_is_waited_for_and_the_wait_may_be_left(&second);
    a_changed_file_is_told_and_refused_where_it_must(&second);
    an_older_release_is_refused(&second);
    without_a_record_nothing_is_done_by_itself(&second);
}

/// An operator's machine: a folder of its own, with what sealift keeps there.
struct Laptop<'a> {
    place: &'a Place,
    dir: PathBuf,
}

impl<'a> Laptop<'a> {
    /// The one that wrote the cluster file.
    fn of_the_place(place: &'a Place) -> Self {
        let first = Self::empty(place, "first");
        fs::create_dir_all(first.dir.join("ssh")).unwrap();
        fs::copy(&place.cluster, first.cluster()).unwrap();
        fs::copy(first.key(), first.dir.join("ssh/id_ed25519")).unwrap();
        fs::copy(super::kit::source("tests/lab/profile.yaml"), first.dir.join("lab.yaml")).unwrap();
        first
    }

    fn empty(place: &'a Place, name: &str) -> Self {
        let dir = room().join("it-runs-laptops").join(name);
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        Self { place, dir }
    }

    fn cluster(&self) -> PathBuf {
        self.dir.join("cluster.yaml")
    }

    /// A private key that the servers let in.
    fn key(&self) -> PathBuf {
        self.place.scene().dir().join("ssh/id_ed25519")
    }

    fn words(&self, verb: &str) -> Vec<String> {
        let path = |path: PathBuf| path.to_str().unwrap().to_owned();
        let mut words = vec![verb.to_owned(), "--yes".into(), "-c".into(), path(self.cluster())];
        words.extend([
            "--state".into(),
            path(self.dir.join("state")),
            "--profile".into(),
            path(self.dir.join("lab.yaml")),
        ]);
        words.extend([
            "--bundle".into(),
            path(stick().bundle.clone()),
            "--trust".into(),
            path(stick().key.clone()),
        ]);
        words
    }

    fn run(&self, verb: &str) -> Ran {
        self.run_with(verb, &[])
    }

    fn run_with(&self, verb: &str, more: &[&str]) -> Ran {
        let words = self.words(verb);
        let words: Vec<&str> = words.iter().map(String::as_str).chain(more.iter().copied()).collect();
        self.place.site(&words)
    }

    fn start(&self, verb: &str) -> Running {
        let words = self.words(verb);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Running::start(&mut self.place.operator(*super::kit::SEALIFT, &words))
    }

    fn adopt(&self, more: &[&str]) -> Ran {
        let (output, state, key) = (self.cluster(), self.dir.join("state"), self.key());
        let mut words =
            vec!["adopt", "--yes", "--from", "ops@10.80.0.11", "--identity", key.to_str().unwrap()];
        words.extend(["--output", output.to_str().unwrap(), "--state", state.to_str().unwrap()]);
        words.extend(more);
        self.place.site(&words)
    }
}

/// Sending images may be left at any moment; nobody is there to read, and nobody is needed.
fn a_terminal_that_goes_away_ends_a_run_at_once_where_it_may(laptop: &Laptop<'_>) {
    let run = laptop.start("install");
    run.wait_for("~ image ");
    std::thread::sleep(Duration::from_millis(500));
    let since = Instant::now();
    run.signal(Signal::SIGHUP);
    run.signal(Signal::SIGHUP);
    let ended = run.end();
    assert_eq!(ended.status, 130, "{}", ended.stderr);
    assert!(since.elapsed() < Duration::from_secs(8), "it took {:?}", since.elapsed());
    for words in [
        "SIGHUP: finishing",
        "images: left as asked,",
        "stopped as asked in play 'images'",
        "next: run the same",
    ] {
        assert!(flat(&ended.stderr).contains(words), "no '{words}' in:\n{}", ended.stderr);
    }
}

fn a_cut_cable_is_an_error_and_kubeadm_goes_on(first: &Laptop<'_>, second: &Laptop<'_>) {
    let run = first.start("install");
    run.wait_for("~ kubeadm init");
    for file in ["cluster.yaml", "lab.yaml"] {
        fs::copy(first.dir.join(file), second.dir.join(file)).unwrap();
    }
    fs::create_dir_all(second.dir.join("ssh")).unwrap();
    fs::copy(second.key(), second.dir.join("ssh/id_ed25519")).unwrap();
    let since = Instant::now();
    let refused = second.run("install").expect(1);
    assert!(since.elapsed() < Duration::from_secs(15), "refused only after {:?}", since.elapsed());
    let owner = format!("cp1 is being changed by {}'s install (process {}, since ", hostname(), run.pid());
    assert!(
        flat(&refused.stderr).contains(&owner) && flat(&refused.stderr).contains("s ago"),
        "{}",
        refused.stderr
    );
    fs::remove_dir_all(&second.dir).unwrap();
    fs::create_dir_all(&second.dir).unwrap();

    let node = first.place.node("cp1");
    node.network_cut().unwrap();
    let since = Instant::now();
    let ended = run.end();
    let took = since.elapsed();
    node.network_heal().unwrap();
    assert_eq!(ended.status, 1, "{}", ended.stderr);
    assert!(took < Duration::from_secs(95), "the error came after {took:?}");
    for words in ["did not come back within 30 s", "unit sealift-job-kubeadm-init", "next: run the same"] {
        assert!(flat(&ended.stderr).contains(words), "no '{words}' in:\n{}", ended.stderr);
    }
}

/// A short cut heals; then the machine is gone, with all that it knew.
fn is_lost_in_the_middle(laptop: &Laptop<'_>) {
    let mut run = laptop.start("install");
    run.wait_for("~ kubeadm join");
    let node = laptop.place.node("w1");
    node.network_cut().unwrap();
    std::thread::sleep(Duration::from_secs(3));
    node.network_heal().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    assert!(run.lives(), "three seconds without a link ended it");
    run.kill();
    fs::remove_dir_all(&laptop.dir).unwrap();
    let init = laptop.place.node("cp1").exec(&[
        "sh",
        "-c",
        "journalctl -o cat | grep -c 'Started sealift-job-kubeadm-init' || true",
    ]);
    assert_eq!(init.unwrap().trim(), "1", "kubeadm init ran more than once");
}

fn adopts_only_what_is_confirmed(laptop: &Laptop<'_>) {
    let blind = laptop.adopt(&[]).expect(6);
    assert!(flat(&blind.stderr).contains("no credential was sent"), "{}", blind.stderr);
    let strange = laptop.place.node("w1").host_key().unwrap();
    laptop.adopt(&["--host-key", &strange]).expect(6);
    assert_eq!(fs::read_dir(&laptop.dir).unwrap().count(), 0, "something was written");
    let key = laptop.place.node("cp1").host_key().unwrap();
    let adopted = laptop.adopt(&["--host-key", &key]).expect(0);
    assert!(flat(&adopted.stderr).contains("did not come to its end"), "{}", adopted.stderr);
    let text = fs::read_to_string(laptop.cluster()).unwrap();
    assert!(text.starts_with("# Two machines, as an engineer would write them down."), "{text}");
    assert!(text.contains(laptop.key().to_str().unwrap()), "{text}");
    let journals = fs::read_dir(laptop.dir.join("state/demo/runs")).unwrap().count();
    assert!(journals >= 2, "only {journals} journals came along");
    assert_eq!(fs::read_dir(laptop.dir.join("state/demo/trust")).unwrap().count(), 1);
    // a worker knows nothing of the site
    let worker = laptop.place.node("w1").host_key().unwrap();
    let words = ["adopt", "--yes", "--from", "ops@10.80.0.21", "--host-key", &worker, "--identity"];
    let key = laptop.key();
    laptop.place.site(&[&words[..], &[key.to_str().unwrap()]].concat()).expect(1);
}

fn a_signal_is_answered_at_once(laptop: &Laptop<'_>) {
    let run = laptop.start("install");
    run.wait_for("a run was cut off: ");
    run.wait_for("~ chart metallb");
    run.signal(Signal::SIGTERM);
    let since = Instant::now();
    run.wait_for("SIGTERM: finishing 'load balancer' on cluster (up to 15 min)");
    run.wait_for("Ctrl-C again to leave it running there");
    assert!(since.elapsed() < Duration::from_secs(2), "told only after {:?}", since.elapsed());
    run.signal(Signal::SIGINT);
    let ended = run.end();
    assert_eq!(ended.status, 130, "{}", ended.stderr);
    assert!(since.elapsed() < Duration::from_secs(4), "it took {:?}", since.elapsed());
    assert!(flat(&ended.stderr).contains("as unit sealift-job-helm-metallb"), "{}", ended.stderr);
}

/// The API server stands still in the middle of a run; so does sealift meanwhile, to be sure that it is the middle.
fn an_api_that_falls_silent_is_waited_for_and_the_wait_may_be_left(laptop: &Laptop<'_>) {
    let cp1 = laptop.place.node("cp1");
    let server = |signal: &str| cp1.exec(&["pkill", signal, "-x", "kube-apiserver"]).unwrap();
    let caught = || {
        fs::write(cp1.disk().join("etc/sealift/resolv.conf"), "# disturbed\n").unwrap();
        let run = laptop.start("install");
        run.wait_for("~ /etc/sealift/resolv.conf");
        run.signal(Signal::SIGSTOP);
        server("-STOP");
        run.signal(Signal::SIGCONT);
        std::thread::sleep(Duration::from_secs(6));
        run
    };
    let mut run = caught();
    assert!(run.lives(), "it did not wait for the API");
    let since = Instant::now();
    run.signal(Signal::SIGTERM);
    let ended = run.end();
    assert_eq!(ended.status, 130, "{}", ended.stderr);
    assert!(since.elapsed() < Duration::from_secs(25), "it took {:?}", since.elapsed());
    server("-CONT");

    let run = caught();
    server("-CONT");
    let ended = run.end().expect(0);
    assert!(flat(&ended.stderr).contains("installed: 1 change"), "{}", ended.stderr);
}

fn one_cluster(place: &Place) {
    let cp1 = place.node("cp1");
    let count = |unit: &str| {
        cp1.exec(&["sh", "-c", &format!("journalctl -o cat | grep -c 'Started {unit}' || true")]).unwrap()
    };
    assert_eq!(count("sealift-job-kubeadm-init").trim(), "1");
    assert_eq!(count("sealift-job-helm-metallb").trim(), "1", "helm was begun again though it went on");
    let nodes = cp1.exec(&[
        "/usr/local/bin/kubectl",
        "--kubeconfig",
        "/etc/kubernetes/admin.conf",
        "get",
        "nodes",
        "--no-headers",
    ]);
    let nodes = nodes.unwrap();
    assert_eq!((nodes.lines().count(), nodes.matches(" Ready ").count()), (2, 2), "{nodes}");
    let authorities = ["cp1", "w1"]
        .map(|node| place.node(node).exec(&["sha256sum", "/etc/kubernetes/pki/ca.crt"]).unwrap());
    assert_eq!(authorities[0], authorities[1]);
    let record = fs::read_to_string(cp1.disk().join("var/lib/sealift/site/record.json")).unwrap();
    assert!(record.contains("\"finished\": true"), "{record}");
    let modes =
        cp1.exec(&["stat", "-c", "%a %U", "/var/lib/sealift/site", "/var/lib/sealift/site/record.json"]);
    assert_eq!(modes.unwrap().trim(), "700 root\n600 root");
    assert!(!place.node("w1").disk().join("var/lib/sealift/site").exists(), "a worker has a record");
}

fn a_changed_file_is_told_and_refused_where_it_must(laptop: &Laptop<'_>) {
    let right = fs::read_to_string(laptop.cluster()).unwrap();
    fs::write(laptop.cluster(), right.replace("podSubnet: 10.244.0.0/16", "podSubnet: 10.200.0.0/16"))
        .unwrap();
    let refused = laptop.run("plan").expect(2);
    assert!(
        flat(&refused.stderr).contains("spec.network.podSubnet: 10.244.0.0/16 -> 10.200.0.0/16"),
        "{}",
        refused.stderr
    );
    fs::write(laptop.cluster(), right.replace("upstreams: []", "upstreams: [10.80.0.9]")).unwrap();
    let told = laptop.run("plan").expect(4);
    assert!(flat(&told.stderr).contains("spec.dns.upstreams: [] -> [10.80.0.9]"), "{}", told.stderr);
    fs::write(laptop.cluster(), right).unwrap();
}

fn an_older_release_is_refused(laptop: &Laptop<'_>) {
    let file = laptop.place.node("cp1").disk().join("var/lib/sealift/site/record.json");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("\"sequence\": 1", "\"sequence\": 9")).unwrap();
    let refused = laptop.run("plan").expect(3);
    assert!(flat(&refused.stderr).contains("older than what is installed"), "{}", refused.stderr);
    laptop.run_with("plan", &["--rollback-to", "1"]).expect(0);
    fs::write(&file, &text).unwrap();
}

/// Without it nothing would be refused that the two above are refused for.
fn without_a_record_nothing_is_done_by_itself(laptop: &Laptop<'_>) {
    let file = laptop.place.node("cp1").disk().join("var/lib/sealift/site/record.json");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, &text[..text.len() / 2]).unwrap();
    let refused = laptop.run("install").expect(5);
    assert!(refused.stderr.contains("site-record"), "{}", refused.stderr);
    assert_ne!(fs::read_to_string(&file).unwrap(), text, "it was written over all the same");
    laptop.run_with("install", &["--skip", "site-record"]).expect(0);
    assert!(fs::read_to_string(&file).unwrap().contains("\"finished\": true"));
}

/// A text without the breaks that fit it to a terminal.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn hostname() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned()
}
