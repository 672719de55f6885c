//! A bundle is a pure function of its lock.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use sealift_bundle::{Bundle, ItemKind, Lock};
use sealift_stream::{Digest, NoMeter};

use crate::support::generated::Content;
use crate::support::{Signed, add_file, empty_lock, files, image, options, pack_generated};

/// A lock of a thousand small blobs: images with and without an index, charts' worth of files.
pub(crate) fn thousand() -> Lock {
    let mut lock = empty_lock("thousand");
    for number in 0..40 {
        image::add_image(&mut lock, number, 20);
    }
    for number in 0..60 {
        let content = Content { seed: 500_000 + number, size: number * number * 40, sparse: false };
        add_file(&mut lock, &format!("file-{number}"), content);
    }
    let lock = lock.normalise().expect("is a lock");
    assert!(lock.blobs.len() >= 955, "{} blobs", lock.blobs.len());
    lock
}

/// Every file of a bundle by digest.
pub(crate) fn listing(dir: &Path) -> BTreeMap<String, Digest> {
    fs::read_dir(dir)
        .expect("reads the folder")
        .map(|entry| {
            let entry = entry.expect("has an entry");
            let bytes = fs::read(entry.path()).expect("reads the file");
            (entry.file_name().to_string_lossy().into_owned(), Digest::of(&bytes))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_do_not_show() {
    let lock = thousand();
    let mut seen = Vec::new();
    for workers in [1, 8] {
        let folder = tempfile::tempdir().expect("makes a folder");
        let packed = pack_generated(&lock, folder.path(), options(workers, 1)).await;
        assert!(!folder.path().join("thousand-1.0.0-1.sealift.part").exists());
        seen.push((packed.digest, listing(&packed.dir)));
    }
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0].1.len() >= 4, "one volume only: {:?}", seen[0].1.keys());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_size_around_the_edges_comes_back() {
    const MIB: u64 = 1 << 20;
    let lock = files(&[0, 1, 511, 512, 513, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 9 * MIB + 7, 3 * MIB]);
    let signed = Signed::of(&lock, options(3, 2)).await;
    let bundle = signed.open().expect("opens");
    bundle.verify(2, &NoMeter).expect("verifies");
    for number in 0..10 {
        let item = bundle.item(ItemKind::File, &format!("file-{number}")).expect("has the item");
        let content = Content { seed: number, size: item.size, sparse: false }.bytes();
        for offset in [0, 1, item.size / 2, item.size.saturating_sub(1), item.size] {
            let mut bytes = Vec::new();
            let mut reader = bundle.blob_from(&item.digest, offset).expect("has the blob");
            reader.read_to_end(&mut bytes).expect("reads");
            let offset = offset.min(item.size) as usize;
            assert!(bytes == content[offset..], "file-{number} from {offset}");
        }
    }
}

/// Its manifest is still that of the lock: of a bit that fell over, and of somebody who may write there and wants what
/// he wrote signed.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_looked_at_byte_by_byte_before_it_is_signed() {
    let lock = files(&[100, 5 << 20]);
    let folder = tempfile::tempdir().expect("makes a folder");
    let first = pack_generated(&lock, folder.path(), options(2, 64)).await;
    let path = |name: &str| first.dir.join(name);
    let again = || async {
        let source = crate::support::generated::Generated;
        sealift_bundle::pack(&lock, &source, folder.path(), options(2, 64), &NoMeter).await
    };
    let whole = fs::read(path("volume-0000")).expect("reads");
    let (list, manifest) = (
        fs::read(path("chunks.bin")).expect("reads"),
        fs::read_to_string(path("manifest.json")).expect("reads"),
    );
    // the mode in the first header; a byte behind the first content; the last byte of all
    for at in [104, 700, whole.len() - 1] {
        let mut other = whole.clone();
        other[at] ^= 1;
        fs::write(path("volume-0000"), &other).expect("writes");
        let error = again().await.expect_err("a flipped bit was signed");
        assert!(error.is_integrity() && error.to_string().contains("volume-0000"), "{at}: {error}");
        let mut forged = Vec::new();
        for chunk in other.chunks(4 << 20) {
            let hex = Digest::of(chunk).hex();
            forged
                .extend((0..32).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("is hex")));
        }
        assert_eq!(forged.len(), list.len());
        fs::write(path("chunks.bin"), &forged).expect("writes");
        let (old, new) = (Digest::of(&list).to_string(), Digest::of(&forged).to_string());
        assert!(manifest.contains(&old));
        fs::write(path("manifest.json"), manifest.replace(&old, &new)).expect("writes");
        let error = again().await.expect_err("a forged list was signed");
        assert!(
            error.is_integrity() && error.to_string().contains("not what the lock says"),
            "{at}: {error}"
        );
        fs::write(path("chunks.bin"), &list).expect("writes");
        fs::write(path("manifest.json"), &manifest).expect("writes");
    }
    fs::remove_file(path("volume-0000")).expect("removes");
    assert!(again().await.expect_err("a missing volume was signed").is_integrity());
    fs::write(path("volume-0000"), &whole).expect("writes");
    assert!(again().await.expect("it is whole again").already);
}

