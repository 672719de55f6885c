//! A program or archive: its digest from its checksum, its size from the server; of one of this machine both from the
//! file itself.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use reqwest::Method;
use sealift_bundle::{BlobKind, FileRecipe, Item, ItemKind, Lock, LockedBlob, Source};
use sealift_stream::{Digest, Hasher};

use super::{Resolved, checksum};
use crate::http::{Ask, length, small};
use crate::retry::Budget;
use crate::{FetchError, Fetcher};

/// No honest checksum file is longer.
const LIMIT: u64 = 1 << 20;

/// Resolves a file; what the previous lock has for the same address stays.
pub(super) async fn resolve(
    fetcher: &Fetcher,
    file: &FileRecipe,
    previous: Option<&Lock>,
) -> Result<Resolved, FetchError> {
    let literal = file.checksum.parse::<Digest>().ok();
    if let Some(path) = &file.path {
        let (digest, size) = local(fetcher, file, Path::new(path), literal).await?;
        return Ok(resolved(file, path, digest, size, Source::Local));
    }
    let known = previous.and_then(|lock| known(lock, file)).filter(|(d, _)| literal.is_none_or(|l| l == *d));
    let (digest, size) = if let Some(known) = known {
        known
    } else {
        let mut budget = fetcher.budget();
        let digest = match literal {
            Some(digest) => digest,
            None => checksum(fetcher, &mut budget, file).await?,
        };
        (digest, size(fetcher, &mut budget, file, digest).await?)
    };
    Ok(resolved(file, &file.url, digest, size, Source::Url { url: file.url.clone() }))
}

/// The item and its one blob. `place` tells an archive by its ending.
fn resolved(file: &FileRecipe, place: &str, digest: Digest, size: u64, source: Source) -> Resolved {
    let media_type = media_type(place).to_owned();
    let item = Item {
        kind: ItemKind::File,
        name: file.name.clone(),
        version: file.version.clone(),
        digest,
        media_type: media_type.clone(),
        size,
        platform: file.platform.clone(),
        chart: None,
        package: None,
    };
    let platform = file.platform.clone();
    let blob = LockedBlob { digest, size, media_type, kind: BlobKind::File, platform, source };
    Resolved { item, blobs: vec![blob] }
}

/// Reads a file of this machine, and keeps its place for the pack that follows. It is read every time: nothing but its
/// content tells whether it is another one than the lock has.
async fn local(
    fetcher: &Fetcher,
    file: &FileRecipe,
    path: &Path,
    wanted: Option<Digest>,
) -> Result<(Digest, u64), FetchError> {
    let place: PathBuf = path.to_owned();
    let read = tokio::task::spawn_blocking(move || hash(&place)).await;
    let (digest, size) = read
        .map_err(std::io::Error::other)
        .flatten()
        .map_err(|source| FetchError::Local { path: path.to_owned(), source })?;
    match wanted {
        Some(expected) if expected != digest => {
            Err(FetchError::Digest { what: path.display().to_string(), expected, seen: digest })
        }
        _ if size == 0 => {
            Err(FetchError::File { file: file.name.clone(), reason: format!("{} is empty", path.display()) })
        }
        _ => {
            fetcher.keep_file(digest, path);
            Ok((digest, size))
        }
    }
}

fn hash(path: &Path) -> std::io::Result<(Digest, u64)> {
    let mut file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    let (mut hasher, mut size, mut piece) = (Hasher::new(), 0, vec![0; 256 * 1024]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok((hasher.finish(), size)),
            count => {
                hasher.update(&piece[..count]);
                size += count as u64;
            }
        }
    }
}

/// Digest and size under the same name, version and address.
fn known(lock: &Lock, file: &FileRecipe) -> Option<(Digest, u64)> {
    let item = lock.item(ItemKind::File, &file.name).filter(|item| item.version == file.version)?;
    let blob = lock.blobs.iter().find(|blob| blob.digest == item.digest)?;
    let same = matches!(&blob.source, Source::Url { url } if *url == file.url);
    same.then_some((blob.digest, blob.size))
}

async fn checksum(fetcher: &Fetcher, budget: &mut Budget, file: &FileRecipe) -> Result<Digest, FetchError> {
    let url = fetcher.options.mirrors.url(&file.checksum)?;
    let body =
        budget.run(|| async { small(&url, fetcher.http.get(Ask::whole(&url)).await?, LIMIT).await }).await?;
    let name = file.url.rsplit('/').next().unwrap_or_default();
    checksum::find(&String::from_utf8_lossy(&body), name)
        .map_err(|reason| FetchError::File { file: file.name.clone(), reason: format!("{reason} ({url})") })
}

/// By HEAD; where that is not answered, by GET; where that announces no length, by reading it all.
async fn size(
    fetcher: &Fetcher,
    budget: &mut Budget,
    file: &FileRecipe,
    digest: Digest,
) -> Result<u64, FetchError> {
    let url = fetcher.options.mirrors.url(&file.url)?;
    budget
        .run(|| async {
            let head = fetcher.http.send(Method::HEAD, Ask::whole(&url)).await?;
            if let (true, Some(size)) = (head.status().is_success(), length(&head)) {
                return Ok(size);
            }
            let response = fetcher.http.get(Ask::whole(&url)).await?;
            match length(&response) {
                Some(size) => Ok(size),
                None => count(&url, response, digest).await,
            }
        })
        .await
}

async fn count(url: &str, response: reqwest::Response, expected: Digest) -> Result<u64, FetchError> {
    let (mut size, mut hasher) = (0, Hasher::new());
    let mut pieces = response.bytes_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| FetchError::transport(url, &error))?;
        size += piece.len() as u64;
        hasher.update(&piece);
    }
    let seen = hasher.finish();
    if seen != expected {
        return Err(FetchError::Digest { what: url.to_owned(), expected, seen });
    }
    Ok(size)
}

fn media_type(url: &str) -> &'static str {
    let archive = [".tar.gz", ".tgz"].iter().any(|ending| url.ends_with(ending));
    if archive { "application/gzip" } else { "application/octet-stream" }
}
