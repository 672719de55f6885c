//! A file that is there whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, AtFlags, OFlag};
use nix::unistd::linkat;

/// Writes beside the target: a file without a name where the file system can do that (`O_TMPFILE` of open(2)), so that a
/// kill leaves nothing of it; else, and for the moment between closing and renaming it, as `.NAME.partial`.
/// [`commit`](Self::commit) makes it durable and visible. Dropped without a commit, it is gone.
#[derive(Debug)]
pub struct AtomicFile {
    file: Option<File>,
    /// Whether it has its name already.
    named: bool,
    partial: PathBuf,
    target: PathBuf,
}

impl AtomicFile {
    /// Starts a file with mode 0644 (less the umask).
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::create_mode(path, 0o644)
    }

    /// Starts a file with these permission bits, e.g. 0o600 for a secret: it is never wider, not even for a moment.
    pub fn create_mode(path: impl AsRef<Path>, mode: u32) -> io::Result<Self> {
        let target = path.as_ref().to_owned();
        let name = target.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let partial = target.with_file_name(format!(".{}.partial", name.to_string_lossy()));
        // A partial file left by a killed run may have another mode: made anew, never reused.
        gone(&partial)?;
        let (file, named) = match unnamed(parent(&target), mode) {
            Some(file) => (file, false),
            None => (OpenOptions::new().write(true).create_new(true).mode(mode).open(&partial)?, true),
        };
        Ok(Self { file: Some(file), named, partial, target })
    }

    /// Sets exactly these permission bits, whatever the umask took away.
    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        let file = self.file.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        file.set_permissions(fs::Permissions::from_mode(mode))
    }

    /// Writes all of a small file at once.
    pub fn write(path: impl AsRef<Path>, bytes: &[u8]) -> io::Result<()> {
        let mut file = Self::create(path)?;
        file.write_all(bytes)?;
        file.commit()
    }

    /// Makes the content durable, then visible, then the name durable.
    pub fn commit(self) -> io::Result<()> {
        self.seal()?.commit()
    }

    /// Makes the content durable and closes it: a program that is still open for writing cannot be started.
    pub fn seal(mut self) -> io::Result<SealedFile> {
        if let Some(file) = &self.file {
            file.sync_all()?;
            if !self.named {
                gone(&self.partial)?;
                // linkat(2): how a file without a name gets one
                let open = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
                linkat(AT_FDCWD, &open, AT_FDCWD, &self.partial, AtFlags::AT_SYMLINK_FOLLOW)?;
                self.named = true;
            }
        }
        self.file = None;
        let (partial, target) = (std::mem::take(&mut self.partial), std::mem::take(&mut self.target));
        Ok(SealedFile { partial: Some(partial), target })
    }
}

/// An [`AtomicFile`] that is whole and not visible yet: somebody may look at it before it is. Dropped without a commit,
/// it takes its partial file away.
#[derive(Debug)]
pub struct SealedFile {
    partial: Option<PathBuf>,
    target: PathBuf,
}

impl SealedFile {
    /// Where it is meanwhile.
    pub fn path(&self) -> &Path {
        self.partial.as_deref().unwrap_or(&self.target)
    }

    /// Makes it visible, then its name durable.
    pub fn commit(mut self) -> io::Result<()> {
        fs::rename(self.path(), &self.target)?;
        self.partial = None;
        File::open(parent(&self.target))?.sync_all()
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Removes a file that may not be there.
fn gone(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A file in a folder, without a name; none where that cannot be done, or where it could not be named later.
fn unnamed(folder: &Path, mode: u32) -> Option<File> {
    let file =
        OpenOptions::new().write(true).mode(mode).custom_flags(OFlag::O_TMPFILE.bits()).open(folder).ok()?;
    Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())).exists().then_some(file)
}

impl Drop for SealedFile {
    fn drop(&mut self) {
        if let Some(partial) = self.partial.take() {
            // Best effort: a partial file that stays is replaced by the next run.
            let _ = fs::remove_file(partial);
        }
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().map_or_else(|| Err(io::ErrorKind::NotConnected.into()), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if self.file.take().is_some() && self.named {
            // Best effort: a partial file that stays is replaced by the next run.
            let _ = fs::remove_file(&self.partial);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::AtomicFile;

    #[test]
    fn shows_nothing_before_the_commit() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("key.sec");
        fs::write(dir.path().join(".key.sec.partial"), b"left by a killed run")?;
        let mut file = AtomicFile::create_mode(&path, 0o600)?;
        file.write_all(b"new")?;
        assert!(!path.exists());
        file.commit()?;
        assert_eq!(fs::read(&path)?, b"new");
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        drop(AtomicFile::create(&path)?);
        assert_eq!(fs::read(&path)?, b"new");
        assert_eq!(fs::read_dir(dir.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn half_a_file_has_no_name() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("receipt.json");
        let mut file = AtomicFile::create_mode(&path, 0o640)?;
        file.write_all(b"half")?;
        // as a kill would: nothing is cleaned up
        std::mem::forget(file);
        assert_eq!(fs::read_dir(dir.path())?.count(), 0);
        AtomicFile::write(&path, b"whole")?;
        assert_eq!(fs::read(&path)?, b"whole");
        Ok(())
    }

    #[test]
    fn a_sealed_program_can_be_started_before_it_is_there() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("program");
        let sealed = |text: &[u8]| {
            let mut file = AtomicFile::create_mode(&path, 0o700)?;
            file.write_all(text)?;
            file.seal()
        };
        let file = sealed(b"#!/bin/sh\nexit 7\n")?;
        assert_eq!(std::process::Command::new(file.path()).status()?.code(), Some(7));
        assert!(!path.exists());
        file.commit()?;
        drop(sealed(b"not meant to stay")?);
        assert_eq!(std::process::Command::new(&path).status()?.code(), Some(7));
        assert_eq!(fs::read_dir(dir.path())?.count(), 1);
        Ok(())
    }
}