/// Nobody signed it: it may speak of any number of volumes, and is looked at all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_counts_wrongly_costs_nothing() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let packed = pack_generated(&files(&[100]), folder.path(), options(1, 64)).await;
    let path = packed.dir.join("manifest.json");
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(&path).expect("reads")).expect("parses");
    manifest["stream_size"] = u64::MAX.into();
    manifest["chunks"]["count"] = (u64::MAX.div_ceil(4 << 20)).into();
    for size in [1_u64, 4 << 20] {
        manifest["volumes"][0]["size"] = size.into();
        fs::write(&path, manifest.to_string()).expect("writes");
        let error = Bundle::open(&packed.dir).and_then(|bundle| bundle.claims()).expect_err("it was taken");
        assert!(error.to_string().contains("no split of"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn packing_twice_is_once() {
    let lock = files(&[100, 5 << 20]);
    let folder = tempfile::tempdir().expect("makes a folder");
    let first = pack_generated(&lock, folder.path(), options(2, 4)).await;
    let again = pack_generated(&lock, folder.path(), options(2, 4)).await;
    assert!(again.already && !first.already);
    assert_eq!(again.digest, first.digest);
    let mut other = lock.clone();
    other.sequence = 2;
    let error = sealift_bundle::pack(
        &other,
        &crate::support::generated::Generated,
        folder.path(),
        options(2, 4),
        &NoMeter,
    )
    .await
    .expect_err("another bundle was replaced");
    assert!(error.to_string().contains("another bundle of this name"), "{error}");
}

#[test]
fn a_lock_survives_its_own_text() {
    let lock = thousand();
    let text = lock.to_yaml().expect("writes");
    assert_eq!(Lock::parse(&text, "core.lock").expect("reads"), lock);
    let unknown = text.replacen("schema: 3", "schema: 3\nsurprise: 2", 1);
    assert!(Lock::parse(&unknown, "core.lock").is_err());
    let newer = text.replacen("schema: 3", "schema: 4", 1);
    assert!(Lock::parse(&newer, "core.lock").expect_err("was taken").to_string().contains("schema 4"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_names_its_blobs() {
    let lock = thousand();
    let signed = Signed::of(&lock, options(4, 4)).await;
    let bundle: Bundle<_> = signed.open().expect("opens");
    let platform = "linux/amd64".parse().expect("is a platform");
    let images: Vec<_> = bundle.manifest().items.iter().filter(|item| item.kind == ItemKind::Image).collect();
    assert_eq!(images.len(), 40);
    for item in images {
        let blobs = bundle.image_blobs(item, &platform).expect("is whole");
        let index = usize::from(item.media_type.contains("index"));
        assert_eq!(blobs.len(), 22 + index, "{}", item.name);
        assert_eq!(blobs.last().map(|blob| blob.digest), Some(item.digest));
    }
    let arm = "linux/arm64".parse().expect("is a platform");
    let indexed =
        bundle.manifest().items.iter().find(|item| item.media_type.contains("index")).expect("is there");
    assert!(bundle.image_blobs(indexed, &arm).expect_err("was found").is_integrity());
}

/// Locks as earlier sealifts wrote them: an image, a program and an archive, from a registry, a download site and, since
/// schema 2, the machine that packs.
#[test]
fn the_lock_of_an_earlier_schema_is_read_for_ever_and_means_the_same() {
    for (old, number) in
        [(include_str!("lock_v1.yaml"), "schema: 1"), (include_str!("lock_v2.yaml"), "schema: 2")]
    {
        earlier(old, number);
    }
}

fn earlier(old: &str, number: &str) {
    let lock = Lock::parse(old, "old.lock").expect("is read");
    assert_eq!((lock.schema, lock.items.len(), lock.blobs.len()), (Lock::SCHEMA, 3, 6));
    let today = old.replacen(number, "schema: 3", 1);
    assert_eq!(lock.to_yaml().expect("is written"), today, "only its number changed");
    assert_eq!(Lock::parse(&today, "new.lock").expect("is read"), lock);
    let error = Lock::parse(&old.replacen(number, "schema: 4", 1), "late.lock").expect_err("was taken");
    let told = error.to_string();
    assert!(
        told.contains("late.lock") && told.contains("schema 4") && told.contains("sealift self-update"),
        "{told}"
    );
    assert!(Lock::parse(&old.replacen("size: 418", "size: x", 1), "bad.lock").is_err());
}
