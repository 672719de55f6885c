//! Builds the images of `recipes/images.yaml` as OCI layouts in the cache.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::{Built, bases};
use crate::cache::{Cache, Key};
use crate::image::compose::{LayerFile, compose};
use crate::image::layer::{self, Node};
use crate::image::spec::{Image, Images};
use crate::parallel::in_parallel;
use crate::program;
use crate::say::say;

/// Raised when the way of writing images changes.
const RECIPE: u32 = 1;

/// One image's layout in the cache.
#[derive(Debug, Clone)]
pub struct BuiltImage {
    /// What it is.
    pub image: Image,
    /// The folder with its OCI layout.
    pub layout: PathBuf,
    /// What it was built from.
    pub key: Key,
}

/// Builds every image the cache lacks; each is packed by one processor.
pub fn build(cache: &Cache, images: &Images, built: &Built) -> Result<Vec<BuiltImage>> {
    in_parallel(images.images.iter(), |image| one(cache, images, built, image))
}

fn one(cache: &Cache, images: &Images, built: &Built, image: &Image) -> Result<BuiltImage> {
    let programs = built.folder(&image.component)?;
    let base = image.base.as_ref().map(|name| {
        let base = images.bases.get(name).with_context(|| format!("finding the base {name}"))?;
        anyhow::Ok((name, base))
    });
    let base = base.transpose()?;
    let base_key = base.map_or_else(String::new, |(_, b)| bases::key(b).short().to_owned());
    let programs_key = programs.file_name().context("naming a component's folder")?.as_encoded_bytes();
    let key = Key::of(RECIPE)
        .add("image", format!("{image:?}"))
        .add("base", base_key)
        .add("programs", programs_key)
        .end();
    let started = Instant::now();
    let (layout, new) = cache.entry("images", &image.id(), &key, |folder| {
        check(image, programs)?;
        let mut layers: Vec<LayerFile> = vec![];
        if let Some((name, base)) = base {
            layers.push(bases::build(cache, name, base)?);
        }
        let file = folder.join(".program");
        layers.push((layer::write(&file, &nodes(image, programs)?)?, file.clone()));
        compose(folder, image, &layers)?;
        fs::remove_file(&file).context("removing a layer's first name")
    })?;
    if new {
        cache.prune("images", &image.id(), &key)?;
        say(format!("built the image {} in {:.1} s", image.reference, started.elapsed().as_secs_f64()));
    }
    Ok(BuiltImage { image: image.clone(), layout, key })
}

/// The program must say the version its image's tag says.
fn check(image: &Image, programs: &Path) -> Result<()> {
    if let Some(file) = &image.version_file {
        let text = fs::read_to_string(programs.join(file)).with_context(|| format!("reading {file}"))?;
        ensure!(text.trim() == image.tag()?, "{}: upstream's {file} says {}", image.reference, text.trim());
    }
    let Some(prints) = &image.prints else { return Ok(()) };
    let mut command = program::command(&[programs.join(&prints.program)]);
    let output =
        command.args(&prints.argv).output().with_context(|| format!("starting {}", prints.program))?;
    let words = [output.stdout, output.stderr].concat();
    let words = String::from_utf8_lossy(&words);
    ensure!(
        words.contains(&prints.text),
        "{}: {} says {words:?}, not {}",
        image.reference,
        prints.program,
        prints.text
    );
    Ok(())
}

fn nodes(image: &Image, programs: &Path) -> Result<BTreeMap<String, Node>> {
    let mut nodes = BTreeMap::new();
    for (path, file) in &image.files {
        let source = programs.join(file);
        let meta = fs::metadata(&source).with_context(|| format!("reading {}", source.display()))?;
        // Owner's rights decide, so that the umask of whoever built it does not.
        let mode = if meta.permissions().mode() & 0o100 == 0 { 0o644 } else { 0o755 };
        let low = image.bind_low_ports.contains(path);
        nodes.insert(path.clone(), if low { Node::LowPorts(source, mode) } else { Node::File(source, mode) });
    }
    for (path, mode) in &image.folders {
        nodes.insert(path.clone(), Node::Folder(mode.0));
    }
    for (path, target) in &image.links {
        nodes.insert(path.clone(), Node::Link(target.clone()));
    }
    Ok(nodes)
}
