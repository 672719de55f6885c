//! Named files out of a kept tar archive.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind, Read, Seek as _};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use sealift_stream::{AtomicFile, Digest};

use super::LocalHost;
use super::file::finish;
use crate::error::Context as _;
use crate::{Answer, HostError};

impl LocalHost {
    pub(super) fn extract_blob(
        &self,
        digest: Digest,
        dir: &str,
        entries: &[(String, String)],
    ) -> Result<Answer, HostError> {
        let what = || format!("unpacking {} into {dir}", digest.short());
        let place = self.root.checked(&self.name, dir)?;
        for (_, name) in entries {
            if name.is_empty() || name.contains(['/', '\0']) || name == "." || name == ".." {
                return Err(HostError::refused(&self.name, what(), format!("'{name}' is not a file name")));
            }
        }
        let file = self.open_kept(digest).on(&self.name, what)?;
        let file = file.ok_or("the blob is not on the node").on(&self.name, what)?;
        fs::create_dir_all(&place).on(&self.name, what)?;
        extract(file, &place, entries).on(&self.name, what)?;
        Ok(Answer::Done)
    }
}

/// Unpacks the wanted regular files; every other entry is passed over, so that none can lead elsewhere.
fn extract(file: fs::File, dir: &Path, entries: &[(String, String)]) -> io::Result<()> {
    let mut wanted: BTreeMap<&str, &str> =
        entries.iter().map(|(from, to)| (plain(from), to.as_str())).collect();
    let mut archive = tar::Archive::new(opened(file)?);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        let Some(name) = wanted.remove(plain(&path)) else { continue };
        if !entry.header().entry_type().is_file() {
            return Err(io::Error::new(ErrorKind::InvalidData, format!("'{path}' is not a regular file")));
        }
        let mut out = AtomicFile::create_mode(dir.join(name), 0o700)?;
        io::copy(&mut entry, &mut out)?;
        finish(out, 0o755)?;
        if wanted.is_empty() {
            return Ok(());
        }
    }
    match wanted.keys().next() {
        Some(missing) => {
            Err(io::Error::new(ErrorKind::NotFound, format!("the archive holds no '{missing}'")))
        }
        None => Ok(()),
    }
}

/// Archives name the same file `bin/x` or `./bin/x`.
fn plain(path: &str) -> &str {
    path.trim_start_matches("./")
}

/// gzip or plain, told by the first two bytes (RFC 1952, 2.3.1).
fn opened(mut file: fs::File) -> io::Result<Box<dyn Read>> {
    let mut magic = vec![];
    file.by_ref().take(2).read_to_end(&mut magic)?;
    file.rewind()?;
    let file = io::BufReader::with_capacity(128 * 1024, file);
    if magic == [0x1f, 0x8b] { Ok(Box::new(MultiGzDecoder::new(file))) } else { Ok(Box::new(file)) }
}
