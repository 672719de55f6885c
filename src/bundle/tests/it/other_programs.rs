//! Other people's programs read our bundles: minisign, tar, skopeo.

use std::path::Path;
use std::process::Command;

use sealift_bundle::ItemKind;

use crate::pure::thousand;
use crate::support::{Signed, options};

/// Runs a shell line of the kind FORMAT.md tells people to type.
fn shell(line: &str, dir: &Path) -> String {
    let done = Command::new("bash")
        .args(["-euo", "pipefail", "-c", line])
        .current_dir(dir)
        .output()
        .expect("runs bash");
    let (out, talk) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{line}: {talk}");
    assert_eq!(talk, "", "{line} has something to say");
    out.into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn minisign_tar_and_skopeo_read_it() {
    let lock = thousand();
    let signed = Signed::of(&lock, options(8, 1)).await;
    let said = shell(&format!("minisign -V -p {} -m manifest.json", signed.public.display()), &signed.dir);
    assert!(
        said.contains("Trusted comment: sealift bundle name=thousand version=1.0.0-1 sequence=1"),
        "{said}"
    );
    shell("mkdir ../layout && cat volume-* | tar -x -C ../layout", &signed.dir);
    let layout = signed.folder.path().join("layout");
    shell(
        "cd blobs/sha256 && for blob in *; do echo \"$blob  $blob\"; done | sha256sum --check --quiet",
        &layout,
    );
    let manifest = signed.open().expect("opens").manifest().clone();
    let blobs = std::fs::read_dir(layout.join("blobs/sha256")).expect("reads").count();
    assert_eq!(blobs, manifest.blobs.len());
    let images: Vec<_> = manifest.items.iter().filter(|item| item.kind == ItemKind::Image).collect();
    assert_eq!(images.len(), 40);
    for (number, item) in images.iter().enumerate() {
        let copy = format!("skopeo copy -q --insecure-policy oci:layout:{} dir:out-{number}", item.name);
        shell(&copy, signed.folder.path());
        let raw = shell(&format!("sha256sum out-{number}/manifest.json"), signed.folder.path());
        let inspected = shell(
            &format!("skopeo inspect --raw oci:layout:{} | sha256sum", item.name),
            signed.folder.path(),
        );
        assert_eq!(inspected[..64], item.digest.hex());
        if !item.media_type.contains("index") {
            assert_eq!(raw[..64], item.digest.hex());
        }
    }
}
