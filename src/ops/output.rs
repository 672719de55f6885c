//! Files that the operator named for something to be written to.

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

use sealift_stream::AtomicFile;

/// Writes it whole or not at all. A link stays a link; a device is not replaced by a file of its name.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    AtomicFile::write(target(path)?, bytes)
}

/// Whether it could be written now; leaves nothing behind.
pub(super) fn check(path: &Path) -> Result<()> {
    AtomicFile::create_mode(target(path)?, 0o600).map(drop)
}

fn target(path: &Path) -> Result<PathBuf> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => fs::canonicalize(path),
        Ok(found) if found.is_dir() => Err(Error::new(ErrorKind::IsADirectory, "it is a directory")),
        Ok(_) => Err(Error::new(ErrorKind::InvalidInput, "it is no regular file")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(path.to_owned()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{check, write};

    #[test]
    fn links_stay_links_and_devices_stay_devices() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, b"new").unwrap();
        assert!(link.is_symlink() && fs::read(&file).unwrap() == b"new");
        for wrong in [Path::new("/dev/full"), dir.path(), &dir.path().join("none/x")] {
            assert!(check(wrong).is_err() && write(wrong, b"").is_err(), "{}", wrong.display());
        }
        check(&dir.path().join("later")).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "trying left something behind");
    }
}
