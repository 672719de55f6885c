//! Opening a bundle. Only one whose signature was checked can be read from.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sealift_stream::Digest;

use crate::files::{self, MANIFEST, MANIFEST_LIMIT, SIGNATURE, SIGNATURE_LIMIT, SIGNATURES};
use crate::manifest::{ManifestError, own_version};
use crate::minisig::Minisig;
use crate::verified::Verified;
use crate::{BundleError, Carrier, KeyId, Manifest, Platform, Refusal, Trust};
use crate::{carrier, nearby};

/// A bundle's directory; `S` says whether its signature has been checked.
#[derive(Debug)]
pub struct Bundle<S> {
    pub(crate) dir: PathBuf,
    pub(crate) state: S,
}

/// Not checked yet: no method reads content.
#[derive(Debug)]
pub struct Unverified {
    manifest: Vec<u8>,
    signatures: Vec<(PathBuf, Vec<u8>)>,
}

impl<S> Bundle<S> {
    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Bundle<Unverified> {
    /// Reads the manifest's bytes and the signatures; believes none of them.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, BundleError> {
        let dir = dir.into();
        let manifest = files::read_limited(&dir.join(MANIFEST), MANIFEST_LIMIT)
            .map_err(|error| nearby::explain(&dir, error))?;
        let mut paths = vec![dir.join(SIGNATURE)];
        paths.extend(further_signatures(&dir)?);
        let mut signatures = Vec::new();
        for path in paths {
            match files::read_limited(&path, SIGNATURE_LIMIT) {
                Ok(bytes) => signatures.push((path, bytes)),
                Err(BundleError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                Err(BundleError::Refused(_)) => {
                    let reason = format!("it has more than {SIGNATURE_LIMIT} bytes");
                    return Err(Refusal::SignatureFormat { path, reason }.into());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Self { dir, state: Unverified { manifest, signatures } })
    }

    /// What the manifest claims, for people to look at (`inspect` without a key). Nothing of it is proved.
    pub fn claims(&self) -> Result<Manifest, BundleError> {
        self.parse()
    }

    /// The numbers of the keys that the signatures name; nothing of it is proved.
    pub fn claimed_signers(&self) -> Vec<KeyId> {
        self.state.signatures.iter().filter_map(|(_, bytes)| Some(Minisig::parse(bytes).ok()?.key)).collect()
    }

    /// Checks the signature, then the manifest, the chunk list, and that exactly the listed volumes are
    /// there in their sizes. Content is checked when it is read.
    pub fn authenticate(self, trust: &Trust) -> Result<Bundle<Verified>, BundleError> {
        let (signer, comment) = self.check_signatures(trust)?;
        let manifest = self.parse()?;
        let mut state = Verified::open(&self.dir, manifest, signer, comment)?;
        state.digest = Some(Digest::of(&self.state.manifest));
        Ok(Bundle { dir: self.dir, state })
    }

    /// Checks the signature, then of the manifest only what finding a sealift for `platform` needs: also of a bundle
    /// that the running sealift is too old for. That it is not is the caller's business to look.
    pub fn authenticate_carrier(
        self,
        trust: &Trust,
        platform: &Platform,
    ) -> Result<Bundle<Carrier>, BundleError> {
        let signed = self.check_signatures(trust)?;
        let state = Carrier::open(&self.dir, &self.state.manifest, signed, platform)?;
        Ok(Bundle { dir: self.dir, state })
    }

    /// Every signature file must be well-formed, every one by a key we trust must be good, and there must be one.
    fn check_signatures(&self, trust: &Trust) -> Result<(KeyId, String), BundleError> {
        let (mut seen, mut good) = (Vec::new(), None);
        for (path, bytes) in &self.state.signatures {
            let minisig = Minisig::parse(bytes)
                .map_err(|reason| Refusal::SignatureFormat { path: path.clone(), reason })?;
            match trust.check(&minisig, &self.state.manifest) {
                Some(true) => {
                    let comment = minisig.signature.trusted_comment().to_owned();
                    good.get_or_insert((minisig.key, comment));
                }
                Some(false) => {
                    return Err(Refusal::SignatureBad { path: path.clone(), key: minisig.key }.into());
                }
                None => seen.push(minisig.key),
            }
        }
        let dir = self.dir.clone();
        good.ok_or_else(|| match seen[..] {
            [] => Refusal::Unsigned { dir }.into(),
            _ => Refusal::UnknownKey { dir, seen, trusted: trust.key_ids() }.into(),
        })
    }

    fn parse(&self) -> Result<Manifest, BundleError> {
        let path = self.dir.join(MANIFEST);
        Manifest::parse(&self.state.manifest).map_err(|error| match error {
            ManifestError::Invalid(reason) => Refusal::Manifest { path, reason }.into(),
            ManifestError::TooNew(minimum) => {
                let brings = Box::new(carrier::brings(&self.state.manifest));
                Refusal::TooNew { path, minimum, ours: own_version(), brings }.into()
            }
            ManifestError::Schema(schema) => Refusal::UnknownSchema { path, schema }.into(),
        })
    }
}

/// `signatures/*.minisig`, sorted; other files there are somebody's business.
fn further_signatures(dir: &Path) -> Result<Vec<PathBuf>, BundleError> {
    const MOST: usize = 64;
    let folder = dir.join(SIGNATURES);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(BundleError::reading(&folder))?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let name = entry.map_err(BundleError::reading(&folder))?.file_name();
        // macOS leaves ._NAME beside every file on a FAT stick.
        if name.to_str().is_some_and(|name| name.ends_with(".minisig") && !name.starts_with('.')) {
            paths.push(folder.join(name));
        }
    }
    paths.sort();
    paths.truncate(MOST);
    Ok(paths)
}
