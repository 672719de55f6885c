//! Who vouches: bent signatures and manifests are refused, each for its own reason.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_bundle::{Bundle, BundleError, Refusal, SecretKey, Trust, generate_key, sign};
use serde_json::{Value, json};

use crate::support::{Signed, files, flip, key, options};

async fn small() -> Signed {
    Signed::of(&files(&[700]), options(1, 1)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn any_bit_of_manifest_and_signature_counts() {
    let signed = small().await;
    let size = fs::metadata(signed.path("manifest.json")).expect("is there").len();
    for byte in 0..size {
        flip(&signed.path("manifest.json"), byte, (byte % 8) as u8);
        assert!(signed.refusal().contains("does not match manifest.json"));
        flip(&signed.path("manifest.json"), byte, (byte % 8) as u8);
    }
    let path = signed.path("manifest.json.minisig");
    let text = fs::read(&path).expect("reads");
    // The untrusted comment's own text is signed by nobody, and shown to nobody.
    let comment = b"untrusted comment: ".len()..text.iter().position(|b| *b == b'\n').expect("has lines");
    for byte in (0..text.len()).filter(|byte| !comment.contains(byte)) {
        for bit in 0..8 {
            flip(&path, byte as u64, bit);
            let error = signed.open().err().map(|error| error.to_string());
            assert!(error.is_some(), "bit {bit} of byte {byte} of the signature does not count");
            flip(&path, byte as u64, bit);
        }
    }
    signed.open().expect("is whole again");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_spellings_of_a_signature_are_refused() {
    let signed = small().await;
    let path = signed.path("manifest.json.minisig");
    let good = fs::read_to_string(&path).expect("reads");
    let lines: Vec<&str> = good.lines().collect();
    // The last character before "==" carries four unused bits.
    let slack = |line: &str| {
        let at = line.trim_end_matches('=').len() - 1;
        let last = line.as_bytes()[at];
        let next = char::from(if last == b'A' { b'B' } else { last + 1 });
        format!("{}{next}{}", &line[..at], &line[at + 1..])
    };
    for (bad, why) in [
        (good.replace('\n', "\r\n"), "untrusted comment"),
        (format!("{good}\n"), "5 lines"),
        (good.trim_end().to_owned(), "last line does not end"),
        (good.replace(lines[3], &slack(lines[3])), "not canonical"),
        (good.replace(lines[1], lines[1].trim_end_matches('=')), "canonical"),
        (lines[..3].join("\n") + "\n", "3 lines"),
        ("x".repeat(5000), "more than 4096 bytes"),
        (String::new(), "last line does not end"),
    ] {
        fs::write(&path, &bad).expect("writes");
        let refusal = signed.refusal();
        assert!(refusal.contains(why), "{refusal}, not {why}");
    }
    fs::remove_file(&path).expect("removes");
    assert!(signed.refusal().contains("it has no signature"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_trusted_keys_count() {
    let signed = small().await;
    let (other, other_public) = key(signed.folder.path(), "other");
    let trust = Trust::from_files(&[&other_public]).expect("loads");
    let error = Bundle::open(&signed.dir).expect("opens").authenticate(&trust).expect_err("was trusted");
    let want = format!("none of the trusted keys ({})", other.id());
    assert!(error.to_string().contains(&want), "{error}");
    assert!(matches!(error, BundleError::Refused(Refusal::UnknownKey { .. })));
    // A second signer beside the first; then both are enough, alone.
    sign(&signed.dir, &other).expect("signs");
    assert!(signed.path(&format!("signatures/{}.minisig", other.id())).exists());
    assert_eq!(
        Bundle::open(&signed.dir).expect("opens").authenticate(&trust).expect("trusts").signer(),
        other.id()
    );
    assert_ne!(signed.open().expect("opens").signer(), other.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn manifests_that_make_no_sense_are_refused_though_signed() {
    let signed = small().await;
    let path = signed.path("manifest.json");
    let good = fs::read_to_string(&path).expect("reads");
    let (secret, _) = key(signed.folder.path(), "signer");
    let trust = Trust::from_files(&[signed.folder.path().join("signer.pub")]).expect("loads");
    let refusal = |text: &str| {
        // sealift itself does not sign such a thing; a signer of other make might.
        fs::write(&path, text).expect("writes");
        assert!(sign(&signed.dir, &secret).is_err(), "was signed: {text}");
        let minisign = minisign(&signed, text);
        fs::write(signed.path("manifest.json.minisig"), minisign).expect("writes");
        Bundle::open(&signed.dir).expect("opens").authenticate(&trust).expect_err("was taken").to_string()
    };
    let edit = |change: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_str(&good).expect("parses");
        change(&mut value);
        refusal(&value.to_string())
    };
    assert!(refusal(&good.replacen("\"schema\": 1,", "\"schema\": 1, \"schema\": 1,", 1)).contains("twice"));
    assert!(edit(&|m| m["surprise"] = json!(1)).contains("unknown field `surprise`"));
    assert!(edit(&|m| m["type"] = json!("sealift.dev/plan")).contains("of type 'sealift.dev/plan'"));
    assert!(edit(&|m| m["schema"] = json!(2)).contains("schema 2"));
    let new = edit(&|m| {
        m["minimum_sealift"] = json!("99.0.0");
        m["surprise"] = json!(1);
    });
    assert!(new.contains("needs sealift 99.0.0 or later"), "{new}");
    assert!(edit(&|m| m["chunk_size"] = json!(1 << 30)).contains("schema 1 has"));
    assert!(edit(&|m| m["volumes"][0]["name"] = json!("../../etc/passwd")).contains("no split"));
    assert!(edit(&|m| m["volumes"][0]["size"] = json!(0)).contains("no split"));
    assert!(edit(&|m| m["stream_size"] = json!(u64::MAX)).contains("chunks"));
    assert!(edit(&|m| m["blobs"][0]["size"] = json!(u64::MAX)).contains("beyond the end"));
    assert!(edit(&|m| m["blobs"][1]["offset"] = m["blobs"][0]["offset"].clone()).contains("overlaps"));
    assert!(edit(&|m| m["blobs"][0]["offset"] = json!(7)).contains("overlaps"));
    assert!(edit(&|m| m["items"][0]["size"] = json!(1)).contains("another size"));
    assert!(edit(&|m| m["items"][0]["name"] = json!("../x")).contains("must begin with a letter"));
    assert!(edit(&|m| m["name"] = json!("a/b")).contains("must begin with a letter"));
    assert!(refusal("{").contains("EOF"));
    assert!(refusal(&format!("{good}x")).contains("trailing"));
}

/// Signs with Debian's minisign, which does not look at what it signs.
fn minisign(signed: &Signed, text: &str) -> String {
    let (file, out) = (signed.folder.path().join("doc"), signed.folder.path().join("doc.minisig"));
    fs::write(&file, text).expect("writes");
    let done = std::process::Command::new("minisign")
        .arg("-S")
        .arg("-s")
        .arg(signed.folder.path().join("signer.sec"))
        .arg("-m")
        .arg(&file)
        .output()
        .expect("runs minisign (Debian package minisign)");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    fs::read_to_string(out).expect("reads")
}

/// As `minisign -G -W` makes them: open, and without the checksum that the others have.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_the_minisign_program_signs() {
    let signed = small().await;
    let folder = tempfile::tempdir().expect("makes a folder");
    let (public, secret) = (folder.path().join("k.pub"), folder.path().join("k.sec"));
    let mut minisign = std::process::Command::new("minisign");
    let made = minisign.args(["-G", "-W", "-p"]).arg(&public).arg("-s").arg(&secret).output();
    assert!(made.expect("runs minisign (Debian package minisign)").status.success());
    fs::remove_file(signed.path("manifest.json.minisig")).expect("removes");
    sign(&signed.dir, &SecretKey::load(&secret, None).expect("loads")).expect("signs");
    let trust = Trust::from_files(&[&public]).expect("loads the public key");
    Bundle::open(&signed.dir).expect("opens").authenticate(&trust).expect("is signed");

    // a bit of the seed, which begins at byte 62
    let text = fs::read_to_string(&secret).expect("reads");
    let (comment, key) = text.trim_end().split_once('\n').expect("has two lines");
    let mut raw = STANDARD.decode(key).expect("is base64");
    raw[70] ^= 1;
    fs::write(&secret, format!("{comment}\n{}\n", STANDARD.encode(raw))).expect("writes");
    let error = SecretKey::load(&secret, None).expect_err("is damaged").to_string();
    assert!(error.contains("Corrupted key"), "{error}");
}

#[test]
fn keys_are_made_once_and_for_their_owner() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("makes a folder");
    let stem = folder.path().join("site.7");
    let id = generate_key(&stem, Some("correct horse".into())).expect("makes a key");
    let secret = folder.path().join("site.7.sec");
    assert_eq!(fs::metadata(&secret).expect("is there").permissions().mode() & 0o777, 0o600);
    assert!(SecretKey::needs_password(&secret).expect("reads"));
    assert!(
        generate_key(&stem, None).expect_err("was overwritten").to_string().contains("never overwritten")
    );
    let load = |password: Option<&str>| SecretKey::load(&secret, password.map(str::to_owned));
    assert_eq!(load(Some("correct horse")).expect("loads").id(), id);
    assert!(load(Some("wrong")).expect_err("was taken").to_string().contains("password"));
    assert!(load(None).expect_err("was taken").to_string().contains("none was given"));
    assert_eq!(format!("{:?}", load(Some("correct horse")).expect("loads")), format!("SecretKey({id})"));
    let public = folder.path().join("site.7.pub");
    assert!(SecretKey::load(&public, None).is_err());
    assert!(Trust::from_files(&[&secret]).is_err());
    assert_eq!(Trust::from_files(&[&public]).expect("loads").key_ids(), [id]);
}
