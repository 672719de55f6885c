//! The bundle as others read it, and damaged in every way a stick can be.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::kit::{Ran, sealift, stick};

fn verify(bundle: &Path) -> Ran {
    sealift(&["verify", bundle.to_str().unwrap(), "--trust", stick().key.to_str().unwrap()])
}

/// A copy of the bundle that shares nothing with it.
fn copy(to: &Path) -> PathBuf {
    let bundle = to.join(stick().bundle.file_name().unwrap());
    fs::create_dir_all(&bundle).unwrap();
    for entry in fs::read_dir(&stick().bundle).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), bundle.join(entry.file_name())).unwrap();
    }
    bundle
}

fn flip(file: &Path, at: u64) {
    let file = File::options().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
}

#[test]
fn minisign_agrees_with_the_signature() {
    let manifest = stick().bundle.join("manifest.json");
    Ran::of(Command::new("minisign").args(["-V", "-p"]).arg(&stick().key).arg("-m").arg(manifest)).expect(0);
}

#[test]
fn tar_and_skopeo_read_every_image() {
    let dir = tempfile::tempdir_in(super::kit::room()).unwrap();
    let layout = dir.path().join("layout");
    fs::create_dir(&layout).unwrap();
    let script = format!("cat '{}'/volume-* | tar x -C '{}'", stick().bundle.display(), layout.display());
    Ran::of(Command::new("sh").args(["-c", &script])).expect(0);
    let inspected = sealift(&["inspect", stick().bundle.to_str().unwrap(), "--json"]).expect(0);
    let inspected: serde_json::Value = serde_json::from_str(&inspected.stdout).unwrap();
    let images: Vec<&str> = inspected["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["kind"] == "image")
        .map(|item| item["name"].as_str().unwrap())
        .collect();
    assert!(images.len() > 10, "{images:?}");
    for image in images {
        let from = format!("oci:{}:{image}", layout.display());
        let to = dir.path().join("out");
        Ran::of(
            Command::new("skopeo")
                .args(["copy", "-q", "--override-os=linux", "--override-arch=amd64", &from])
                .arg(format!("dir:{}", to.display())),
        )
        .expect(0);
        fs::remove_dir_all(to).unwrap();
    }
}

#[test]
fn a_whole_bundle_verifies() {
    verify(&stick().bundle).expect(0);
}

#[test]
fn damage_is_refused_with_its_place() {
    let dir = tempfile::tempdir_in(super::kit::room()).unwrap();
    let bundle = copy(dir.path());
    let volume = bundle.join("volume-0000");
    let length = fs::metadata(&volume).unwrap().len();
    for at in [0, 1 << 20, length / 2, length - 1] {
        flip(&volume, at);
        let run = verify(&bundle).expect(3);
        let from = at / (4 << 20) * 4;
        let place = format!("volume-0000, {from}");
        assert!(run.stderr.contains(&place), "flipped byte {at}, expected '{place}' in:\n{}", run.stderr);
        flip(&volume, at);
    }
    for file in ["manifest.json", "manifest.json.minisig", "chunks.bin"] {
        let at = fs::metadata(bundle.join(file)).unwrap().len() / 2;
        flip(&bundle.join(file), at);
        let run = verify(&bundle).expect(3);
        assert!(run.stderr.contains("manifest") || run.stderr.contains(file), "{file}:\n{}", run.stderr);
        flip(&bundle.join(file), at);
    }
    File::options().write(true).open(&volume).unwrap().set_len(length - 1).unwrap();
    assert!(verify(&bundle).expect(3).stderr.contains("volume-0000"));
    fs::rename(&volume, dir.path().join("aside")).unwrap();
    assert!(verify(&bundle).expect(3).stderr.contains("volume-0000"));
}

#[test]
fn an_image_that_a_chart_names_and_the_recipe_does_not_is_found_while_packing() {
    let dir = tempfile::tempdir_in(super::kit::room()).unwrap();
    let core = fs::read_to_string(super::kit::source("bundle/core.yaml")).unwrap();
    let less: Vec<&str> = core.lines().filter(|line| !line.contains("quay.io/metallb/speaker")).collect();
    let run = super::kit::pack(&less.join("\n"), dir.path()).expect(3);
    for words in ["chart metallb", "DaemonSet/metallb-speaker", "quay.io/metallb/speaker:v0.15.2"] {
        assert!(run.stderr.contains(words), "no '{words}' in: {}", run.stderr);
    }
    let left: Vec<_> =
        fs::read_dir(dir.path().join("out")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty() && !dir.path().join("it.lock").exists(), "{left:?}");
}

/// Whoever starts a second one takes nothing away from the first; and a kill at the worst moment, when the bundle has its
/// name and the lock's file is not written, is gone on with.
#[test]
fn two_packs_do_not_meet_and_one_killed_at_its_end_is_finished() {
    let dir = tempfile::tempdir_in(super::kit::room()).unwrap();
    let core = fs::read_to_string(super::kit::source("bundle/core.yaml")).unwrap();
    let [scratch, part] = [".core-1.36.4-1.sealift.scratch", "core-1.36.4-1.sealift.part"].map(|name| {
        let folder = dir.path().join("out").join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("of the first"), "").unwrap();
        folder
    });
    // each with a key of its own, which nothing but the signature knows of
    let pack = || {
        for key in ["it.sec", "it.pub"] {
            let _ = fs::remove_file(dir.path().join(key));
        }
        super::kit::pack(&core, dir.path())
    };
    let first = File::create(scratch.join("lock")).unwrap();
    first.try_lock().unwrap();
    let second = pack().expect(1);
    assert!(second.stderr.contains("another sealift packs the same"), "{}", second.stderr);
    assert!(scratch.join("of the first").exists() && part.join("of the first").exists());
    drop(first);

    pack().expect(0);
    assert!(!scratch.exists() && !part.exists());
    let manifest = dir.path().join("out/core-1.36.4-1.sealift/manifest.json");
    let (packed, lock) = (fs::read(&manifest).unwrap(), fs::read(dir.path().join("it.lock")).unwrap());
    fs::remove_file(dir.path().join("it.lock")).unwrap();
    fs::remove_file(manifest.with_extension("json.minisig")).unwrap();
    // the date of the lock has seconds
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let again = pack().expect(0);
    assert!(again.stderr.contains("this very bundle was there already"), "{}", again.stderr);
    assert_eq!((fs::read(&manifest).unwrap(), fs::read(dir.path().join("it.lock")).unwrap()), (packed, lock));
    let (bundle, key) = (manifest.parent().unwrap(), dir.path().join("it.pub"));
    sealift(&["verify", bundle.to_str().unwrap(), "--trust", key.to_str().unwrap()]).expect(0);
}
