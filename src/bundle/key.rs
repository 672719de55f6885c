//! Making and loading signing keys, in minisign's own format.

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_stream::AtomicFile;

use crate::KeyId;

/// A key that signs bundles. Its `Debug` shows the key's number only.
pub struct SecretKey {
    inner: minisign::SecretKey,
}

/// Why a key cannot be made or used. Usage, not integrity.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file system said no.
    #[error("{doing} key {path}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A key is there already; a lost key cannot be had back.
    #[error("making key {path}: it is there already, and a key is never overwritten")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The password is missing.
    #[error("loading key {path}: it is protected by a password, and none was given")]
    PasswordNeeded {
        /// The file.
        path: PathBuf,
    },
    /// It is not a key, or the password is wrong.
    #[error("{doing} key {path}: {reason}")]
    Unusable {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// Makes `STEM.sec` (mode 0600) and `STEM.pub`. Without a password the secret key lies open in its file:
/// callers ask for that by name.
///
/// The key derivation (scrypt) takes 32 MiB; keys made by the `minisign` program may ask for 1 GiB.
pub fn generate_key(stem: &Path, password: Option<String>) -> Result<KeyId, KeyError> {
    let (secret, public) = (with_suffix(stem, "sec"), with_suffix(stem, "pub"));
    for path in [&secret, &public] {
        if path.symlink_metadata().is_ok() {
            return Err(KeyError::Exists { path: path.clone() });
        }
    }
    let unusable = |error: minisign::PError| KeyError::Unusable {
        doing: "making",
        path: secret.clone(),
        reason: error.to_string(),
    };
    let pair = match password {
        None => minisign::KeyPair::generate_unencrypted_keypair(),
        Some(password) => minisign::KeyPair::generate_encrypted_keypair(Some(password)),
    }
    .map_err(unusable)?;
    let secret_text = pair.sk.to_box(None).map_err(unusable)?.to_bytes();
    let public_text = pair.pk.to_box().map_err(unusable)?.to_bytes();
    write(&secret, &secret_text, 0o600)?;
    write(&public, &public_text, 0o644)?;
    Ok(key_id(pair.pk.keynum()))
}

impl SecretKey {
    /// Whether the key in this file needs a password.
    pub fn needs_password(path: &Path) -> Result<bool, KeyError> {
        needs_password(&read(path)?, path)
    }

    /// Loads a `.sec` file. A password is used only when the key needs one.
    pub fn load(path: &Path, password: Option<String>) -> Result<Self, KeyError> {
        let text = read(path)?;
        let unusable = |error: minisign::PError| KeyError::Unusable {
            doing: "loading",
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let sealed = minisign::SecretKeyBox::from_string(&text).map_err(unusable)?;
        let inner = match (needs_password(&text, path)?, password) {
            (false, _) => unsealed(&text, sealed).map_err(unusable)?,
            // Without this the library would ask on the terminal by itself.
            (true, None) => return Err(KeyError::PasswordNeeded { path: path.to_owned() }),
            (true, password) => sealed.into_secret_key(password).map_err(unusable)?,
        };
        Ok(Self { inner })
    }

    /// The key's number.
    pub fn id(&self) -> KeyId {
        key_id(self.inner.keynum())
    }

    /// The text of a `.minisig` file over some bytes.
    pub(crate) fn sign(&self, bytes: &[u8], trusted_comment: &str) -> Result<String, String> {
        let comment = format!("signature from sealift, key {}", self.id());
        minisign::sign(None, &self.inner, bytes, Some(trusted_comment), Some(&comment))
            .map(minisign::SignatureBox::into_string)
            .map_err(|error| error.to_string())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.id())
    }
}

/// A key that no password protects. The library insists on its checksum, the `minisign` program writes none there (`-W`
/// leaves those 32 bytes zero); then a signature that the key's own public half accepts says that it is whole.
fn unsealed(text: &str, sealed: minisign::SecretKeyBox) -> Result<minisign::SecretKey, minisign::PError> {
    let raw = raw(text);
    if !raw.ends_with(&[0; 32]) {
        return sealed.into_unencrypted_secret_key();
    }
    let key = minisign::SecretKey::from_bytes(&raw)?;
    let public = minisign::PublicKey::from_secret_key(&key)?;
    let tried = minisign::sign(Some(&public), &key, &b""[..], None, None);
    tried.map(|_| key).map_err(|_| minisign::PError::new(minisign::ErrorKind::Verify, "Corrupted key"))
}

/// The key itself: the file's second line.
fn raw(text: &str) -> Vec<u8> {
    text.lines().nth(1).and_then(|line| STANDARD.decode(line.trim()).ok()).unwrap_or_default()
}

/// Bytes 2 and 3 of a secret key name its key derivation; two zeros mean none.
fn needs_password(text: &str, path: &Path) -> Result<bool, KeyError> {
    match raw(text).get(..4) {
        Some(b"Ed\0\0") => Ok(false),
        Some(b"EdSc") => Ok(true),
        _ => Err(KeyError::Unusable {
            doing: "loading",
            path: path.to_owned(),
            reason: "it is not a minisign secret key".into(),
        }),
    }
}

fn key_id(bytes: &[u8]) -> KeyId {
    KeyId::from_bytes(bytes.try_into().unwrap_or_default())
}

fn read(path: &Path) -> Result<String, KeyError> {
    fs::read_to_string(path).map_err(|source| KeyError::Io {
        doing: "reading",
        path: path.to_owned(),
        source,
    })
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), KeyError> {
    let done = || -> std::io::Result<()> {
        let mut file = AtomicFile::create_mode(path, mode)?;
        file.write_all(bytes)?;
        file.commit()
    };
    done().map_err(|source| KeyError::Io { doing: "writing", path: path.to_owned(), source })
}

/// `plant.2` becomes `plant.2.sec`, not `plant.sec`.
fn with_suffix(stem: &Path, suffix: &str) -> PathBuf {
    let mut text = stem.as_os_str().to_owned();
    text.push(".");
    text.push(suffix);
    text.into()
}
