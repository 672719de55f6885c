//! `recipes/downloads.yaml`: what upstream publishes as files, and upstream's checksum files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::{Built, tree};
use crate::cache::{Cache, Key};
use crate::image::hash::{sha256, sha256_file};
use crate::image::layer::{LayerWriter, Node};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Downloads {
    /// Files.
    pub downloads: Vec<Download>,
    /// Chart repositories.
    pub charts: Vec<Chart>,
}

/// One file upstream publishes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Download {
    /// Host and path.
    pub url: String,
    /// The component it is made of.
    pub component: String,
    /// The program it is, when it is one program.
    pub program: Option<String>,
    /// The archive it is, otherwise.
    pub archive: Option<Archive>,
    /// The checksum file beside it.
    pub checksum: Checksum,
}

/// A gzipped tar of programs and files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// Put in front of every name.
    pub prefix: String,
    /// Programs of the component.
    pub programs: Vec<String>,
    /// Name -> other file of the component.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
}

/// How upstream publishes a checksum.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checksum {
    /// The file's name is the download's with this behind it,
    pub suffix: Option<String>,
    /// or this name.
    pub name: Option<String>,
    /// What is in it.
    pub form: Form,
    /// Further names in a file of lines, as upstream lists other platforms.
    #[serde(default)]
    pub others: Vec<String>,
}

/// The content of a checksum file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// The hexadecimal digest and nothing else, not even a newline.
    Bare,
    /// `digest  name` lines, as sha256sum writes them.
    Lines,
}

/// A chart repository with one chart.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chart {
    /// Host and path of the repository.
    pub repository: String,
    /// The component that kept the chart's folder,
    pub component: String,
    /// the folder's name there,
    pub folder: String,
    /// the chart's name
    pub name: String,
    /// and version.
    pub version: String,
    /// Where the index says the package is (host and path of its folder).
    pub packages: String,
}

impl Downloads {
    /// Parses the file's text.
    pub fn parse(text: &str) -> Result<Self> {
        serde_yaml::from_str(text).context("parsing downloads.yaml")
    }

    /// Reads the committed file.
    pub fn load() -> Result<Self> {
        Self::parse(&super::read("recipes/downloads.yaml")?)
    }

    /// The hosts that the site stands in for, sorted, each once.
    pub fn hosts(&self) -> Vec<String> {
        let urls = self.downloads.iter().map(|d| d.url.as_str());
        let charts = self.charts.iter().flat_map(|c| [c.repository.as_str(), c.packages.as_str()]);
        let mut hosts: Vec<String> =
            urls.chain(charts).filter_map(|u| u.split('/').next()).map(str::to_owned).collect();
        hosts.sort();
        hosts.dedup();
        hosts
    }
}

impl Checksum {
    /// The checksum file's name for a download of this name, and its text.
    pub fn render(&self, file: &str, digest: &str) -> Result<(String, String)> {
        let name = match (&self.suffix, &self.name) {
            (Some(suffix), None) => format!("{file}{suffix}"),
            (None, Some(name)) => name.clone(),
            _ => bail!("naming the checksum of {file}: give suffix or name, not both"),
        };
        let text = match self.form {
            Form::Bare => digest.to_owned(),
            Form::Lines => {
                let other = |name: &String| format!("{}  {name}\n", sha256(name.as_bytes()));
                let mut lines: Vec<String> = self.others.iter().map(other).collect();
                // Ours in the middle, so that a reader who takes the first or the last line is caught.
                lines.insert(lines.len() / 2, format!("{digest}  {file}\n"));
                lines.concat()
            }
        };
        Ok((name, text))
    }
}

/// Builds one download with its checksum file unless the cache has it; gives the folder that holds both.
pub fn build(cache: &Cache, built: &Built, download: &Download) -> Result<(PathBuf, Key)> {
    let programs = built.folder(&download.component)?;
    let programs_key = programs.file_name().context("naming a component's folder")?.as_encoded_bytes();
    let key = Key::of(1).add("download", format!("{download:?}")).add("programs", programs_key).end();
    let name = file_name(&download.url);
    let id = download.url.replace('/', "_");
    let (folder, new) = cache.entry("downloads", &id, &key, |folder| {
        let file = folder.join(name);
        let digest = match (&download.program, &download.archive) {
            (Some(program), None) => {
                tree::link(&programs.join(program), &file)?;
                sha256_file(&file)?
            }
            (None, Some(archive)) => pack(archive, programs, &file)?,
            _ => bail!("making {}: give program or archive, not both", download.url),
        };
        let (name, text) = download.checksum.render(name, &digest)?;
        fs::write(folder.join(&name), text).with_context(|| format!("writing {name}"))
    })?;
    if new {
        cache.prune("downloads", &id, &key)?;
    }
    Ok((folder, key))
}

fn pack(archive: &Archive, programs: &Path, file: &Path) -> Result<String> {
    let mut out = LayerWriter::create(file)?;
    for (name, source) in &archive.files {
        out.add(&format!("{}{name}", archive.prefix), &Node::File(programs.join(source), 0o644))?;
    }
    for name in &archive.programs {
        out.add(&format!("{}{name}", archive.prefix), &Node::File(programs.join(name), 0o755))?;
    }
    Ok(out.finish()?.digest)
}

/// The last part of a URL.
pub(super) fn file_name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_file_parses_and_names_its_hosts() {
        let hosts = Downloads::load().unwrap().hosts();
        for host in ["dl.k8s.io", "github.com", "get.helm.sh", "metallb.github.io"] {
            assert!(hosts.contains(&host.to_owned()), "{host} in {hosts:?}");
        }
    }

    #[test]
    fn checksum_files_look_like_upstreams() {
        let sum = |form, others: &[&str]| Checksum {
            suffix: Some(".sha256".into()),
            name: None,
            form,
            others: others.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(sum(Form::Bare, &[]).render("a", "12").unwrap(), ("a.sha256".into(), "12".into()));
        assert_eq!(sum(Form::Lines, &[]).render("a", "12").unwrap().1, "12  a\n");
        let lines = sum(Form::Lines, &["x", "y"]).render("a", "12").unwrap().1;
        assert_eq!(lines.lines().position(|l| l == "12  a"), Some(1), "{lines}");
    }
}
