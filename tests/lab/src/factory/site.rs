//! The download site's folder: `<host>/<path>`, linked together from downloads and charts.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::downloads::{Downloads, build as build_download};
use super::{Built, charts, tree};
use crate::cache::{Cache, Key};
use crate::say::say;

/// Builds the site's folder unless the cache has it.
pub fn build(cache: &Cache, built: &Built, downloads: &Downloads) -> Result<PathBuf> {
    let mut key = Key::of(1);
    let mut parts: Vec<(PathBuf, PathBuf)> = vec![];
    for download in &downloads.downloads {
        let (folder, part) = build_download(cache, built, download)?;
        key = key.add(&download.url, part.short());
        let at = Path::new(&download.url).parent().context("splitting a download's address")?;
        for file in tree::files(&folder)? {
            parts.push((folder.join(&file), at.join(&file)));
        }
    }
    for chart in &downloads.charts {
        let (folder, part) = charts::build(cache, built, chart)?;
        key = key.add(&chart.repository, part.short());
        let package = charts::package(chart);
        parts.push((folder.join("index.yaml"), Path::new(&chart.repository).join("index.yaml")));
        parts.push((folder.join(&package), Path::new(&chart.packages).join(&package)));
    }
    let key = key.end();
    let (path, new) = cache.entry("site", "site", &key, |folder| {
        for (from, to) in &parts {
            let to = folder.join(to);
            tree::link(from, &to)?;
            fs::metadata(&to).with_context(|| format!("linking {}", to.display()))?;
        }
        Ok(())
    })?;
    if new {
        cache.prune("site", "site", &key)?;
        say(format!("laid out the download site: {} files", parts.len()));
    }
    Ok(path)
}
