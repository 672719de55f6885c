//! The internet as the lab sees it: a registry and a download site on loopback, outside every air gap.

pub mod command;
pub mod range;
pub mod registry;
pub mod site;
pub mod threaded;

pub use command::{Command, run};

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::cache::Cache;
use crate::factory::{self, Built, downloads::Downloads};
use crate::process::Process;
use threaded::Threaded;

/// A running internet; dropping it ends it.
pub struct Internet {
    /// Where the registry answers: `http://127.0.0.1:PORT`. A repository there is upstream's host and path.
    pub registry_url: String,
    /// Where the download site answers; a path there is upstream's host and path.
    pub site_url: String,
    registries: Vec<String>,
    sites: Vec<String>,
    note: PathBuf,
    running: Option<Threaded>,
}

/// What `DIR/internet.json` holds: who runs, and where it answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Note {
    /// The process that serves the site and owns the registry.
    pub owner: Process,
    /// The registry's process.
    pub registry: Process,
    /// Where the registry answers.
    pub registry_url: String,
    /// Where the download site answers.
    pub site_url: String,
    /// The mirrors to give to the product, `A=B`.
    pub mirrors: Vec<String>,
}

impl Internet {
    /// Starts both servers on free ports, after building whatever the cache lacks. `dir` holds the note and the log.
    pub fn start(cache: &Cache, dir: &Path) -> Result<Self> {
        Self::start_at(&factory::build_all(cache)?, dir, 0, 0)
    }

    /// Starts both servers on the given ports; 0 is a free one.
    pub fn start_at(built: &Built, dir: &Path, registry_port: u16, site_port: u16) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
        let running = Threaded::start(&built.registry, registry_port, &built.site, site_port)?;
        let mut registries: Vec<String> = built
            .images
            .iter()
            .filter_map(|i| i.image.reference.split('/').next())
            .map(str::to_owned)
            .collect();
        registries.sort();
        registries.dedup();
        let internet = Self {
            registry_url: format!("http://127.0.0.1:{}", running.registry_port),
            site_url: format!("http://127.0.0.1:{}", running.site_port),
            registries,
            sites: Downloads::load()?.hosts(),
            note: dir.join("internet.json"),
            running: Some(running),
        };
        internet.write_note()?;
        Ok(internet)
    }

    /// The mirrors to give to the product, `A=B`: registry hosts and `https://` prefixes.
    pub fn mirrors(&self) -> Vec<String> {
        let images = self.registries.iter().map(|host| format!("{host}={}/{host}", self.registry_url));
        let files = self.sites.iter().map(|host| format!("https://{host}={}/{host}", self.site_url));
        images.chain(files).collect()
    }

    /// The note that is in `DIR/internet.json`.
    pub fn note(&self) -> Result<Note> {
        let running = self.running.as_ref().context("reading the state of a stopped internet")?;
        Ok(Note {
            owner: Process::myself()?,
            registry: running.registry,
            registry_url: self.registry_url.clone(),
            site_url: self.site_url.clone(),
            mirrors: self.mirrors(),
        })
    }

    fn write_note(&self) -> Result<()> {
        let text = serde_json::to_vec_pretty(&self.note()?)?;
        // One rename, so that whoever waits for the note never reads half of it.
        let part = self.note.with_extension("part");
        fs::write(&part, text).with_context(|| format!("writing {}", part.display()))?;
        fs::rename(&part, &self.note).with_context(|| format!("putting {} in place", self.note.display()))
    }
}

impl Drop for Internet {
    fn drop(&mut self) {
        drop(self.running.take());
        // The note is about something that runs; without it nobody signals what is gone.
        let _ = fs::remove_file(&self.note);
    }
}
