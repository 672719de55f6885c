//! Builds everything the lab needs, once: programs, images, the registry's storage, the download site.

pub mod bases;
pub mod c_program;
pub mod charts;
pub mod components;
pub mod downloads;
pub mod go_caches;
pub mod golang;
pub mod images;
pub mod site;
pub mod store;
pub mod tree;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};

use crate::cache::Cache;
use crate::image::spec::Images;
use crate::packages;
use crate::root::{self, RootKind};
use crate::say::{data, say};
use components::Components;
use downloads::Downloads;
use go_caches::{Drop, GoCaches};

/// Options of `lab build`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// Keep Go's build and module caches afterwards (several gigabytes; a later change rebuilds faster)
    #[arg(long)]
    pub keep_go_caches: bool,
}

/// Everything that was built, by folder.
#[derive(Debug, Clone)]
pub struct Built {
    /// `kubernetes-1.36.4` -> the folder with its programs.
    pub programs: BTreeMap<String, PathBuf>,
    /// The images' layouts.
    pub images: Vec<images::BuiltImage>,
    /// The registry's storage.
    pub registry: PathBuf,
    /// The download site.
    pub site: PathBuf,
}

impl Built {
    /// The path of one program, such as `("kubernetes", "kubeadm")`; a component may be named with its version.
    pub fn program(&self, component: &str, name: &str) -> Result<PathBuf> {
        let folder = self.folder(component)?;
        let path = folder.join(name);
        path.is_file().then_some(path).ok_or_else(|| anyhow!("finding {name} in {}", folder.display()))
    }

    /// The folder of a component, named with or without its version (without: the first one).
    pub fn folder(&self, component: &str) -> Result<&PathBuf> {
        let unversioned = |id: &str| id.rsplit_once('-').is_some_and(|(name, _)| name == component);
        let found = self.programs.get(component);
        found
            .or_else(|| self.programs.iter().find(|(id, _)| unversioned(id)).map(|(_, path)| path))
            .ok_or_else(|| anyhow!("finding the component {component}: components.yaml does not build it"))
    }
}

/// `lab build`.
pub fn run(args: &Args) -> Result<()> {
    packages::ensure()?;
    let started = Instant::now();
    let drop = if args.keep_go_caches { Drop::Never } else { Drop::Always };
    let built = build_with(&Cache::open()?, drop)?;
    for (id, path) in &built.programs {
        data(format!("{id}\t{}", path.display()));
    }
    data(format!("registry\t{}", built.registry.display()));
    data(format!("site\t{}", built.site.display()));
    say(format!("everything is there ({:.1} s)", started.elapsed().as_secs_f64()));
    Ok(())
}

/// Builds whatever the cache lacks.
pub fn build_all(cache: &Cache) -> Result<Built> {
    build_with(cache, Drop::IfUsed)
}

fn build_with(cache: &Cache, drop: Drop) -> Result<Built> {
    let components = Components::load()?;
    // One builder at a time: another one's end would drop the Go caches under this one's feet.
    let _turn = cache.lock("build")?;
    let caches = GoCaches::new(cache);
    let go_version = golang::version()?;
    let ahead = golang::download_ahead(cache, &caches, &components.components, &go_version)?;
    let images = Images::load()?;
    let debians = debians_ahead(cache, &images);
    let mut programs = BTreeMap::new();
    for component in &components.components {
        let path = golang::build(cache, &caches, component, &go_version)?;
        programs.insert(component.id(), path);
    }
    for program in &components.c {
        let path = c_program::build(cache, program)?;
        programs.insert(format!("{}-{}", program.name, program.version), path);
    }
    let _ = (ahead.join(), debians.join());
    let dropping = caches.drop(drop)?;
    let mut built = Built { programs, images: vec![], registry: PathBuf::new(), site: PathBuf::new() };
    built.images = images::build(cache, &images, &built)?;
    built.registry = store::build(cache, &built.images)?;
    built.site = site::build(cache, &built, &Downloads::load()?)?;
    dropping.finish()?;
    Ok(built)
}

/// Makes what is made of Debian's packages while Go compiles: it waits for the network more than for a processor. What
/// goes wrong here is tried and told again where it is needed.
fn debians_ahead(cache: &Cache, images: &Images) -> JoinHandle<()> {
    let (cache, bases) = (cache.clone(), images.bases.clone());
    std::thread::spawn(move || {
        let _ = root::ensure(&cache, RootKind::default());
        for (name, base) in &bases {
            let _ = bases::build(&cache, name, base);
        }
    })
}

/// The committed folder of the lab's data.
pub(crate) fn home() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Reads one committed file of the lab.
pub(crate) fn read(relative: &str) -> Result<String> {
    let path = home().join(relative);
    std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
}
