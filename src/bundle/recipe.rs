//! What to pack, as a person writes it.

use serde::{Deserialize, Serialize};

use crate::Platform;

mod load;
mod validate;

pub use load::RecipeError;

/// A recipe with everything it includes.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Recipe {
    /// `sealift.dev/v1`.
    pub api_version: String,
    /// `Recipe`.
    pub kind: String,
    /// Name and version of the bundle.
    pub metadata: Metadata,
    /// What goes in.
    pub spec: RecipeSpec,
}

/// Name and version of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// Part of the bundle's file name.
    pub name: String,
    /// The version people see; part of the file name.
    pub version: String,
    /// Must grow with every release of this name.
    pub sequence: u64,
}

/// What goes in.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RecipeSpec {
    /// Other recipes, relative to this one; their items are joined, this file's metadata wins.
    #[serde(default)]
    pub include: Vec<String>,
    /// e.g. `linux/amd64`.
    pub platforms: Vec<Platform>,
    /// The Kubernetes version, e.g. `v1.36.4`.
    pub kubernetes: String,
    /// Versions an upgrade passes through on its way, oldest first.
    #[serde(default)]
    pub hops: Vec<String>,
    /// Images by upstream name with tag.
    #[serde(default)]
    pub images: Vec<String>,
    /// Programs and archives.
    #[serde(default)]
    pub files: Vec<FileRecipe>,
    /// Packages of the nodes' operating systems.
    #[serde(default)]
    pub os_packages: Vec<OsPackagesRecipe>,
    /// Helm charts.
    #[serde(default)]
    pub charts: Vec<ChartRecipe>,
    /// Manifests whose images must be inside too.
    #[serde(default)]
    pub manifests: Vec<ManifestRecipe>,
}

/// A program or archive from a download site, or from the machine that packs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecipe {
    /// Its name in the bundle, once per recipe.
    pub name: String,
    /// For people.
    pub version: String,
    /// Where it is; empty for one of this machine.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// `sha256:<hex>`, or the address of a checksum file (`<hex>`, or lines of `<hex>  name`). Of a file of this
    /// machine it may be left out: the lock keeps what it had.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub checksum: String,
    /// A file of the machine that packs instead of an address, relative to the recipe that names it; after loading, to
    /// the working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The platform it is for, when only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

/// Packages for one operating system. What they need comes along.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OsPackagesRecipe {
    /// `ID-VERSION_ID` of its os-release(5), e.g. `debian-12`.
    pub system: String,
    /// Where they are.
    pub repositories: Vec<AptRepository>,
    /// Their names.
    pub packages: Vec<String>,
}

/// A repository of Debian packages, as a line of sources.list(5) names one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AptRepository {
    /// The folder above `dists`.
    pub url: String,
    /// e.g. `bookworm` or `bookworm-security`.
    pub suite: String,
    /// e.g. `main`.
    pub components: Vec<String>,
    /// The `OpenPGP` keys that may sign it, as in `signed-by`; relative to the recipe that names it.
    pub keyring: String,
}

/// A Helm chart from a chart repository.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ChartRecipe {
    /// The chart's name in its repository, and the release's name.
    pub name: String,
    /// The folder above its `index.yaml`.
    pub repository: String,
    /// The chart's version.
    pub version: String,
    /// The namespace it goes into.
    pub namespace: String,
    /// Values over the chart's own.
    #[serde(default)]
    pub values: serde_json::Value,
    /// Paths of values that a site may set.
    #[serde(default)]
    pub site_values: Vec<String>,
}

/// A manifest that is installed with this bundle.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestRecipe {
    /// For messages.
    pub name: String,
    /// Relative to the recipe that names it; after loading, to the working directory.
    pub path: String,
}
