//! A repository's signed list of its indexes: `InRelease` (<https://wiki.debian.org/DebianRepository/Format>).
//!
//! The signature is checked by gpgv, as Debian's own apt has it done.

use std::path::Path;
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_bundle::AptRepository;
use sealift_debian::{Stanza, stanzas};
use sealift_stream::Digest;
use tokio::process::Command;

use super::{date, refused};
use crate::FetchError;

/// What is believed of a repository.
pub(super) struct Release {
    text: String,
}

impl Release {
    /// Checks who signed it, that it is what was asked for, and that it has not run out.
    pub(super) async fn check(
        signed: &[u8],
        repository: &AptRepository,
        now: &str,
    ) -> Result<Self, FetchError> {
        let bad = |reason| refused(repository, reason);
        let text = verified(signed, &repository.keyring).await.map_err(bad)?;
        let release = Self { text };
        let stanza = release.stanza();
        let names = [stanza.get("Suite"), stanza.get("Codename")];
        if !names.contains(&Some(repository.suite.as_str())) {
            let said = names.into_iter().flatten().collect::<Vec<_>>().join(" or ");
            return Err(bad(format!("it says that it is {said}")));
        }
        if let Some(until) = stanza.get("Valid-Until") {
            let end =
                date::rfc3339(until).ok_or_else(|| bad(format!("its Valid-Until '{until}' is no date")))?;
            if end.as_str() < now {
                return Err(bad(format!(
                    "it was valid until {end}: somebody serves an old one, or this clock is wrong"
                )));
            }
        }
        Ok(release)
    }

    fn stanza(&self) -> Stanza<'_> {
        // a signed text has one
        stanzas(&self.text).next().unwrap_or_default()
    }

    /// Digest and size of one of its files.
    pub(super) fn file(&self, path: &str) -> Option<(Digest, u64)> {
        self.stanza().lines("SHA256").find_map(|line| {
            let mut words = line.split_whitespace();
            let (digest, size, name) = (words.next()?, words.next()?, words.next()?);
            (name == path).then_some(())?;
            Some((format!("sha256:{digest}").parse().ok()?, size.parse().ok()?))
        })
    }

    /// Whether its files can be asked for by their digest, so that no new index comes between two questions.
    pub(super) fn by_hash(&self) -> bool {
        self.stanza().get("Acquire-By-Hash") == Some("yes")
    }
}

/// The text that one of the keys signed.
async fn verified(signed: &[u8], keyring: &str) -> Result<String, String> {
    let keys = std::fs::read(keyring).map_err(|error| format!("reading keyring {keyring}: {error}"))?;
    let keys = binary(&keys).map_err(|reason| format!("keyring {keyring}: {reason}"))?;
    let scratch = tempfile::tempdir().map_err(|error| format!("making a temporary folder: {error}"))?;
    let at = |name: &str| scratch.path().join(name);
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(at(name), bytes).map_err(|error| format!("writing a temporary file: {error}"))
    };
    write("keys", &keys)?;
    write("InRelease", signed)?;
    let output = gpgv(scratch.path()).output().await;
    let output = output
        .map_err(|error| format!("starting gpgv, which checks its signature: {error}; install gpgv"))?;
    if let Err(why) = good(&String::from_utf8_lossy(&output.stdout)) {
        let said = String::from_utf8_lossy(&output.stderr).replace("gpgv: ", "");
        let said: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        return Err(format!("its signature {why} (keys: {keyring}): {}", said.join("; ")));
    }
    let text = std::fs::read(at("text")).map_err(|error| format!("reading what gpgv gives out: {error}"))?;
    String::from_utf8(text).map_err(|_| "it is not text".to_owned())
}

/// `--output` gives out only what the signature covers: what stands before or behind it is nobody's word.
fn gpgv(scratch: &Path) -> Command {
    let mut command = Command::new("gpgv");
    command.args([
        "--homedir",
        ".",
        "--keyring",
        "./keys",
        "--status-fd",
        "1",
        "--output",
        "text",
        "InRelease",
    ]);
    command.current_dir(scratch).env("LC_ALL", "C");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Whether one of the signatures is good: by a key that is ours, has not run out and was not taken back, over a digest that
/// nobody can forge. gpgv's exit status says neither, and fails for a second signature whose key we have not; its status
/// lines do (`doc/DETAILS` of `GnuPG`).
fn good(status: &str) -> Result<(), String> {
    let lines = status.lines().filter_map(|line| line.strip_prefix("[GNUPG:] "));
    let lines: Vec<Vec<&str>> = lines.map(|line| line.split(' ').collect()).collect();
    if lines.iter().any(|line| line[0] == "BADSIG") {
        return Err("is not over this text".to_owned());
    }
    let mut why = "is by none of the keys".to_owned();
    for signature in lines.split(|line| line[0] == "NEWSIG") {
        let find = |word: &str| signature.iter().find(|line| line[0] == word);
        for (word, what) in [
            ("EXPKEYSIG", "is by a key that has run out"),
            ("REVKEYSIG", "is by a key that was revoked"),
            ("EXPSIG", "has run out"),
        ] {
            if find(word).is_some() {
                what.clone_into(&mut why);
            }
        }
        // VALIDSIG fingerprint date time expires version reserved key-algorithm hash-algorithm ...
        let hash = find("VALIDSIG").and_then(|line| line.get(8)).copied();
        match (find("GOODSIG"), hash) {
            // SHA-256, SHA-384, SHA-512 (RFC 9580, 9.5)
            (Some(_), Some("8" | "9" | "10")) => return Ok(()),
            (Some(_), _) => "is over a weak digest".clone_into(&mut why),
            _ => {}
        }
    }
    Err(why)
}

/// gpgv reads no armour (RFC 9580, 6).
fn binary(keys: &[u8]) -> Result<Vec<u8>, String> {
    let Some(text) =
        std::str::from_utf8(keys).ok().filter(|text| text.trim_start().starts_with("-----BEGIN PGP"))
    else {
        return Ok(keys.to_owned());
    };
    let mut all = vec![];
    for block in text.split("-----BEGIN PGP PUBLIC KEY BLOCK-----").skip(1) {
        let block = block.split("-----END PGP").next().unwrap_or_default().replace('\r', "");
        // headers end with an empty line, and a checksum begins with `=`
        let body = block.split_once("\n\n").map_or("", |(_, body)| body);
        let base64: String = body.lines().map(str::trim).take_while(|line| !line.starts_with('=')).collect();
        all.extend(STANDARD.decode(base64).map_err(|error| format!("its armour: {error}"))?);
    }
    if all.is_empty() { Err("no public key is in it".to_owned()) } else { Ok(all) }
}
