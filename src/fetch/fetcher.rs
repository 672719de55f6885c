//! Opens any blob a lock names.

use std::collections::HashMap;
use std::io::{Cursor, Error, ErrorKind, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::TryStreamExt as _;
use futures::future::BoxFuture;
use reqwest::Response;
use sealift_bundle::{BlobKind, BlobSource, BoxBlobStream, LockedBlob, Source};
use sealift_stream::Digest;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::StreamReader;

use crate::http::{Ask, Http, skip};
use crate::registry::{Collection, Registries};
use crate::retry::{Budget, Patience};
use crate::{FetchError, Mirrors};

/// How to fetch.
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// Where upstream names are really asked.
    pub mirrors: Mirrors,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long a connection may stay silent.
    pub quiet_timeout: Duration,
    /// Per item.
    pub patience: Patience,
    /// Items fetched at the same time.
    pub jobs: usize,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            mirrors: Mirrors::default(),
            connect_timeout: Duration::from_secs(10),
            quiet_timeout: Duration::from_secs(30),
            patience: Patience::default(),
            jobs: 8,
        }
    }
}

/// Fetches from registries and download sites.
#[derive(Debug)]
pub struct Fetcher {
    pub(crate) options: FetchOptions,
    pub(crate) http: Http,
    pub(crate) registries: Registries,
    /// Small documents that resolving read already: pack need not ask for them again.
    documents: Mutex<HashMap<Digest, Vec<u8>>>,
    /// Files at hand: of this machine, and what the closed-world check downloaded and checked already.
    files: Mutex<HashMap<Digest, PathBuf>>,
}

impl Fetcher {
    /// Prepares the client; nothing is asked yet. A rustls provider must be installed in the process.
    pub fn new(options: FetchOptions) -> Result<Self, FetchError> {
        let http = Http::new(options.connect_timeout, options.quiet_timeout)?;
        let registries = Registries::new(http.clone(), options.mirrors.clone());
        Ok(Self { options, http, registries, documents: Mutex::default(), files: Mutex::default() })
    }

    /// A fresh budget for one item.
    pub(crate) fn budget(&self) -> Budget {
        Budget::new(self.options.patience)
    }

    /// Keeps a checked document for the pack that follows.
    pub(crate) fn remember(&self, digest: Digest, bytes: &[u8]) {
        if let Ok(mut documents) = self.documents.lock() {
            documents.insert(digest, bytes.to_owned());
        }
    }

    pub(crate) fn recall(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.documents.lock().ok()?.get(digest).cloned()
    }

    /// Keeps a checked file for the pack that follows.
    pub(crate) fn keep_file(&self, digest: Digest, path: &Path) {
        if let Ok(mut files) = self.files.lock() {
            files.insert(digest, path.to_owned());
        }
    }

    fn kept_file(&self, digest: &Digest) -> Option<PathBuf> {
        self.files.lock().ok()?.get(digest).cloned()
    }

    /// The stream of a blob from `offset` on, and the address it comes from.
    async fn stream(&self, blob: &LockedBlob, offset: u64) -> Result<BoxBlobStream, FetchError> {
        if let Some(bytes) = self.recall(&blob.digest) {
            return Ok(memory(bytes, offset));
        }
        if let Some(path) = self.kept_file(&blob.digest) {
            return file(&path, offset).await.map_err(|source| FetchError::Local { path, source });
        }
        match &blob.source {
            Source::Inline { base64 } => {
                let bytes = STANDARD.decode(base64).map_err(|error| FetchError::Address {
                    text: format!("inline content of {}", blob.digest),
                    reason: error.to_string(),
                })?;
                Ok(memory(bytes, offset))
            }
            Source::Registry { repository } => {
                let collection =
                    if blob.kind == BlobKind::Manifest { Collection::Manifests } else { Collection::Blobs };
                let digest = blob.digest.to_string();
                let url = self.registries.url(repository, collection, &digest);
                let attempt = || async {
                    let response = self.registries.get(repository, collection, &digest, offset).await?;
                    body(&url, response, offset, blob.size).await
                };
                self.budget().run(attempt).await
            }
            Source::Local => Err(FetchError::Address {
                text: format!("a file of this machine with {}", blob.digest),
                reason: "the recipe names none with this content".to_owned(),
            }),
            Source::Url { url } => {
                let url = self.options.mirrors.url(url)?;
                let attempt = || async {
                    let response = self.http.get(Ask { offset, ..Ask::whole(&url) }).await?;
                    body(&url, response, offset, blob.size).await
                };
                self.budget().run(attempt).await
            }
        }
    }
}

impl BlobSource for Fetcher {
    fn open<'a>(
        &'a self,
        blob: &'a LockedBlob,
        offset: u64,
    ) -> BoxFuture<'a, std::io::Result<BoxBlobStream>> {
        Box::pin(async move {
            if offset >= blob.size {
                return Ok(Box::pin(tokio::io::empty()) as BoxBlobStream);
            }
            Ok(self.stream(blob, offset).await?)
        })
    }
}

/// Bytes at hand as a stream.
fn memory(bytes: Vec<u8>, offset: u64) -> BoxBlobStream {
    let mut cursor = Cursor::new(bytes);
    cursor.set_position(offset);
    Box::pin(cursor)
}

/// A file at hand as a stream.
async fn file(path: &Path, offset: u64) -> std::io::Result<BoxBlobStream> {
    let mut file = tokio::fs::File::open(path).await?;
    file.seek(SeekFrom::Start(offset)).await?;
    Ok(Box::pin(file))
}

/// The body from `offset` on, never longer than the blob. Servers that ignore ranges cost the bytes again, not the blob.
async fn body(url: &str, response: Response, offset: u64, size: u64) -> Result<BoxBlobStream, FetchError> {
    let mut skip = skip(url, &response, offset, size)?;
    let name = url.to_owned();
    let pieces = response.bytes_stream().map_err(move |error| {
        let error = FetchError::transport(&name, &error);
        Error::new(ErrorKind::ConnectionReset, error)
    });
    let mut reader = StreamReader::new(pieces);
    let mut bin = vec![0_u8; 16 * 1024];
    while skip > 0 {
        let room = bin.len().min(usize::try_from(skip).unwrap_or(bin.len()));
        let count = reader
            .read(&mut bin[..room])
            .await
            .map_err(|error| FetchError::Transport { url: url.to_owned(), reason: error.to_string() })?;
        if count == 0 {
            return Err(FetchError::Transport {
                url: url.to_owned(),
                reason: "ended before the byte to resume at".into(),
            });
        }
        skip -= count as u64;
    }
    Ok(Box::pin(reader))
}
