//! Walking and linking folders.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// All regular files under a folder, relative to it, sorted.
pub fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = vec![];
    let mut todo = vec![root.to_path_buf()];
    while let Some(folder) = todo.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                todo.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(root)?.to_path_buf());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Puts a file at a second place without a second copy where the file system can.
pub fn link(from: &Path, to: &Path) -> Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    if fs::hard_link(from, to).is_err() {
        fs::copy(from, to).with_context(|| format!("copying {} to {}", from.display(), to.display()))?;
    }
    Ok(())
}
