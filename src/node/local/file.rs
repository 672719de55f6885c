//! Files, links and directories.

use std::fs::{self, Metadata, Permissions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use sealift_stream::{AtomicFile, Digest, Hasher, SealedFile};

use super::LocalHost;
use crate::error::Context as _;
use crate::{Answer, HostError, PathKind, Secretless, Stat};

impl LocalHost {
    pub(super) fn read_file(&self, path: &str, limit: u64) -> Result<Answer, HostError> {
        let place = self.root.checked(&self.name, path)?;
        let what = || format!("reading {path}");
        let Some(file) = present(fs::File::open(place)).on(&self.name, what)? else {
            return Ok(Answer::Missing);
        };
        // Files below /proc say that they are empty: count what is read.
        let mut bytes = vec![];
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).on(&self.name, what)?;
        if bytes.len() as u64 > limit {
            return Err(HostError::refused(&self.name, what(), format!("longer than {limit} bytes")));
        }
        Ok(Answer::Bytes(Secretless(bytes)))
    }

    pub(super) fn stat(&self, path: &str) -> Result<Answer, HostError> {
        let place = self.root.checked(&self.name, path)?;
        let found = present(fs::symlink_metadata(place)).on(&self.name, || format!("looking at {path}"))?;
        Ok(found.map_or(Answer::Missing, |meta| Answer::Stat(stat_of(&meta))))
    }

    pub(super) fn list_dir(&self, path: &str) -> Result<Answer, HostError> {
        let place = self.root.checked(&self.name, path)?;
        let what = || format!("listing {path}");
        let Some(entries) = present(fs::read_dir(place)).on(&self.name, what)? else {
            return Ok(Answer::Missing);
        };
        let mut names = vec![];
        for entry in entries {
            names.push(entry.on(&self.name, what)?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(Answer::Names(names))
    }

    pub(super) fn hash_file(&self, path: &str) -> Result<Answer, HostError> {
        let place = self.root.checked(&self.name, path)?;
        let digest = hash(&place).on(&self.name, || format!("hashing {path}"))?;
        Ok(digest.map_or(Answer::Missing, Answer::Digest))
    }

    pub(super) fn read_link(&self, path: &str) -> Result<Answer, HostError> {
        let place = self.root.checked(&self.name, path)?;
        let target = present(fs::read_link(place)).on(&self.name, || format!("reading link {path}"))?;
        Ok(target.map_or(Answer::Missing, |target| Answer::Text(target.to_string_lossy().into_owned())))
    }

    pub(super) fn write_file(&self, path: &str, content: &[u8], mode: u32) -> Result<Answer, HostError> {
        let place = self.root.checked(&self.name, path)?;
        write_whole(&place, content, mode).on(&self.name, || format!("writing {path}"))?;
        Ok(Answer::Done)
    }

    pub(super) fn set_mode(&self, path: &str, mode: u32) -> Result<Answer, HostError> {
        let place = self.root.checked(&self.name, path)?;
        let what = || format!("setting the mode of {path}");
        let meta = fs::symlink_metadata(&place).on(&self.name, what)?;
        if meta.is_symlink() {
            return Err(HostError::refused(&self.name, what(), "a link has no mode of its own"));
        }
        // the owner first: a change of owner takes set-id bits away, and a stranger's file is nobody's to read
        if (meta.uid(), meta.gid()) != (0, 0) {
            chown(&place, Some(0), Some(0)).on(&self.name, what)?;
        }
        fs::set_permissions(&place, Permissions::from_mode(mode)).on(&self.name, what)?;
        Ok(Answer::Done)
    }

    pub(super) fn set_aside(&self, path: &str) -> Result<Answer, HostError> {
        let place = self.root.checked(&self.name, path)?;
        let what = || format!("setting {path} aside");
        if present(fs::symlink_metadata(&place)).on(&self.name, what)?.is_some() {
            fs::rename(&place, aside(&place).on(&self.name, what)?).on(&self.name, what)?;
        }
        Ok(Answer::Done)
    }

    pub(super) fn make_dir(&self, path: &str, mode: u32) -> Result<Answer, HostError> {
        let place = self.root.checked(&self.name, path)?;
        let what = || format!("making directory {path}");
        fs::create_dir_all(&place).on(&self.name, what)?;
        fs::set_permissions(&place, Permissions::from_mode(mode)).on(&self.name, what)?;
        Ok(Answer::Done)
    }

    pub(super) fn symlink(&self, path: &str, target: &str) -> Result<Answer, HostError> {
        let place = self.root.checked(&self.name, path)?;
        replace_link(&place, target).on(&self.name, || format!("linking {path}"))?;
        Ok(Answer::Done)
    }
}

/// `None` when there is nothing at the path. A file where a directory was expected is nothing, too.
pub(crate) fn present<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Temporary file, mode before content, fsync, rename, fsync of the directory.
pub(crate) fn write_whole(place: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    sealed(place, content, mode)?.commit()
}

/// The same up to the rename: whole, on disk, and nobody's yet.
pub(super) fn sealed(place: &Path, content: &[u8], mode: u32) -> io::Result<SealedFile> {
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = AtomicFile::create_mode(place, mode & 0o700)?;
    file.write_all(content)?;
    file.set_mode(mode)?;
    file.seal()
}

/// Commits a file with exactly these permission bits: the umask took some away when it was created.
pub(super) fn finish(file: AtomicFile, mode: u32) -> io::Result<()> {
    file.set_mode(mode)?;
    file.commit()
}

pub(super) fn hash(place: &Path) -> io::Result<Option<Digest>> {
    let Some(mut file) = present(fs::File::open(place))? else { return Ok(None) };
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Some(hasher.finish())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

fn replace_link(place: &Path, target: &str) -> io::Result<()> {
    let name = place.file_name().ok_or(ErrorKind::InvalidInput)?;
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent)?;
    }
    let partial = place.with_file_name(format!(".{}.partial", name.to_string_lossy()));
    present(fs::remove_file(&partial))?;
    symlink(target, &partial)?;
    fs::rename(&partial, place)
}

/// Where a file goes that is set aside: the first name that is not taken. A leading dot is passed over by kubelet and
/// systemd, the ending by systemd and by network plugins.
fn aside(place: &Path) -> io::Result<PathBuf> {
    let name = place.file_name().ok_or(ErrorKind::InvalidInput)?.to_string_lossy();
    let mut free = place.with_file_name(format!(".{name}.set-aside"));
    for number in 2.. {
        if present(fs::symlink_metadata(&free))?.is_none() {
            break;
        }
        free = place.with_file_name(format!(".{name}.set-aside.{number}"));
    }
    Ok(free)
}

fn stat_of(meta: &Metadata) -> Stat {
    let kind = match meta.file_type() {
        kind if kind.is_file() => PathKind::File,
        kind if kind.is_dir() => PathKind::Dir,
        kind if kind.is_symlink() => PathKind::Link,
        _ => PathKind::Other,
    };
    let written_ms = meta.mtime().saturating_mul(1000).saturating_add(meta.mtime_nsec() / 1_000_000);
    Stat {
        kind,
        mode: meta.mode() & 0o7777,
        uid: meta.uid(),
        gid: meta.gid(),
        size: meta.len(),
        written_ms: u64::try_from(written_ms).unwrap_or(0),
    }
}
