//! Go's build and module caches, in the lab's own cache and gone when the builds are done.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::cache::{self, Cache};

/// Where Go may put what it downloads and compiles.
#[derive(Debug)]
pub struct GoCaches {
    folder: PathBuf,
}

impl GoCaches {
    /// The folder under the lab's cache.
    pub fn new(cache: &Cache) -> Self {
        Self { folder: cache.root().join("go") }
    }

    /// A `go` command that runs in a component's folder, at a low priority.
    pub fn go(&self, folder: &Path) -> Result<Command> {
        std::fs::create_dir_all(&self.folder)?;
        let mut go = Command::new("nice");
        go.args(["-n", "5", "go"]).current_dir(folder);
        go.env("GOMODCACHE", self.folder.join("mod")).env("GOCACHE", self.folder.join("build"));
        // Module files are writable, so that the cache can be removed like any folder.
        go.env("GOFLAGS", "-modcacherw -buildvcs=false").env("GOTOOLCHAIN", "local").env("GOWORK", "off");
        go.env("GOOS", "linux").env("GOARCH", "amd64");
        Ok(go)
    }

    /// Gives the space back: gigabytes that only a rebuild would read.
    pub fn drop_all(&self) -> Result<()> {
        cache::remove(&self.folder)
    }
}
