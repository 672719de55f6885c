//! The sealift in a bundle, found by one that is too old for the rest.

use std::fs;
use std::io::Read as _;
use std::process::Command;

use sealift_bundle::{Brings, Bundle, BundleError, Carrier, Platform, Refusal, SEALIFT, Trust};
use sealift_stream::Digest;
use serde_json::{Value, json};

use crate::support::generated::Content;
use crate::support::{Signed, add_file, empty_lock, flip, options};

const MIB: u64 = 1 << 20;

/// A bundle with sealift 0.2.0 for this machine between two other files, signed by `test.sec`.
async fn carrier() -> Signed {
    let mut lock = empty_lock("core");
    for (seed, name) in ["kubelet", SEALIFT, "tools"].into_iter().enumerate() {
        let size = if name == SEALIFT { 9 * MIB + 7 } else { 3 * MIB };
        add_file(&mut lock, name, Content { seed: seed as u64, size, sparse: false });
    }
    "0.2.0".clone_into(&mut lock.items[1].version);
    lock.items[1].platform = Some(Platform::here());
    Signed::of(&lock.normalise().expect("is a lock"), options(2, 1)).await
}

/// Signs a changed manifest with Debian's minisign, which does not look at what it signs.
fn sign_again(signed: &Signed, change: impl Fn(&mut Value)) {
    let path = signed.path("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).expect("reads")).expect("parses");
    change(&mut manifest);
    fs::write(&path, manifest.to_string()).expect("writes");
    let secret = signed.folder.path().join("test.sec");
    let mut minisign = Command::new("minisign");
    let done = minisign.arg("-S").arg("-s").arg(secret).arg("-m").arg(&path).output();
    let done = done.expect("runs minisign (Debian package minisign)");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// What a sealift of next year may have written: all but the core is new.
fn of_next_year(manifest: &mut Value) {
    manifest["minimum_sealift"] = json!("99.0.0");
    manifest["surprise"] = json!({"a": [1, 2]});
    manifest["kubernetes"] = json!("replaced by something else");
    manifest["platforms"] = json!([{"os": "linux"}]);
    manifest["chunks"]["tree"] = json!("sha512:00");
    manifest["volumes"][0]["label"] = json!("STICK");
    manifest["blobs"][0]["kind"] = json!("model");
    manifest["blobs"][0]["stored"] = json!(7);
    let items = manifest["items"].as_array_mut().expect("is a list");
    items[0]["kind"] = json!("model");
    items[0]["license"] = json!("Apache-2.0");
    let mut other = items[1].clone();
    other["platform"] = json!("plan9/mips");
    items.insert(0, other);
}

fn open(signed: &Signed) -> Result<Bundle<Carrier>, BundleError> {
    Bundle::open(&signed.dir)?.authenticate_carrier(&signed.trust, &Platform::here())
}

fn read(bundle: &Bundle<Carrier>) -> Result<Digest, std::io::Error> {
    let mut bytes = vec![];
    bundle.read(bundle.carried().expect("brings one"))?.read_to_end(&mut bytes)?;
    Ok(Digest::of(&bytes))
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_read_whether_the_rest_can_be_or_not() {
    let signed = carrier().await;
    let wanted = Content { seed: 1, size: 9 * MIB + 7, sparse: false }.digest();
    for late in [false, true] {
        if late {
            sign_again(&signed, of_next_year);
        }
        let bundle = open(&signed).expect("opens");
        let carried = bundle.carried().expect("brings one");
        assert_eq!((carried.version.to_string().as_str(), carried.digest), ("0.2.0", wanted));
        assert_eq!(read(&bundle).expect("reads"), wanted);
        assert_eq!(bundle.platforms().len(), 1 + usize::from(late));
        assert_eq!(bundle.title(), "core 1.0.0-1");
    }
    let told = signed.open().expect_err("was taken");
    let BundleError::Refused(Refusal::TooNew { brings, .. }) = &told else { panic!("{told}") };
    assert_eq!(**brings, Brings::Sealift("0.2.0".parse().expect("is a version")));
    assert!(
        told.to_string().contains("needs sealift 99.0.0 or later")
            && told.to_string().contains("it brings sealift 0.2.0")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said() {
    let signed = carrier().await;
    sign_again(&signed, |manifest| {
        of_next_year(manifest);
        manifest["items"][2]["platform"] = json!("plan9/arm");
    });
    let bundle = open(&signed).expect("opens");
    assert!(bundle.carried().is_none());
    assert_eq!(bundle.platforms(), ["plan9/mips", "plan9/arm"]);
    let told = signed.open().expect_err("was taken").to_string();
    assert!(told.contains(&format!("it brings no sealift for {}", Platform::here())), "{told}");

    sign_again(&signed, |manifest| manifest["schema"] = json!(2));
    let told = open(&signed).expect_err("was taken");
    assert!(matches!(told, BundleError::Refused(Refusal::UnknownSchema { schema: 2, .. })), "{told}");
    let told = signed.open().expect_err("was taken").to_string();
    assert!(told.contains("its schema 2 is unknown, so it cannot be asked for one"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_it_is_given_out_that_was_not_signed() {
    let signed = carrier().await;
    sign_again(&signed, of_next_year);
    let stranger = {
        let (_, public) = crate::support::key(signed.folder.path(), "stranger");
        Trust::from_files(&[&public]).expect("loads")
    };
    let told = Bundle::open(&signed.dir).expect("opens").authenticate_carrier(&stranger, &Platform::here());
    assert!(matches!(told, Err(BundleError::Refused(Refusal::UnknownKey { .. }))));

    let bundle = open(&signed).expect("opens");
    let volume = signed.path("volume-0001");
    flip(&volume, 2 * MIB, 3);
    let error = read(&bundle).expect_err("a flipped bit was given out");
    assert!(matches!(BundleError::refusal_in(&error), Some(Refusal::Damaged { .. })), "{error}");
    flip(&volume, 2 * MIB, 3);
    read(&bundle).expect("reads");

    for (change, why) in
        [(json!("0.2.0 "), "version '0.2.0 ' of file sealift is none"), (json!(7), "invalid type")]
    {
        sign_again(&signed, |manifest| manifest["items"][2]["version"] = change.clone());
        let told = open(&signed).expect_err("was taken").to_string();
        assert!(told.contains(why), "{told}");
    }
    sign_again(&signed, |manifest| {
        manifest["items"][2]["version"] = json!("0.2.0");
        manifest["items"][2]["size"] = json!(1);
    });
    assert!(open(&signed).expect_err("was taken").to_string().contains("another size than its blob"));
}
