//! One run per cluster on this machine.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use sealift_node::Owner;

/// Held while a run changes a cluster. The kernel lets go of it when its owner dies, so that a killed run
/// never blocks the next; a second laptop is kept away by the helper's lock on each node.
#[derive(Debug)]
pub struct RunLock {
    file: File,
    previous: Option<Owner>,
}

/// Why a lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// A living process has it.
    #[error("another run works on this cluster: {}; nothing was changed", owner.as_ref().map_or_else(|| "its owner left no name".to_owned(), ToString::to_string))]
    Held {
        /// Who, if it could be read.
        owner: Option<Owner>,
    },
    /// The file could not be used.
    #[error("using the lock file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl RunLock {
    /// Takes `<cluster_dir>/lock`, also over from an owner that died.
    pub fn take(cluster_dir: &Path, owner: &Owner) -> Result<Self, LockError> {
        let path = cluster_dir.join("lock");
        let fail = |source| LockError::File { path: path.clone(), source };
        fs::create_dir_all(cluster_dir).map_err(fail)?;
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(fail)?;
        let locked = file.try_lock();
        let mut text = String::new();
        let _ = file.read_to_string(&mut text);
        let found: Option<Owner> = serde_json::from_str(&text).ok();
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held { owner: found }),
            Err(TryLockError::Error(source)) => return Err(fail(source)),
        }
        let line = serde_json::to_vec(owner).map_err(|error| fail(error.into()))?;
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(&line)).map_err(fail)?;
        Ok(Self { file, previous: found })
    }

    /// The owner that died holding it, to be reported: its last run may have been cut in the middle.
    pub fn previous(&self) -> Option<&Owner> {
        self.previous.as_ref()
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // an empty file says that the last run ended by itself
        let _ = self.file.set_len(0);
        // Not left to the closing of the file: a child that is just being forked has the descriptor too (flock(2)).
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use sealift_node::Owner;

    use super::{LockError, RunLock};

    fn owner(verb: &str) -> Owner {
        Owner { verb: verb.to_owned(), pid: 7, host: "laptop".to_owned(), started: "then".to_owned() }
    }

    #[test]
    fn a_living_owner_refuses_and_a_dead_one_is_reported() {
        let dir = tempfile::tempdir().unwrap();
        let first = RunLock::take(dir.path(), &owner("install")).unwrap();
        assert!(first.previous().is_none());
        match RunLock::take(dir.path(), &owner("reset")) {
            Err(LockError::Held { owner: Some(found) }) => assert_eq!(found, owner("install")),
            other => panic!("{other:?}"),
        }
        drop(first);
        assert!(RunLock::take(dir.path(), &owner("install")).unwrap().previous().is_none());

        // what a killed owner leaves: its words without its lock
        std::fs::write(dir.path().join("lock"), r#"{"verb":"install","pid":1,"host":"h","started":"then"}"#)
            .unwrap();
        let next = RunLock::take(dir.path(), &owner("install")).unwrap();
        assert_eq!(next.previous().map(|o| o.pid), Some(1));
    }
}
