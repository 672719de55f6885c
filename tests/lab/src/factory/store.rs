//! The registry's storage, filled once by pushing every image into a real registry.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};

use super::images::BuiltImage;
use crate::cache::{Cache, Key};
use crate::internet::registry::{Access, Registry};
use crate::program;
use crate::say::say;

/// Builds the storage unless the cache has it; gives its folder.
pub fn build(cache: &Cache, images: &[BuiltImage]) -> Result<PathBuf> {
    let mut key = Key::of(1);
    for image in images {
        key = key.add(&image.image.reference, image.key.short());
    }
    let key = key.end();
    let started = Instant::now();
    let (path, built) = cache.entry("registry", "storage", &key, |folder| {
        let registry =
            Registry::start(folder, 0, Access::Writable).context("starting a registry to push into")?;
        for image in images {
            push(image, registry.port())?;
        }
        Ok(())
    })?;
    if built {
        cache.prune("registry", "storage", &key)?;
        say(format!(
            "filled the registry with {} images in {:.1} s",
            images.len(),
            started.elapsed().as_secs_f64()
        ));
    }
    Ok(path)
}

fn push(image: &BuiltImage, port: u16) -> Result<()> {
    let from = format!("oci:{}:{}", image.layout.display(), image.image.tag()?);
    let to = format!("docker://127.0.0.1:{port}/{}", image.image.reference);
    let words = [
        "skopeo",
        "--insecure-policy",
        "copy",
        "--quiet",
        "--all",
        "--preserve-digests",
        "--dest-tls-verify=false",
    ];
    let mut command = program::command(&words);
    command.args([from, to]);
    program::finish(command).map(|_| ()).with_context(|| format!("pushing {}", image.image.reference))
}
