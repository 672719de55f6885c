//! Chart repositories: packaged by helm from a module's chart folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Built;
use super::downloads::Chart;
use crate::cache::{Cache, Key};
use crate::program;
use crate::say::say;

/// Builds the repository's folder (package and index.yaml) unless the cache has it.
pub fn build(cache: &Cache, built: &Built, chart: &Chart) -> Result<(PathBuf, Key)> {
    let source = built.folder(&chart.component)?;
    let helm = built.program("helm", "helm")?;
    let source_key = source.file_name().context("naming a component's folder")?.as_encoded_bytes();
    let key = Key::of(1).add("chart", format!("{chart:?}")).add("source", source_key).end();
    let (folder, new) = cache.entry("charts", &chart.name, &key, |folder| {
        let home = tempfile::tempdir()?;
        run(
            &helm,
            home.path(),
            &["package", path(&source.join(&chart.folder))?, "--destination", path(folder)?],
        )?;
        let url = format!("https://{}", chart.packages);
        run(&helm, home.path(), &["repo", "index", path(folder)?, "--url", &url])
    })?;
    if new {
        cache.prune("charts", &chart.name, &key)?;
        say(format!("packaged the chart {} {}", chart.name, chart.version));
    }
    Ok((folder, key))
}

/// The package's file name, as helm chooses it.
pub fn package(chart: &Chart) -> String {
    format!("{}-{}.tgz", chart.name, chart.version)
}

fn run(helm: &Path, home: &Path, words: &[&str]) -> Result<()> {
    let mut command = program::command(&[helm]);
    // Helm's own settings stay in a folder that goes away.
    for variable in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
        command.env(variable, home);
    }
    command.args(words);
    program::finish(command).map(|_| ())
}

fn path(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("reading the path {} as UTF-8", path.display()))
}
