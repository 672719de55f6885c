//! Compiles a one-file C program, statically.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::command;
use super::components::CProgram;
use crate::cache::{Cache, Key};
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
        let mut cc = Command::new("cc");
        cc.args(["-Os", "-static", "-s", "-Wall", "-Wextra", "-Werror"]);
        cc.arg(format!("-DVERSION=\"{}\"", program.version)).arg("-o").arg(folder.join(&program.name));
        command::run(cc.arg(source(program)))
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
