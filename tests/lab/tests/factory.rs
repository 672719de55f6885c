//! The factory and its internet, with real servers: what the cache holds is what a client gets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use lab::cache::Cache;
use lab::factory::{self, images::BuiltImage};
use lab::image::hash::sha256;
use lab::internet::Internet;
use serde_json::Value;

fn output(program: &str, words: &[&str]) -> Vec<u8> {
    let out = Command::new(program).args(words).output().unwrap();
    assert!(out.status.success(), "{program} {words:?}: {}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

/// The digest of the image's manifest or index, as its layout names it.
fn root_digest(image: &BuiltImage) -> String {
    let index: Value =
        serde_json::from_slice(&std::fs::read(image.layout.join("index.json")).unwrap()).unwrap();
    index["manifests"][0]["digest"].as_str().unwrap().to_owned()
}

#[test]
fn a_warm_start_is_quick_and_every_image_arrives_with_its_own_digest() {
    let cache = Cache::open().unwrap();
    let built = factory::build_all(&cache).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let internet = Internet::start(&cache, dir.path()).unwrap();
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    let registry = internet.registry_url.trim_start_matches("http://");
    for image in &built.images {
        let name = format!("docker://{registry}/{}", image.image.reference);
        let raw = output("skopeo", &["inspect", "--raw", "--tls-verify=false", &name]);
        assert_eq!(format!("sha256:{}", sha256(&raw)), root_digest(image), "{name}");
    }
    let note = internet.note().unwrap();
    drop(internet);
    assert!(!note.registry.alive(), "the registry outlives its internet");
    assert!(!dir.path().join("internet.json").exists());
}

#[test]
fn kubeadms_own_list_is_in_the_registry() {
    let built = factory::build_all(&Cache::open().unwrap()).unwrap();
    let kubeadm = built.program("kubernetes", "kubeadm").unwrap();
    let words = ["config", "images", "list", "--kubernetes-version", "v1.36.4"];
    let list = String::from_utf8(output(kubeadm.to_str().unwrap(), &words)).unwrap();
    assert_eq!(list.lines().count(), 7, "{list}");
    for name in list.lines() {
        assert!(built.images.iter().any(|i| i.image.reference == name), "{name}");
    }
}

#[test]
fn every_download_matches_its_checksum_file_and_resumes() {
    let cache = Cache::open().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let internet = Internet::start(&cache, dir.path()).unwrap();
    let base = format!("{}/get.helm.sh/helm-v4.2.4-linux-amd64.tar.gz", internet.site_url);
    let file = dir.path().join("helm.tgz").display().to_string();
    output("curl", &["-sf", "-r", "0-999999", "-o", &file, &base]);
    output("curl", &["-sf", "-C", "-", "-o", &file, &base]);
    let sum = String::from_utf8(output("curl", &["-sf", &format!("{base}.sha256sum")])).unwrap();
    let (digest, name) = sum.trim_end().split_once("  ").unwrap();
    assert_eq!(digest, sha256(&std::fs::read(&file).unwrap()));
    assert_eq!(name, "helm-v4.2.4-linux-amd64.tar.gz");
    let kubelet = format!("{}/dl.k8s.io/release/v1.36.4/bin/linux/amd64/kubelet.sha256", internet.site_url);
    assert_eq!(output("curl", &["-sf", &kubelet]).len(), 64);
    let missing =
        Command::new("curl").args(["-sf", "-o", "/dev/null", &format!("{base}.nothing")]).status().unwrap();
    assert_eq!(missing.code(), Some(22));
}

#[test]
fn the_chart_renders_with_the_images_that_the_registry_has() {
    let built = factory::build_all(&Cache::open().unwrap()).unwrap();
    let helm = built.program("helm", "helm").unwrap();
    let chart = "github.com/metallb/metallb/releases/download/metallb-chart-0.15.2/metallb-0.15.2.tgz";
    let chart = built.site.join(chart).display().to_string();
    let words = ["template", "metallb", &chart, "--set", "frrk8s.enabled=false,speaker.frr.enabled=false"];
    let rendered = String::from_utf8(output(helm.to_str().unwrap(), &words)).unwrap();
    let images: Vec<&str> = rendered
        .lines()
        .filter_map(|l| l.trim().strip_prefix("image: "))
        .map(|i| i.trim_matches('"'))
        .collect();
    assert!(!images.is_empty());
    for name in images {
        assert!(built.images.iter().any(|i| i.image.reference == name), "{name}");
    }
    assert!(rendered.contains("kind: CustomResourceDefinition"), "the subchart crds is missing");
}

#[test]
fn a_killed_owner_leaves_no_registry() {
    let dir = tempfile::tempdir().unwrap();
    let lab = env!("CARGO_BIN_EXE_lab");
    factory::build_all(&Cache::open().unwrap()).unwrap();
    output(lab, &["internet", "up", "--dir", path(dir.path())]);
    let text = std::fs::read(dir.path().join("internet.json")).unwrap();
    let note: lab::internet::Note = serde_json::from_slice(&text).unwrap();
    assert!(note.owner.alive() && note.registry.alive());
    note.owner.end().unwrap();
    note.registry.wait_gone(Duration::from_secs(5)).unwrap();
    // The dead one's note does not stop a new one.
    output(lab, &["internet", "up", "--dir", path(dir.path())]);
    output(lab, &["internet", "down", "--dir", path(dir.path())]);
    assert!(!dir.path().join("internet.json").exists());
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
