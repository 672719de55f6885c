//! The little of OCI's image specification that unpacking needs.

use sealift_stream::Digest;
use serde::Deserialize;

/// A reference to a blob (descriptor.md).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    #[serde(default)]
    pub(super) media_type: String,
    pub(super) digest: Digest,
    pub(super) size: i64,
    #[serde(default)]
    pub(super) platform: Option<Platform>,
}

/// A platform as descriptors and configurations name it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Platform {
    pub(super) os: String,
    pub(super) architecture: String,
    #[serde(default)]
    pub(super) variant: Option<String>,
}

/// image-index.md
#[derive(Debug, Deserialize)]
pub(super) struct Index {
    pub(super) manifests: Vec<Descriptor>,
}

/// manifest.md
#[derive(Debug, Deserialize)]
pub(super) struct Manifest {
    pub(super) config: Descriptor,
    pub(super) layers: Vec<Descriptor>,
}

/// config.md
#[derive(Debug, Deserialize)]
pub(super) struct Config {
    pub(super) rootfs: RootFs,
}

/// Digests of the layers as tar streams, uncompressed, the lowest first.
#[derive(Debug, Deserialize)]
pub(super) struct RootFs {
    pub(super) diff_ids: Vec<Digest>,
}

/// Whether a media type is an index's.
pub(super) fn is_index(media_type: &str) -> bool {
    matches!(
        media_type,
        "application/vnd.oci.image.index.v1+json"
            | "application/vnd.docker.distribution.manifest.list.v2+json"
    )
}

impl Platform {
    /// Whether it is `os/arch[/variant]`. No variant in what is wanted takes any.
    pub(super) fn is(&self, wanted: &str) -> bool {
        let mut parts = wanted.split('/');
        let os = parts.next() == Some(self.os.as_str());
        let arch = parts.next() == Some(self.architecture.as_str());
        let variant = parts.next().is_none_or(|variant| self.variant.as_deref() == Some(variant));
        os && arch && variant
    }
}

/// Names of the unpacked layers, each with all below it (config.md, "Layer `ChainID`").
pub(super) fn chain_ids(diff_ids: &[Digest]) -> Vec<Digest> {
    let mut chain: Vec<Digest> = vec![];
    for diff in diff_ids {
        let next = match chain.last() {
            None => *diff,
            Some(below) => Digest::of(format!("{below} {diff}").as_bytes()),
        };
        chain.push(next);
    }
    chain
}

#[cfg(test)]
mod tests {
    use sealift_stream::Digest;

    use super::{Platform, chain_ids};

    #[test]
    fn chains_layers_as_the_specification_says() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let chain = chain_ids(&[a, b]);
        assert_eq!(chain, [a, Digest::of(format!("{a} {b}").as_bytes())]);
        assert!(chain_ids(&[]).is_empty());
    }

    #[test]
    fn matches_platforms() {
        let arm = Platform { os: "linux".into(), architecture: "arm64".into(), variant: Some("v8".into()) };
        assert!(arm.is("linux/arm64") && arm.is("linux/arm64/v8"));
        assert!(!arm.is("linux/arm64/v7") && !arm.is("linux/amd64") && !arm.is("linux"));
    }
}
