//! Putting a signature under a bundle.

use std::fs;
use std::path::{Path, PathBuf};

use sealift_stream::AtomicFile;

use crate::files::{MANIFEST, SIGNATURE, SIGNATURES};
use crate::manifest::ManifestError;
use crate::minisig::Minisig;
use crate::{BundleError, KeyId, Manifest, Refusal, SecretKey};

/// Signs the manifest in `dir` and returns the key's number.
///
/// The first signer's signature is `manifest.json.minisig`; a further signer's is `signatures/KEYID.minisig`.
/// A second signature by the same key replaces its first.
pub fn sign(dir: &Path, key: &SecretKey) -> Result<KeyId, BundleError> {
    let path = dir.join(MANIFEST);
    let bytes = fs::read(&path).map_err(BundleError::reading(&path))?;
    let refused = |reason| BundleError::from(Refusal::Manifest { path: path.clone(), reason });
    let manifest = Manifest::parse(&bytes).map_err(|error: ManifestError| refused(error.to_string()))?;
    let comment = format!(
        "sealift bundle name={} version={} sequence={}",
        manifest.name, manifest.version, manifest.sequence
    );
    let text = key.sign(&bytes, &comment).map_err(refused)?;
    let target = match fs::read(dir.join(SIGNATURE)).ok().and_then(|bytes| Minisig::parse(&bytes).ok()) {
        Some(other) if other.key != key.id() => {
            let folder = dir.join(SIGNATURES);
            fs::create_dir_all(&folder).map_err(BundleError::io("making", &folder))?;
            folder.join(format!("{}.minisig", key.id()))
        }
        _ => dir.join(SIGNATURE),
    };
    AtomicFile::write(&target, text.as_bytes()).map_err(BundleError::io("writing", &target))?;
    Ok(key.id())
}

/// Signs bytes that lie at `path`: the signature is `PATH.minisig`, which the `minisign` program verifies. The
/// comment is bound by it too.
pub fn sign_document(
    path: &Path,
    bytes: &[u8],
    comment: &str,
    key: &SecretKey,
) -> Result<PathBuf, BundleError> {
    let mut target = path.as_os_str().to_owned();
    target.push(".minisig");
    let target = PathBuf::from(target);
    let written = key.sign(bytes, comment).map_err(std::io::Error::other);
    let written = written.and_then(|text| AtomicFile::write(&target, text.as_bytes()));
    written.map_err(BundleError::io("writing signature", &target))?;
    Ok(target)
}
