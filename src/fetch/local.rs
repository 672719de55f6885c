//! Blobs that pack itself needs as files before the bundle exists: helm, kubeadm, charts.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use sealift_bundle::{BlobSource as _, LockedBlob};
use sealift_stream::Hasher;
use tokio::io::AsyncReadExt as _;

use crate::{FetchError, Fetcher};

impl Fetcher {
    /// Downloads a blob to `path` and checks it; a stream that breaks is resumed at the byte reached.
    /// From then on [`BlobSource::open`](sealift_bundle::BlobSource::open) reads it from there: nothing is fetched twice.
    pub(crate) async fn download(&self, blob: &LockedBlob, path: &Path) -> Result<(), FetchError> {
        let local = |source| FetchError::Local { path: path.to_owned(), source };
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(local)?;
        let (mut hasher, mut done, mut budget) = (Hasher::new(), 0_u64, self.budget());
        let mut piece = vec![0; 256 * 1024];
        while done < blob.size {
            let before = done;
            let broken = match self.open(blob, done).await {
                Err(error) => return Err(given(error, blob)),
                Ok(mut stream) => loop {
                    match stream.read(&mut piece).await {
                        Ok(0) => break "it ended early".to_owned(),
                        Err(error) => break error.to_string(),
                        Ok(count) => {
                            done += count as u64;
                            if done > blob.size {
                                let what = blob.digest.to_string();
                                return Err(FetchError::Size { what, expected: blob.size, seen: done });
                            }
                            hasher.update(&piece[..count]);
                            file.write_all(&piece[..count]).map_err(local)?;
                        }
                    }
                },
            };
            if done > before {
                budget = self.budget();
            }
            if done < blob.size {
                budget.pause(FetchError::Transport { url: blob.digest.to_string(), reason: broken }).await?;
            }
        }
        let seen = hasher.finish();
        if seen != blob.digest {
            return Err(FetchError::Digest { what: source_of(blob), expected: blob.digest, seen });
        }
        file.flush().map_err(local)?;
        self.keep_file(blob.digest, path);
        Ok(())
    }
}

/// The first entry called `name` of a gzip-compressed tar, written to `path` as a program.
pub(crate) fn extract(archive: &Path, name: &str, path: &Path, limit: u64) -> std::io::Result<()> {
    let unzipped = flate2::read::GzDecoder::new(std::fs::File::open(archive)?);
    let mut tar = tar::Archive::new(unzipped);
    for entry in tar.entries()? {
        let entry = entry?;
        if entry.path()?.as_os_str() != name || !entry.header().entry_type().is_file() {
            continue;
        }
        let mut out = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o700).open(path)?;
        let count = std::io::copy(&mut entry.take(limit), &mut out)?;
        if count == limit {
            return Err(std::io::Error::other(format!("{name} has more than {limit} bytes")));
        }
        return out.sync_all();
    }
    Err(std::io::Error::new(std::io::ErrorKind::NotFound, format!("the archive holds no {name}")))
}

/// Back from the trait's error to ours.
fn given(error: std::io::Error, blob: &LockedBlob) -> FetchError {
    match error.downcast::<FetchError>() {
        Ok(error) => error,
        Err(error) => FetchError::Transport { url: source_of(blob), reason: error.to_string() },
    }
}

/// Where a blob comes from, for messages.
pub(crate) fn source_of(blob: &LockedBlob) -> String {
    match &blob.source {
        sealift_bundle::Source::Registry { repository } => format!("{repository}@{}", blob.digest),
        sealift_bundle::Source::Url { url } => url.clone(),
        sealift_bundle::Source::Local => format!("{} on this machine", blob.digest),
        sealift_bundle::Source::Inline { .. } => format!("{} in the lock", blob.digest),
    }
}
