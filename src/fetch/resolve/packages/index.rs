//! A repository's packages: the index of each component, checked against the signed list.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use sealift_bundle::AptRepository;
use sealift_debian::{Package, PackageError, stanzas};
use sealift_stream::Digest;

use super::refused;
use super::release::Release;
use crate::resolve::small;
use crate::{FetchError, Fetcher};

/// Debian's own has 200 KB.
const RELEASE_LIMIT: u64 = 16 << 20;
/// All of Debian 13 has 54 MB, 13 packed.
const INDEX_LIMIT: u64 = 512 << 20;

/// A repository's packages.
#[derive(Default)]
pub(super) struct Index {
    pub(super) packages: Vec<Package>,
    /// What cannot be read of it, which is bad only for who needs it.
    pub(super) unread: Vec<PackageError>,
}

/// Every package of a repository for an architecture.
pub(super) async fn fetch(
    fetcher: &Fetcher,
    repository: &AptRepository,
    architecture: &str,
    now: &str,
) -> Result<Index, FetchError> {
    let dists = format!("{}/dists/{}", repository.url.trim_end_matches('/'), repository.suite);
    let signed = small(fetcher, &format!("{dists}/InRelease"), RELEASE_LIMIT).await?;
    let release = Release::check(&signed, repository, now).await?;
    let mut all = Index::default();
    for component in &repository.components {
        let text = packages(fetcher, &release, repository, &dists, component, architecture).await?;
        for stanza in stanzas(&text) {
            match Package::read(stanza) {
                Ok(package) => all.packages.push(package),
                Err(error) => all.unread.push(error),
            }
        }
    }
    Ok(all)
}

async fn packages(
    fetcher: &Fetcher,
    release: &Release,
    repository: &AptRepository,
    dists: &str,
    component: &str,
    architecture: &str,
) -> Result<String, FetchError> {
    let bad = |reason| refused(repository, reason);
    let folder = format!("{component}/binary-{architecture}");
    let packed = format!("{folder}/Packages.gz");
    let plain = format!("{folder}/Packages");
    let listed = [(&packed, true), (&plain, false)]
        .into_iter()
        .find_map(|(path, zipped)| release.file(path).map(|(digest, size)| (path, zipped, digest, size)));
    let Some((path, zipped, digest, size)) = listed else {
        return Err(bad(format!("it lists no {packed}")));
    };
    let plain_url = format!("{dists}/{path}");
    if size > INDEX_LIMIT {
        return Err(FetchError::TooLarge { url: plain_url, limit: INDEX_LIMIT });
    }
    let hashed = format!("{dists}/{folder}/by-hash/SHA256/{}", digest.hex());
    let by_hash = if release.by_hash() { small(fetcher, &hashed, size).await.map(Some) } else { Ok(None) };
    let (url, bytes) = match by_hash {
        Ok(Some(bytes)) => (hashed, bytes),
        // some mirrors do not have what their list promises
        Ok(None) | Err(FetchError::Status { status: 404, .. }) => {
            let bytes = small(fetcher, &plain_url, size).await?;
            (plain_url.clone(), bytes)
        }
        Err(error) => return Err(error),
    };
    let seen = Digest::of(&bytes);
    if seen != digest {
        return Err(FetchError::Digest { what: url, expected: digest, seen });
    }
    let mut text = String::new();
    if zipped {
        let mut reader = MultiGzDecoder::new(bytes.as_slice()).take(INDEX_LIMIT + 1);
        reader.read_to_string(&mut text).map_err(|error| bad(format!("reading {path}: {error}")))?;
        if text.len() as u64 > INDEX_LIMIT {
            return Err(FetchError::TooLarge { url: plain_url, limit: INDEX_LIMIT });
        }
    } else {
        text = String::from_utf8(bytes).map_err(|_| bad(format!("{path} is not text")))?;
    }
    Ok(text)
}
