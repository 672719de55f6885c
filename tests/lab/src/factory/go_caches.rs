//! Go's build and module caches, in the lab's own cache and gone when the builds are done.

use std::cell::Cell;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow};

use crate::cache::{self, Cache};
use crate::program;

/// Where Go may put what it downloads and compiles.
#[derive(Debug)]
pub struct GoCaches {
    folder: PathBuf,
    trash: PathBuf,
    used: Cell<bool>,
}

/// When the caches' space is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drop {
    /// Always.
    Always,
    /// When this run compiled something.
    IfUsed,
    /// Never.
    Never,
}

impl GoCaches {
    /// The folder under the lab's cache.
    pub fn new(cache: &Cache) -> Self {
        let folder = |name| cache.root().join(name);
        Self { folder: folder("go"), trash: folder("go.trash"), used: Cell::new(false) }
    }

    /// A `go` command that runs in a component's folder, at a low priority.
    pub fn go(&self, folder: &Path) -> Result<Command> {
        self.used.set(true);
        fs::create_dir_all(&self.folder).with_context(|| format!("creating {}", self.folder.display()))?;
        let mut go = program::command(&["nice", "-n", "5", "go"]);
        go.current_dir(folder);
        go.env("GOMODCACHE", self.folder.join("mod")).env("GOCACHE", self.folder.join("build"));
        // Module files are writable, so that the cache can be removed like any folder.
        go.env("GOFLAGS", "-modcacherw -buildvcs=false").env("GOTOOLCHAIN", "local").env("GOWORK", "off");
        go.env("GOOS", "linux").env("GOARCH", "amd64");
        Ok(go)
    }

    /// Gives the space back: gigabytes that only a rebuild would read. Half a million small files take minutes
    /// to remove, so a thread does it beside what comes next; the caller ends it with [`Dropping::finish`].
    pub fn drop(&self, when: Drop) -> Result<Dropping> {
        if when == Drop::Always || (when == Drop::IfUsed && self.used.get()) {
            cache::remove(&self.trash)?;
            match fs::rename(&self.folder, &self.trash) {
                Err(e) if e.kind() != ErrorKind::NotFound => {
                    return Err(e).context("putting Go's caches aside");
                }
                _ => {}
            }
        }
        // What a killed run left is removed too.
        let trash = self.trash.clone();
        Ok(Dropping(trash.exists().then(|| std::thread::spawn(move || cache::remove(&trash)))))
    }
}

/// A removal under way.
pub struct Dropping(Option<JoinHandle<Result<()>>>);

impl Dropping {
    /// Waits for the removal's end.
    pub fn finish(self) -> Result<()> {
        let Some(thread) = self.0 else { return Ok(()) };
        thread.join().map_err(|_| anyhow!("removing Go's caches: the thread panicked"))?
    }
}
