//! One blob of 9 GiB: a PAX header, several volumes, aborts and kills, and not much memory or disk.

use std::fs;
use std::path::Path;
use std::process::Command;

use sealift_bundle::{Bundle, ItemKind, Trust, pack, sign};
use sealift_stream::NoMeter;

use crate::kill::kill_chain;
use crate::support::generated::{Content, Generated};
use crate::support::source::HangsAfter;
use crate::support::{add_file, empty_lock, key, options};

const SIZE: u64 = (9 << 30) + 12_345;
const NAME: &str = "large-1.0.0-1.sealift";

#[tokio::test(flavor = "multi_thread")]
async fn nine_gibibytes_in_one_blob() {
    let mut lock = empty_lock("large");
    add_file(&mut lock, "model", Content { seed: 9, size: SIZE, sparse: true });
    let lock = lock.normalise().expect("is a lock");
    let folder = tempfile::tempdir().expect("makes a folder");
    let out = folder.path().join("out");

    // One worker, undisturbed. 64 chunks a volume, as in the child.
    let first = pack(&lock, &Generated, &out, options(1, 64), &NoMeter).await.expect("packs");
    fs::remove_dir_all(&first.dir).expect("removes");

    // Eight workers; aborted, then killed, each a little further on; then to the end.
    let source = HangsAfter::new(1 << 30);
    let hanging = source.hanging.clone();
    tokio::select! {
        done = pack(&lock, &source, &out, options(8, 64), &NoMeter) => panic!("was not aborted: {done:?}"),
        () = hanging.notified() => {}
    }
    let path = folder.path().join("large.lock");
    fs::write(&path, lock.to_yaml().expect("writes")).expect("writes");
    let kills = kill_chain(&path, &out, Path::new("large-1.0.0-1.sealift.part"), 15_000);
    assert!(kills >= 1, "was not killed");
    let dir = out.join(NAME);
    let again = pack(&lock, &Generated, &out, options(8, 64), &NoMeter).await.expect("packs");
    assert!(again.already);
    assert_eq!(again.digest, first.digest);

    let (secret, public) = key(folder.path(), "test");
    sign(&dir, &secret).expect("signs");
    let trust = Trust::from_files(&[public]).expect("loads");
    let bundle = Bundle::open(&dir).expect("opens").authenticate(&trust).expect("is trusted");
    bundle.verify(2, &NoMeter).expect("verifies");
    let digest = bundle.item(ItemKind::File, "model").expect("is there").digest;

    // GNU tar finds the true size in the PAX header.
    let line = format!("cat volume-* | tar -xO blobs/sha256/{} | openssl dgst -sha256 -r", digest.hex());
    let done = Command::new("bash").args(["-euo", "pipefail", "-c", &line]).current_dir(&dir).output();
    let done = done.expect("runs bash");
    assert_eq!(String::from_utf8_lossy(&done.stderr), "");
    assert_eq!(String::from_utf8_lossy(&done.stdout)[..64], digest.hex());
}
