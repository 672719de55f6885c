//! What a person asked for and finds in a bundle by name: an image, a chart, a file, a package.

use sealift_stream::Digest;
use serde::{Deserialize, Serialize};

use crate::Platform;

/// One thing in a bundle, by its upstream name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// What it is.
    pub kind: ItemKind,
    /// An image's full upstream name with its tag (`registry.k8s.io/pause:3.10.2`), a chart's or file's name, a package's
    /// system, architecture and name (`debian-12_amd64_chrony`).
    pub name: String,
    /// For people: an image's tag, the version of anything else.
    pub version: String,
    /// The content's own digest: an image's index or manifest, a chart's archive, a file's bytes.
    pub digest: Digest,
    /// Media type of that content.
    pub media_type: String,
    /// Bytes of that content (of an image: of its index or manifest alone).
    pub size: u64,
    /// The platform a file is for; none when it is for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// For charts only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart: Option<ChartItem>,
    /// For Debian packages only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<PackageItem>,
}

/// What kind of thing an [`Item`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemKind {
    /// A container image.
    Image,
    /// A Helm chart.
    Chart,
    /// A program or an archive.
    File,
    /// A package of an operating system.
    Package,
}

impl ItemKind {
    /// The word in manifests and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Chart => "chart",
            Self::File => "file",
            Self::Package => "package",
        }
    }
}

/// What a node's package manager is told of a package before it reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageItem {
    /// `ID-VERSION_ID` of the system it is for (os-release(5)), e.g. `debian-12`.
    pub system: String,
    /// The package's own name, e.g. `chrony`.
    pub package: String,
    /// Whether the recipe names it; the others are what it needs.
    pub wanted: bool,
    /// Its stanza of the repository's `Packages`, without what no package manager needs.
    pub control: String,
    /// Of the words for which it was chosen: system, repositories with their keys, packages. While they are the same, so is
    /// the choice.
    pub basis: Digest,
}

/// How a chart is installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChartItem {
    /// The namespace it goes into.
    pub namespace: String,
    /// The recipe's values, over the chart's own.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub values: serde_json::Value,
    /// Paths of values that a site may set, e.g. `controller.resources`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub site_values: Vec<String>,
}
