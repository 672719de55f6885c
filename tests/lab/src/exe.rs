//! Where the `lab` program is: a supervisor must outlive the test or command that starts it, so it is a process of its
//! own that runs this file.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// The `lab` program: this process itself, or the one that Cargo built beside this test binary.
pub fn lab() -> Result<PathBuf> {
    let me = std::env::current_exe().context("finding this program's own file")?;
    // A binary replaced by a new build while it runs.
    let me = PathBuf::from(me.to_string_lossy().trim_end_matches(" (deleted)"));
    if me.file_name().is_some_and(|name| name == "lab") {
        return Ok(me);
    }
    // target/…/debug/deps/NAME-HASH -> target/…/debug/lab
    for folder in me.ancestors().skip(1).take(2) {
        let beside = folder.join("lab");
        if beside.is_file() {
            return Ok(beside);
        }
    }
    bail!("no `lab` program beside {}: build it first with `cargo build -p lab`", me.display())
}
