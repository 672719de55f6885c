//! What stays on paper of an install: a frozen plan, a report, a signed receipt. Parts of `lifecycle`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::kit::stick;
use super::place::Place;

fn path(place: &Place, name: &str) -> PathBuf {
    place.scene().dir().join(name)
}

fn read(place: &Place, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(path(place, name)).unwrap()).unwrap()
}

/// The rest of a killed install, by a plan that was made of it, with report and receipt.
pub(super) fn installs_by_a_frozen_plan(place: &Place) {
    let name = |file: &str| path(place, file).display().to_string();
    let run = place.verb_with("plan", &["--diff", "--out", &name("plan.json")]).expect(4);
    // no killed run came to the end of what is left, so nobody can know how long it takes
    assert!(run.stdout.contains("\nno estimate: "), "{}", run.stdout);
    let key = stick().key.with_extension("sec").display().to_string();
    place
        .verb_with(
            "install",
            &[
                "--plan",
                &name("plan.json"),
                "--report",
                &name("report.html"),
                "--receipt",
                &name("receipt.json"),
                "--receipt-key",
                &key,
            ],
        )
        .expect(0);
    let (plan, receipt) = (read(place, "plan.json"), read(place, "receipt.json"));
    assert_eq!(receipt["plan"]["digest"], plan["digest"]);
    assert_eq!(receipt["outcome"], "done");
    let changes = receipt["changes"].as_array().unwrap();
    assert!(!changes.is_empty() && changes.iter().all(|change| change["state"] == "verified"), "{changes:?}");
    let whole = |node: &Value| {
        let images = node["images"].as_array().unwrap();
        let wanted = receipt["items"].as_array().unwrap().iter().filter(|item| item["kind"] == "image");
        wanted.clone().count() > 5
            && wanted.into_iter().all(|item| {
                images.iter().any(|image| {
                    image["digest"] == item["digest"] && image["whole"] == true && image["pinned"] == true
                })
            })
    };
    let nodes = receipt["nodes"].as_array().unwrap();
    assert!(nodes.len() == 2 && nodes.iter().all(whole), "{nodes:?}");
    assert!(
        nodes.iter().all(|node| node["system"]["os"].as_str().is_some_and(|os| os.contains("Debian"))),
        "{nodes:?}"
    );
    let page = fs::read_to_string(path(place, "report.html")).unwrap();
    assert!(page.contains(">done<") && page.contains("<svg") && page.contains("kubeadm"), "{page}");
    let verify = Command::new("minisign")
        .arg("-Vm")
        .arg(path(place, "receipt.json"))
        .arg("-p")
        .arg(&stick().key)
        .output();
    assert!(verify.unwrap().status.success(), "minisign does not take the receipt");
}

/// A plan that was made before something moved is refused; the report of the refused run says so.
pub(super) fn refuses_a_plan_that_is_too_old(place: &Place) {
    let name = |file: &str| path(place, file).display().to_string();
    place.verb_with("plan", &["--out", &name("empty.json")]).expect(0);
    place.node("w1").exec(&["sh", "-c", "echo '# mine' >> /etc/sysctl.d/90-sealift.conf"]).unwrap();
    let shown = place.verb_with("plan", &["--diff"]).expect(4);
    assert!(shown.stdout.contains("-# mine"), "{}", shown.stdout);
    assert!(
        shown.stdout.contains("\nabout "),
        "no estimate of a step that was done before:\n{}",
        shown.stdout
    );
    let document: Value =
        serde_json::from_str(&place.verb_with("plan", &["--json"]).expect(4).stdout).unwrap();
    let (runs, seconds) = (&document["estimate"]["runs"], &document["estimate"]["seconds"]);
    assert!(runs.as_u64() >= Some(1) && seconds.as_f64() > Some(0.0), "{}", document["estimate"]);
    let run = place
        .verb_with("install", &["--plan", &name("empty.json"), "--report", &name("refused.html")])
        .expect(4);
    assert!(run.stderr.contains("w1: kernel parameters: /etc/sysctl.d/90-sealift.conf"), "{}", run.stderr);
    assert!(fs::read_to_string(path(place, "refused.html")).unwrap().contains(">failed<"));
    place.verb("install").expect(0);
}
