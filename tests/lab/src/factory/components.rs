//! `components.yaml`: what is built, and how.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Components {
    /// Go programs.
    pub components: Vec<Component>,
    /// C programs of one file.
    pub c: Vec<CProgram>,
}

/// A set of Go programs from one pinned module graph.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Its name; with the version it names the folder and the cache entry.
    pub name: String,
    /// The tag its programs print.
    pub version: String,
    /// Whether C is linked in (statically).
    #[serde(default)]
    pub cgo: bool,
    /// Build tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Linker flags; `{version}` and `{plain}` are filled in.
    #[serde(default)]
    pub ldflags: Vec<String>,
    /// Program name -> package path.
    pub binaries: BTreeMap<String, String>,
    /// Folder name -> files kept from a module's source.
    #[serde(default)]
    pub files: BTreeMap<String, ModuleFiles>,
}

/// Files kept from a module's source.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleFiles {
    /// The module.
    pub module: String,
    /// A folder in it.
    pub path: String,
    /// The files in that folder; all when empty.
    #[serde(default)]
    pub only: Vec<String>,
}

/// A static program made of one C file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CProgram {
    /// Its name, and its folder's and file's.
    pub name: String,
    /// The version it prints.
    pub version: String,
}

impl Components {
    /// Parses the file's text.
    pub fn parse(text: &str) -> Result<Self> {
        serde_yaml::from_str(text).context("parsing components.yaml")
    }

    /// Reads the committed file.
    pub fn load() -> Result<Self> {
        Self::parse(&super::read("components.yaml")?)
    }
}

impl Component {
    /// `kubernetes-1.36.4`: the folder under components/ and the name of the cache entry.
    pub fn id(&self) -> String {
        format!("{}-{}", self.name, self.plain())
    }

    /// The version without its v.
    pub fn plain(&self) -> &str {
        self.version.trim_start_matches('v')
    }

    /// The committed folder with go.mod and go.sum.
    pub fn folder(&self) -> PathBuf {
        super::home().join("components").join(self.id())
    }

    /// All linker flags in one argument; symbols are stripped, as upstream's releases are.
    pub fn linker(&self) -> String {
        let own = self.ldflags.join(" ").replace("{version}", &self.version).replace("{plain}", self.plain());
        let c = if self.cgo { " -linkmode external -extldflags '-static -Wl,-z,lazy'" } else { "" };
        format!("-s -w {own}{c}").replace("  ", " ")
    }
}

/// The name `go build -o FOLDER/` gives a package's program: the last element, or the one before a `/v2`.
pub(super) fn go_name(package: &str) -> &str {
    let is_major =
        |e: &str| e.strip_prefix('v').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    package.rsplit('/').find(|e| !is_major(e)).unwrap_or(package)
}

/// Whether `only` (a list of relative files, or nothing for all) keeps this file.
pub(super) fn kept(only: &[String], relative: &Path) -> bool {
    only.is_empty() || only.iter().any(|o| Path::new(o) == relative)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_file_parses_and_every_component_has_its_folder() {
        let all = Components::load().unwrap();
        assert!(all.components.len() >= 9);
        for component in &all.components {
            for file in ["go.mod", "go.sum"] {
                assert!(component.folder().join(file).is_file(), "{}/{file}", component.id());
            }
        }
    }

    #[test]
    fn go_names_programs_like_the_go_command_does() {
        assert_eq!(go_name("go.etcd.io/etcd/server/v3"), "server");
        assert_eq!(go_name("k8s.io/kubernetes/cmd/kubeadm"), "kubeadm");
        assert_eq!(go_name("github.com/containerd/containerd/v2/cmd/ctr"), "ctr");
    }

    #[test]
    fn linker_flags_carry_the_version() {
        let text = "{components: [{name: a, version: v1.2.3, ldflags: ['-X m.v={version}', '-X m.p={plain}'], binaries: {}}], c: []}";
        let all = Components::parse(text).unwrap();
        assert_eq!(all.components[0].linker(), "-s -w -X m.v=v1.2.3 -X m.p=1.2.3");
    }
}
