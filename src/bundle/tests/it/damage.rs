//! One flipped bit anywhere, a cut, a missing or an extra volume: named by volume and range.

use std::fs;

use sealift_stream::{Digest, NoMeter};

use crate::support::{Signed, files, flip, options};

/// Three volumes of two chunks, the last one shorter.
async fn three_volumes() -> Signed {
    let signed = Signed::of(&files(&[9 << 20, 700, 8 << 20]), options(2, 2)).await;
    let volumes = signed.open().expect("opens").manifest().volumes.clone();
    assert_eq!(volumes.len(), 3);
    signed
}

#[tokio::test(flavor = "multi_thread")]
async fn one_flipped_bit_is_named() {
    let signed = three_volumes().await;
    let volumes = signed.open().expect("opens").manifest().volumes.clone();
    for volume in &volumes {
        let path = signed.path(&volume.name);
        // First and last byte (a header, the end's padding), both sides of the chunk's edge, and between.
        let edge = (4 << 20).min(volume.size - 1);
        for (byte, bit) in [(0, 0), (600, 7), (edge - 1, 3), (edge, 5), (volume.size - 1, 1)] {
            flip(&path, byte, bit);
            let from = byte / (4 << 20) * 4;
            let to = (from + 4).min(volume.size.div_ceil(1 << 20));
            let want = format!("damaged: {}, {from}-{to} MiB", volume.name);
            let refusal = signed.refusal();
            assert!(refusal.ends_with(&want), "byte {byte} of {}: {refusal}, not {want}", volume.name);
            flip(&path, byte, bit);
        }
    }
    signed.open().expect("opens").verify(2, &NoMeter).expect("is whole again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_chunk_is_never_given_out() {
    use std::io::Read;
    let signed = three_volumes().await;
    let bundle = signed.open().expect("opens");
    let blob = bundle.manifest().blobs.iter().find(|blob| blob.size == 9 << 20).expect("is there").clone();
    // In the blob's second chunk, after the bundle was opened: a stick swapped in between.
    let place = (blob.offset / (4 << 20) + 1) * (4 << 20) + 5;
    let volume = &bundle.manifest().volumes[(place / (8 << 20)) as usize].name;
    flip(&signed.path(volume), place % (8 << 20), 0);
    let mut bytes = Vec::new();
    let error =
        bundle.blob(&blob.digest).expect("is listed").read_to_end(&mut bytes).expect_err("was given out");
    let refusal = sealift_bundle::BundleError::refusal_in(&error).expect("is a refusal").to_string();
    assert!(refusal.contains(volume.as_str()), "{refusal}");
    assert_eq!(bytes.len() as u64, (4 << 20) - blob.offset % (4 << 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_damages_are_told_at_once() {
    let signed = three_volumes().await;
    flip(&signed.path("volume-0000"), 1, 0);
    flip(&signed.path("volume-0000"), 5 << 20, 0);
    flip(&signed.path("volume-0001"), 7 << 20, 0);
    let refusal = signed.refusal();
    assert!(refusal.ends_with("damaged: volume-0000, 0-8 MiB; volume-0001, 4-8 MiB"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_cut_grown_and_unlisted_volumes_are_named() {
    let signed = three_volumes().await;
    let path = signed.path("volume-0001");
    let bytes = fs::read(&path).expect("reads");
    fs::remove_file(&path).expect("removes");
    assert!(signed.refusal().contains("volume-0001 is missing"));
    fs::write(&path, &bytes[..5 << 20]).expect("writes");
    let refusal = signed.refusal();
    assert!(
        refusal.contains("volume-0001 is cut: 5242880 of 8388608 bytes (volume-0001, 4-8 MiB"),
        "{refusal}"
    );
    fs::write(&path, [&bytes[..], b"x"].concat()).expect("writes");
    assert!(signed.refusal().contains("volume-0001 has 8388609 bytes instead of 8388608"));
    fs::write(&path, &bytes).expect("writes");
    fs::write(signed.path("volume-0003"), b"x").expect("writes");
    assert!(signed.refusal().contains("volume-0003 is not in the signed list"));
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_files_are_named_and_left_alone() {
    let signed = three_volumes().await;
    for name in ["._volume-0000", "Thumbs.db", ".Trashes", "volume-0000.bak"] {
        fs::write(signed.path(name), b"x").expect("writes");
    }
    fs::create_dir(signed.path("System Volume Information")).expect("makes");
    let report = signed.open().expect("opens").verify(1, &NoMeter).expect("verifies");
    let want = [".Trashes", "._volume-0000", "System Volume Information", "Thumbs.db", "volume-0000.bak"];
    assert_eq!(report.foreign, want);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chunk_list_is_the_signed_one() {
    let signed = three_volumes().await;
    let path = signed.path("chunks.bin");
    let good = fs::read(&path).expect("reads");
    for byte in [0, good.len() as u64 - 1] {
        flip(&path, byte, 0);
        assert!(signed.refusal().contains("it is not the signed one"));
        flip(&path, byte, 0);
    }
    fs::write(&path, &good[..good.len() - 32]).expect("writes");
    assert!(signed.refusal().contains("chunks.bin: it has"));
    // A list that matches tampered volumes is still not the signed one.
    let mut forged = good.clone();
    forged[..32].copy_from_slice(Digest::of(b"forged").raw());
    fs::write(&path, &forged).expect("writes");
    assert!(signed.refusal().contains("it is not the signed one"));
    fs::remove_file(&path).expect("removes");
    assert!(signed.refusal().contains("chunks.bin: it is missing"));
}
