//! Compiles a one-file C program, statically.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::components::CProgram;
use crate::cache::{Cache, Key};
use crate::program;
use crate::say::say;

/// The key: the source and the version it prints.
pub fn key(program: &CProgram) -> Result<Key> {
    let source = source(program);
    let text = fs::read(&source).with_context(|| format!("reading {}", source.display()))?;
    Ok(Key::of(1).add("source", text).add("version", &program.version).end())
}

/// Compiles the program unless the cache has it; gives its folder.
pub fn build(cache: &Cache, program: &CProgram) -> Result<PathBuf> {
    let id = format!("{}-{}", program.name, program.version);
    let key = key(program)?;
    let (path, built) = cache.entry("bin", &id, &key, |folder| {
        let mut cc = program::command(&["cc", "-Os", "-static", "-s", "-Wall", "-Wextra", "-Werror"]);
        cc.arg(format!("-DVERSION=\"{}\"", program.version)).arg("-o").arg(folder.join(&program.name));
        cc.arg(source(program));
        program::finish(cc).map(|_| ())
    })?;
    if built {
        cache.prune("bin", &id, &key)?;
        say(format!("built {id}"));
    }
    Ok(path)
}

fn source(program: &CProgram) -> PathBuf {
    super::home().join("components").join(&program.name).join(format!("{}.c", program.name))
}
