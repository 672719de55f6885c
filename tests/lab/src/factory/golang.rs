//! Builds one Go component into the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::components::{Component, ModuleFiles, go_name, kept};
use super::go_caches::GoCaches;
use crate::cache::{Cache, Key};
use crate::program;
use crate::say::say;

/// Raised when the way of building changes.
const RECIPE: u32 = 2;

/// The key of a component: go.mod, go.sum, everything components.yaml says, the Go version.
pub fn key(component: &Component, go_version: &str) -> Result<Key> {
    let folder = component.folder();
    let mut key = Key::of(RECIPE)
        .add("go", go_version)
        .add("go.mod", read(&folder.join("go.mod"))?)
        .add("go.sum", read(&folder.join("go.sum"))?)
        .add("cgo", [u8::from(component.cgo)])
        .add("tags", component.tags.join(","))
        .add("ldflags", component.linker());
    for (name, package) in &component.binaries {
        key = key.add(name, package);
    }
    for (name, files) in &component.files {
        key = key.add(name, format!("{files:?}"));
    }
    Ok(key.end())
}

/// The version of the Go command, such as `go1.26.8`.
pub fn version() -> Result<String> {
    let mut go = program::command(&["go", "env", "GOVERSION"]);
    go.current_dir("/");
    let out =
        program::finish(go).context("asking Go for its version (Go 1.26 or newer must be on the PATH)")?;
    Ok(out.trim().to_owned())
}

/// Builds the component unless the cache has it; gives its folder, with the programs in it.
pub fn build(cache: &Cache, caches: &GoCaches, component: &Component, go_version: &str) -> Result<PathBuf> {
    let id = component.id();
    let key = key(component, go_version)?;
    let started = Instant::now();
    let (path, built) = cache.entry("bin", &id, &key, |folder| {
        say(format!("building {id} ..."));
        compile(caches, component, folder)?;
        for (name, files) in &component.files {
            keep(caches, component, files, &folder.join(name))?;
        }
        Ok(())
    })?;
    if built {
        cache.prune("bin", &id, &key)?;
        say(format!("built {id} in {:.1} s", started.elapsed().as_secs_f64()));
    }
    Ok(path)
}

/// Downloads what the absent components are made of, one after the other and beside the compiling of those before:
/// a compiler that waits for the network leaves its processor idle. A failure is left to the compiling, which meets it
/// again and says why. To be joined before the caches are dropped.
pub fn download_ahead(
    cache: &Cache,
    caches: &GoCaches,
    components: &[Component],
    go_version: &str,
) -> Result<JoinHandle<()>> {
    let mut lists: Vec<Command> = vec![];
    for component in components {
        if !cache.path("bin", &component.id(), &key(component, go_version)?).is_dir() {
            let mut list = go(caches, component, "list")?;
            list.arg("-deps").args(component.binaries.values()).stdout(Stdio::null()).stderr(Stdio::null());
            lists.push(list);
        }
    }
    Ok(std::thread::spawn(move || {
        for mut list in lists {
            let _ = list.status();
        }
    }))
}

/// `go list` or `go build` of a component: with other tags, or C, it would be of other packages.
fn go(caches: &GoCaches, component: &Component, verb: &str) -> Result<Command> {
    let mut go = caches.go(&component.folder())?;
    go.env("CGO_ENABLED", if component.cgo { "1" } else { "0" });
    go.args([verb, "-mod=readonly", "-tags", &component.tags.join(",")]);
    Ok(go)
}

fn compile(caches: &GoCaches, component: &Component, folder: &Path) -> Result<()> {
    let out = tempfile::tempdir_in(folder)?;
    let mut go = go(caches, component, "build")?;
    go.arg("-trimpath");
    // What the linker drops (-w) need not be made; and memory is there so that the compiler collects less often.
    go.arg("-gcflags=all=-dwarf=false").env("GOGC", "400");
    go.args(["-ldflags", &component.linker(), "-o"]).arg(out.path());
    go.args(component.binaries.values());
    program::finish(go).with_context(|| format!("compiling {}", component.id()))?;
    for (name, package) in &component.binaries {
        let from = out.path().join(go_name(package));
        fs::rename(&from, folder.join(name)).with_context(|| format!("keeping {name} of {package}"))?;
    }
    Ok(())
}

fn keep(caches: &GoCaches, component: &Component, files: &ModuleFiles, to: &Path) -> Result<()> {
    let mut go = caches.go(&component.folder())?;
    go.args(["list", "-mod=readonly", "-m", "-f", "{{.Dir}}", &files.module]);
    let dir = program::finish(go)?;
    if dir.trim().is_empty() {
        bail!("finding the source of {}: go list names no folder", files.module);
    }
    let source = Path::new(dir.trim()).join(&files.path);
    let all = if files.only.is_empty() { super::tree::files(&source)? } else { vec![] };
    let wanted = files.only.iter().map(PathBuf::from).chain(all);
    for relative in wanted.filter(|f| kept(&files.only, f)) {
        let target = to.join(&relative);
        fs::create_dir_all(target.parent().unwrap_or(to))?;
        let bytes = read(&source.join(&relative))?;
        fs::write(&target, bytes).with_context(|| format!("writing {}", target.display()))?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("reading {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::factory::components::Components;

    #[test]
    fn a_key_changes_with_flags_tags_and_the_go_version() {
        let component = Components::load().unwrap().components.remove(0);
        let before = key(&component, "go1.26.8").unwrap();
        assert_eq!(before, key(&component, "go1.26.8").unwrap());
        assert_ne!(before, key(&component, "go1.26.9").unwrap());
        let mut other = component.clone();
        other.tags.push("more".into());
        assert_ne!(before, key(&other, "go1.26.8").unwrap());
        let mut other = component;
        other.ldflags.clear();
        assert_ne!(before, key(&other, "go1.26.8").unwrap());
    }
}
