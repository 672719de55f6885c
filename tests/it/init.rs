//! `init` and `explain` as a person meets them: on a terminal of their own, in a pipe, with nobody there.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::kit::{Ran, SEALIFT, sealift};

/// `sealift init --interactive` with a pipe of answers.
fn piped(file: &Path, answers: &str) -> Ran {
    let mut command = Command::new(*SEALIFT);
    command.args(["init", "--interactive", "--output"]).arg(file);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // it may end before it has read all
    let _ = child.stdin.take().unwrap().write_all(answers.as_bytes());
    let output = child.wait_with_output().unwrap();
    Ran {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The same on a terminal that util-linux' `script` makes; what was typed and said, and how it ended.
fn typed(file: &Path, keys: &[&str]) -> (String, Option<i32>) {
    let line = format!("{} init --interactive --output {}", *SEALIFT, file.display());
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).env("NO_COLOR", "1");
    let mut child =
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for key in keys {
        // a terminal that is not read yet would throw a Ctrl-C away
        std::thread::sleep(Duration::from_millis(150));
        stdin.write_all(key.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_secs(30), "it still asks");
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
}

#[test]
fn a_person_mends_an_answer_and_gets_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("cluster.yaml");
    let (said, status) = typed(
        &file,
        &[
            "Plant 7\n",
            "plant-7\n",
            "10.77.0\n",
            "10.77.0.11\n",
            "\n",
            "10.77.0.11\n",
            "10.77.0.21\n",
            "gpu1\n",
            "-\n",
            "ops\n",
            "-\n",
            "10.77.0.20-10.77.0.30\n",
            "10.77.0.240-10.77.0.250\n",
        ],
    );
    assert_eq!(status, Some(0), "{said}");
    for words in [
        "no: the name \"Plant 7\"",
        "write \"plant-7\"",
        "an IPv4 address has four",
        "10.77.0.11 is there twice",
        "contains 10.77.0.21",
        "wrote ",
    ] {
        assert!(said.contains(words), "no {words:?} in:\n{said}");
    }
    let text = std::fs::read_to_string(&file).unwrap();
    let cluster =
        sealift_cluster::Cluster::parse(&text, "c", None).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(cluster.name().as_str(), "plant-7");
    assert_eq!(cluster.workers().next().unwrap().name.as_str(), "gpu1");
    assert!(text.contains("# hostKey is written here by `sealift enroll`"), "{text}");
}

#[test]
fn who_leaves_early_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("cluster.yaml");
    for keys in [&["plant-7\n", "\u{3}"][..], &["plant-7\n", "10.77.0.11\n", "\u{4}"]] {
        let (said, status) = typed(&file, keys);
        assert!(status != Some(0) && !said.contains("wrote"), "{status:?} {said}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
    let ended = piped(&file, "plant-7\n10.77.0.11\n").expect(130);
    assert!(ended.stderr.contains("nothing was written"), "{}", ended.stderr);
    let wrong = piped(&file, "plant-7\ncp1.plant.local\n").expect(2);
    assert!(wrong.stderr.contains("names are not looked up"), "{}", wrong.stderr);
    let nobody = sealift(&["init", "--interactive", "--output", file.to_str().unwrap()]).expect(2);
    assert!(nobody.stderr.contains("nobody can answer"), "{}", nobody.stderr);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn answers_may_come_through_a_pipe() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("cluster.yaml");
    piped(&file, "plant-7\n10.77.0.11\ncp1\n10.77.0.21\nw1\n-\nops\n~/.ssh/plant\n-\n").expect(0);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("ssh: {user: ops, identityFile: ~/.ssh/plant}") && text.contains("pools: []"),
        "{text}"
    );
}

#[test]
fn a_field_or_a_code_is_explained() {
    let page = sealift(&["explain", "hostKey"]).expect(0).stdout;
    for words in ["spec.nodes[].ssh.hostKey", "type", "left out", "example", "version", "once installed"] {
        assert!(page.contains(words), "no {words:?} in:\n{page}");
    }
    let page = sealift(&["explain", "spec.network.podSubnet"]).expect(0).stdout;
    assert!(
        page.contains("10.244.0.0/16") && page.contains("may not change: every node has its share"),
        "{page}"
    );
    assert!(sealift(&["explain", "6"]).expect(0).stdout.contains("host identity"));
    let several = sealift(&["explain", "ssh.user"]).expect(2).stderr;
    assert!(several.contains("spec.ssh.user") && several.contains("spec.nodes[].ssh.user"), "{several}");
    assert!(
        sealift(&["explain", "hostkye"])
            .expect(2)
            .stderr
            .contains("next: sealift explain 'spec.nodes[].ssh.hostKey'")
    );
    assert!(sealift(&["explain", "99"]).expect(2).stderr.contains("one of 0, 1, 2"));
    assert!(sealift(&["explain"]).expect(0).stdout.contains("podSubnet"));
    let json = |words: &[&str]| -> serde_json::Value {
        serde_json::from_str(&sealift(words).expect(0).stdout).unwrap()
    };
    assert_eq!(json(&["explain", "--schema"])["properties"]["kind"]["const"], "Cluster");
    assert_eq!(json(&["explain", "podSubnet", "--json"])["absent"]["means"], "10.244.0.0/16");
    assert_eq!(json(&["explain", "6", "--json"])["code"], 6);
    assert!(json(&["explain", "--json"]).as_array().unwrap().len() > 45);
}
