//! Blobs kept on the node until a step has installed them.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use sealift_stream::{AtomicFile, Digest, Hasher};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::LocalHost;
use super::file::{finish, hash, present};
use crate::error::Context as _;
use crate::host::BlobReader;
use crate::{Answer, HostError, paths};

/// Bytes moved at once.
const BUFFER: usize = 256 * 1024;

impl LocalHost {
    fn kept(&self, digest: Digest) -> PathBuf {
        self.root.path(paths::BLOBS).join("sha256").join(digest.hex())
    }

    /// How much of a blob is here: all of it, or what an interrupted transfer left.
    pub(super) fn kept_bytes(&self, digest: Digest, size: u64) -> Result<u64, HostError> {
        let whole = self.kept(digest);
        let what = || format!("looking for blob {}", digest.short());
        if present(fs::metadata(&whole)).on(&self.name, what)?.is_some() {
            return Ok(size);
        }
        let part = present(fs::metadata(whole.with_extension("part"))).on(&self.name, what)?;
        // One byte less than all: a part that is whole but was not renamed goes through the hash once more.
        Ok(part.map_or(0, |meta| meta.len().min(size.saturating_sub(1))))
    }

    /// Takes the rest of a blob in, hashes all of it, and keeps it only when the digest is right.
    pub(super) async fn keep_blob(
        &self,
        digest: Digest,
        size: u64,
        offset: u64,
        content: BlobReader,
    ) -> Result<(), HostError> {
        let whole = self.kept(digest);
        let what = move || format!("sending blob {}", digest.short());
        let held = self.kept_bytes(digest, size)?;
        if held == size && whole.exists() {
            return Ok(());
        }
        if offset > held {
            let why = format!("it holds {held} bytes, not {offset}");
            return Err(HostError::LinkLost { host: self.name.to_string(), doing: what(), why });
        }
        let part = whole.with_extension("part");
        let (file, hasher) = {
            let part = part.clone();
            self.blocking(what(), move |host| reopen(&part, offset).on(&host.name, what)).await?
        };
        let hasher = self.receive(digest, size, offset, content, file, hasher).await?;
        let name = std::sync::Arc::clone(&self.name);
        self.blocking(what(), move |_| keep(&name, &part, &whole, digest, hasher)).await
    }

    async fn receive(
        &self,
        digest: Digest,
        size: u64,
        offset: u64,
        mut content: BlobReader,
        file: fs::File,
        mut hasher: Hasher,
    ) -> Result<Hasher, HostError> {
        let what = || format!("sending blob {}", digest.short());
        let mut file = tokio::fs::File::from_std(file);
        let mut buffer = vec![0; BUFFER];
        let mut missing = size.saturating_sub(offset);
        while missing > 0 {
            let want = usize::try_from(missing).unwrap_or(BUFFER).min(BUFFER);
            let count = match content.read(&mut buffer[..want]).await {
                Ok(0) => Err("it ended early".to_owned()),
                Ok(count) => Ok(count),
                Err(error) => Err(error.to_string()),
            };
            let count = match count {
                Ok(count) => count,
                Err(why) => {
                    // What has arrived is kept for the next try.
                    file.flush().await.on(&self.name, what)?;
                    let why = format!("{why}, {missing} bytes missing");
                    return Err(HostError::LinkLost { host: self.name.to_string(), doing: what(), why });
                }
            };
            hasher.update(&buffer[..count]);
            file.write_all(&buffer[..count]).await.on(&self.name, what)?;
            missing -= count as u64;
        }
        file.flush().await.on(&self.name, what)?;
        file.sync_all().await.on(&self.name, what)?;
        Ok(hasher)
    }

    pub(super) fn install_blob(&self, digest: Digest, path: &str, mode: u32) -> Result<Answer, HostError> {
        let place = self.root.checked(&self.name, path)?;
        let what = || format!("installing {path}");
        let Some(mut from) = present(fs::File::open(self.kept(digest))).on(&self.name, what)? else {
            // A run killed after the blob was dropped: the file is already there and right.
            if hash(&place).on(&self.name, what)? == Some(digest) {
                return Ok(Answer::Done);
            }
            return Err(HostError::refused(&self.name, what(), format!("blob {digest} is not on the node")));
        };
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent).on(&self.name, what)?;
        }
        copy_checked(&mut from, &place, digest, mode).on(&self.name, what)?;
        Ok(Answer::Done)
    }

    pub(super) fn drop_blobs(&self, digests: &[Digest]) -> Result<Answer, HostError> {
        for digest in digests {
            let whole = self.kept(*digest);
            for path in [whole.with_extension("part"), whole] {
                present(fs::remove_file(path))
                    .on(&self.name, || format!("dropping blob {}", digest.short()))?;
            }
        }
        Ok(Answer::Done)
    }

    /// A blob that is here, or as much of it as has come.
    pub(super) fn open_coming(&self, digest: Digest) -> io::Result<Option<fs::File>> {
        let whole = self.kept(digest);
        // the part first: what becomes whole in between is found by the second look
        match present(fs::File::open(whole.with_extension("part")))? {
            Some(file) => Ok(Some(file)),
            None => present(fs::File::open(whole)),
        }
    }

    pub(super) fn open_kept(&self, digest: Digest) -> io::Result<Option<fs::File>> {
        present(fs::File::open(self.kept(digest)))
    }
}

/// Opens a part at `offset`, forgetting what lies behind it, and hashes what lies before.
fn reopen(part: &Path, offset: u64) -> io::Result<(fs::File, Hasher)> {
    if let Some(parent) = part.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(part)?;
    file.set_len(offset)?;
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((file, hasher)),
            count => hasher.update(&buffer[..count]),
        }
    }
}

fn keep(host: &str, part: &Path, whole: &Path, digest: Digest, hasher: Hasher) -> Result<(), HostError> {
    let what = || format!("sending blob {}", digest.short());
    let seen = hasher.finish();
    if seen != digest {
        fs::remove_file(part).on(host, what)?;
        return Err(HostError::Damaged { host: host.to_owned(), doing: what(), seen: seen.to_string() });
    }
    fs::rename(part, whole).on(host, what)
}

/// Copies, hashing on the way: a disk that forgets is found here, not when the program crashes.
fn copy_checked(from: &mut fs::File, place: &Path, digest: Digest, mode: u32) -> io::Result<()> {
    let mut file = AtomicFile::create_mode(place, mode & 0o700)?;
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        file.write_all(&buffer[..count])?;
    }
    let seen = hasher.finish();
    if seen != digest {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("the kept blob has {seen}, not {digest}"),
        ));
    }
    finish(file, mode)
}
