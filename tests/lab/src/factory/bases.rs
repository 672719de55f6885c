//! The lowest layers of images: a few files, or a small Debian.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::cache::{Cache, Key};
use crate::image::layer::{self, Layer, LayerWriter, MTIME, Node};
use crate::image::spec::Base;
use crate::program;
use crate::say::say;

/// Debian's release inside the images.
const SUITE: &str = "bookworm";

/// What an image does not need: device nodes, package lists, logs, documentation.
const LEFT_OUT: &[&str] = &[
    "dev",
    "proc",
    "sys",
    "run",
    "var/cache/apt",
    "var/cache/debconf",
    "var/lib/apt/lists",
    "var/log",
    "usr/share/doc",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/man",
];

/// The key: everything the recipe says about the base.
pub fn key(base: &Base) -> Key {
    Key::of(1).add("suite", SUITE).add("base", format!("{base:?}")).end()
}

/// Builds the layer unless the cache has it; gives it with its file.
pub fn build(cache: &Cache, name: &str, base: &Base) -> Result<(Layer, PathBuf)> {
    let key = key(base);
    let started = Instant::now();
    let (folder, built) = cache.entry("layers", name, &key, |folder| {
        let file = folder.join("layer.tar.gz");
        let layer = if base.debian.is_empty() { plain(base, &file)? } else { debian(base, folder, &file)? };
        std::fs::write(folder.join("layer.json"), serde_json::to_vec(&layer)?).context("writing layer.json")
    })?;
    if built {
        cache.prune("layers", name, &key)?;
        say(format!("built the base layer {name} in {:.1} s", started.elapsed().as_secs_f64()));
    }
    Ok((layer::load(&folder)?, folder.join("layer.tar.gz")))
}

fn plain(base: &Base, file: &Path) -> Result<Layer> {
    let mut nodes = BTreeMap::new();
    for (path, mode) in &base.folders {
        nodes.insert(path.clone(), Node::Folder(mode.0));
    }
    for (path, text) in &base.text {
        nodes.insert(path.clone(), Node::Text(text.clone().into_bytes(), 0o644));
    }
    layer::write(file, &nodes)
}

fn debian(base: &Base, folder: &Path, file: &Path) -> Result<Layer> {
    let root = folder.join("root.tar");
    let mut command = program::command(&["mmdebstrap", "--quiet", "--variant=essential"]);
    command.env("SOURCE_DATE_EPOCH", MTIME.to_string());
    command.arg(format!("--include={}", base.debian.join(",")));
    command.args(["--aptopt=APT::Install-Recommends \"false\"", SUITE]).arg(&root);
    program::finish(command)?;
    let mut archive = tar::Archive::new(File::open(&root).context("opening the Debian root")?);
    let mut layer = LayerWriter::create(file)?;
    for entry in archive.entries().context("reading the Debian root")? {
        let mut entry = entry.context("reading an entry of the Debian root")?;
        let path = layer::strip(&entry.path()?);
        if path.as_os_str().is_empty() || left_out(&path) {
            continue;
        }
        let name = path.to_str().context("reading a path of the Debian root as UTF-8")?.to_owned();
        layer.copy(&name, &mut entry)?;
    }
    std::fs::remove_file(&root)?;
    layer.finish()
}

/// Whether the path lies inside (not: is) one of the folders that are left out.
fn left_out(path: &Path) -> bool {
    LEFT_OUT.iter().any(|folder| path.starts_with(folder) && path != Path::new(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_stay_and_what_is_in_them_goes() {
        assert!(!left_out(Path::new("dev")));
        assert!(left_out(Path::new("dev/console")));
        assert!(!left_out(Path::new("development")));
        assert!(left_out(Path::new("usr/share/doc/apt/copyright")));
    }

    #[test]
    fn more_packages_are_another_layer() {
        let net = Base { debian: vec!["nftables".into()], ..Base::default() };
        let more = Base { debian: vec!["nftables".into(), "iptables".into()], ..Base::default() };
        assert_ne!(key(&net), key(&more));
        assert_eq!(key(&net), key(&net.clone()));
    }
}
