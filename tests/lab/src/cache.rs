//! Where everything that is built once lives: outside the repository, keyed by content.
//!
//! An entry is a folder `<kind>/<name>-<key>`; it appears by one rename when it is whole, so a killed
//! build never looks finished. The key is a digest over everything that went in.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use sha2::{Digest, Sha256};

/// The lab's cache folder.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// Opens `$SEALIFT_LAB_CACHE`, else `$XDG_CACHE_HOME/sealift-lab`, else `~/.cache/sealift-lab`.
    pub fn open() -> Result<Self> {
        let var = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let root = var("SEALIFT_LAB_CACHE")
            .or_else(|| var("XDG_CACHE_HOME").map(|p| p.join("sealift-lab")))
            .or_else(|| var("HOME").map(|p| p.join(".cache/sealift-lab")))
            .ok_or_else(|| anyhow!("finding the lab's cache: set SEALIFT_LAB_CACHE or HOME"))?;
        Self::at(root)
    }

    /// Opens the cache at a given folder.
    pub fn at(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        fs::create_dir_all(&root).with_context(|| format!("creating the cache {}", root.display()))?;
        Ok(Self { root })
    }

    /// The cache folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path an entry has, whether it exists or not.
    pub fn path(&self, kind: &str, name: &str, key: &Key) -> PathBuf {
        self.root.join(kind).join(format!("{name}-{}", key.short()))
    }

    /// Gives the entry, building it first when it is not there. `build` fills an empty folder beside it;
    /// the rename to the final name is the last act. The flag says whether it was built now.
    pub fn entry(
        &self,
        kind: &str,
        name: &str,
        key: &Key,
        build: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<(PathBuf, bool)> {
        let path = self.path(kind, name, key);
        if path.is_dir() {
            return Ok((path, false));
        }
        let parent = self.root.join(kind);
        fs::create_dir_all(&parent)?;
        let _lock = self.lock(&format!("{kind}-{name}"))?;
        if path.is_dir() {
            return Ok((path, false));
        }
        let part = parent.join(format!(".{name}-{}.part", key.short()));
        remove(&part)?;
        fs::create_dir(&part).with_context(|| format!("creating {}", part.display()))?;
        build(&part).with_context(|| format!("building {kind}/{name}"))?;
        fs::rename(&part, &path).with_context(|| format!("putting {} in place", path.display()))?;
        Ok((path, true))
    }

    /// Removes older entries of the same kind and name (other keys).
    pub fn prune(&self, kind: &str, name: &str, keep: &Key) -> Result<()> {
        let parent = self.root.join(kind);
        let Ok(entries) = fs::read_dir(&parent) else { return Ok(()) };
        let kept = format!("{name}-{}", keep.short());
        for entry in entries {
            let file = entry?.file_name();
            let Some(text) = file.to_str() else { continue };
            let same = text.strip_prefix(name).and_then(|t| t.strip_prefix('-'));
            if text != kept
                && same.is_some_and(|k| k.len() == Key::SHORT && k.bytes().all(|b| b.is_ascii_hexdigit()))
            {
                remove(&parent.join(text))?;
            }
        }
        Ok(())
    }

    /// Waits for other builders of the same thing; released when the value is dropped or the process dies.
    pub fn lock(&self, name: &str) -> Result<nix::fcntl::Flock<fs::File>> {
        let dir = self.root.join("locks");
        fs::create_dir_all(&dir)?;
        let file = fs::File::create(dir.join(name)).with_context(|| format!("opening the lock {name}"))?;
        nix::fcntl::Flock::lock(file, nix::fcntl::FlockArg::LockExclusive)
            .map_err(|(_, e)| anyhow!("waiting for the lock {name}: {e}"))
    }
}

/// A digest over everything that goes into an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    const SHORT: usize = 16;

    /// Starts a key; the version is raised when the way of building changes.
    pub fn of(recipe_version: u32) -> KeyBuilder {
        KeyBuilder(Sha256::new()).add("recipe", recipe_version.to_le_bytes())
    }

    /// The part of the key that folder names carry.
    pub fn short(&self) -> &str {
        &self.0[..Self::SHORT]
    }
}

/// Collects named parts; every part's name and length are hashed too, so parts cannot run together.
pub struct KeyBuilder(Sha256);

impl KeyBuilder {
    /// Adds one named part.
    #[must_use]
    pub fn add(mut self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        self.0.update((name.len() as u64).to_le_bytes());
        self.0.update(name);
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// Ends the key.
    pub fn end(self) -> Key {
        Key(hex(&self.0.finalize()))
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, b| {
        let _ = write!(text, "{b:02x}");
        text
    })
}

/// Removes a folder that may not exist.
pub(crate) fn remove(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(e).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::of(1).add("text", text).end()
    }

    #[test]
    fn parts_do_not_run_together_and_the_recipe_version_counts() {
        let of = |a: &str, b: &str| Key::of(1).add("a", a).add("b", b).end();
        assert_ne!(of("xy", "z"), of("x", "yz"));
        assert_eq!(of("xy", "z"), of("xy", "z"));
        assert_ne!(Key::of(1).end(), Key::of(2).end());
    }

    #[test]
    fn a_failed_build_leaves_no_entry_and_a_killed_ones_rest_is_not_in_the_way() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path()).unwrap();
        let half = |folder: &Path| {
            fs::write(folder.join("half"), "")?;
            anyhow::bail!("killed")
        };
        assert!(cache.entry("bin", "a", &key("1"), half).is_err());
        assert!(!cache.path("bin", "a", &key("1")).exists());
        let whole = |folder: &Path| {
            assert_eq!(fs::read_dir(folder)?.count(), 0);
            Ok(fs::write(folder.join("whole"), "")?)
        };
        let (path, built) = cache.entry("bin", "a", &key("1"), whole).unwrap();
        assert!(built && path.join("whole").is_file());
        let (_, again) = cache.entry("bin", "a", &key("1"), |_| anyhow::bail!("not asked for")).unwrap();
        assert!(!again);
    }

    #[test]
    fn pruning_takes_other_keys_of_that_name_only() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path()).unwrap();
        for (name, text) in [("a", "1"), ("a", "2"), ("a-b", "1")] {
            cache.entry("bin", name, &key(text), |_| Ok(())).unwrap();
        }
        cache.prune("bin", "a", &key("2")).unwrap();
        assert!(!cache.path("bin", "a", &key("1")).exists());
        assert!(cache.path("bin", "a", &key("2")).exists());
        assert!(cache.path("bin", "a-b", &key("1")).exists());
    }
}
