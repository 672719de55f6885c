//! A Helm chart from a chart repository (Helm's "Chart Repository Guide": `index.yaml`).

use std::collections::HashMap;

use sealift_bundle::{BlobKind, ChartItem, ChartRecipe, Item, ItemKind, LockedBlob, Source};
use sealift_stream::Digest;
use serde::Deserialize;

use super::{Resolved, small};
use crate::{FetchError, Fetcher};

/// Large public repositories have indexes of some 20 MB.
const INDEX_LIMIT: u64 = 64 << 20;

/// Helm itself refuses charts that do not fit into a Secret of 1 MiB by far.
const CHART_LIMIT: u64 = 16 << 20;

/// The media type of a chart's archive in OCI registries (Helm, `pkg/registry`).
const CHART_TYPE: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

#[derive(Deserialize)]
struct Index {
    entries: HashMap<String, Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    version: String,
    #[serde(default)]
    urls: Vec<String>,
    #[serde(default)]
    digest: Option<String>,
}

/// Resolves a chart; with `pin`, the previous lock's item of the same version, it must be the same still.
pub(super) async fn resolve(
    fetcher: &Fetcher,
    chart: &ChartRecipe,
    pin: Option<&Item>,
) -> Result<Resolved, FetchError> {
    let bad = |reason: String| FetchError::Chart {
        chart: chart.name.clone(),
        repository: chart.repository.clone(),
        reason,
    };
    let repository = format!("{}/", chart.repository.trim_end_matches('/'));
    let index = small(fetcher, &format!("{repository}index.yaml"), INDEX_LIMIT).await?;
    let (upstream, promised) = find(&index, chart, &repository).map_err(bad)?;
    let bytes = small(fetcher, &upstream, CHART_LIMIT).await?;
    let digest = Digest::of(&bytes);
    if let Some(expected) = promised.filter(|expected| *expected != digest) {
        return Err(FetchError::Digest { what: upstream, expected, seen: digest });
    }
    if let Some(pin) = pin.filter(|pin| pin.digest != digest) {
        let text = format!(
            "version {} was {} when it was locked, upstream has {digest} now",
            chart.version, pin.digest
        );
        return Err(bad(text));
    }
    fetcher.remember(digest, &bytes);
    let size = bytes.len() as u64;
    let item = Item {
        kind: ItemKind::Chart,
        name: chart.name.clone(),
        version: chart.version.clone(),
        digest,
        media_type: CHART_TYPE.to_owned(),
        size,
        platform: None,
        chart: Some(ChartItem {
            namespace: chart.namespace.clone(),
            values: chart.values.clone(),
            site_values: chart.site_values.clone(),
        }),
        package: None,
    };
    let blob = LockedBlob {
        digest,
        size,
        media_type: CHART_TYPE.to_owned(),
        kind: BlobKind::Chart,
        platform: None,
        source: Source::Url { url: upstream },
    };
    Ok(Resolved { item, blobs: vec![blob] })
}

/// The upstream address and, if the index has one, the digest of the chart's archive.
fn find(index: &[u8], chart: &ChartRecipe, repository: &str) -> Result<(String, Option<Digest>), String> {
    let text = std::str::from_utf8(index).map_err(|_| "its index is not text".to_owned())?;
    let index: Index =
        serde_yaml::from_str(text).map_err(|error| format!("its index cannot be read: {error}"))?;
    let versions = index.entries.get(&chart.name).ok_or("its index does not name the chart")?;
    let plain = |version: &str| version.trim_start_matches('v').to_owned();
    let entry =
        versions.iter().find(|entry| plain(&entry.version) == plain(&chart.version)).ok_or_else(|| {
            let there: Vec<&str> = versions.iter().take(5).map(|entry| entry.version.as_str()).collect();
            format!("no version {} there; the first ones are {}", chart.version, there.join(", "))
        })?;
    let url = entry
        .urls
        .first()
        .ok_or_else(|| format!("its index has no address for version {}", chart.version))?;
    let base =
        url::Url::parse(repository).map_err(|error| format!("the repository is no address: {error}"))?;
    let url = base.join(url).map_err(|error| format!("'{url}' in its index is no address: {error}"))?;
    let digest = match entry.digest.as_deref().filter(|digest| !digest.is_empty()) {
        None => None,
        Some(hex) => Some(
            format!("sha256:{}", hex.trim_start_matches("sha256:"))
                .parse()
                .map_err(|error: sealift_stream::BadDigest| format!("its index: {error}"))?,
        ),
    };
    Ok((url.into(), digest))
}

#[cfg(test)]
mod tests {
    use sealift_bundle::ChartRecipe;

    use super::find;

    fn chart(version: &str) -> ChartRecipe {
        ChartRecipe {
            name: "metallb".into(),
            repository: "https://metallb.github.io/metallb".into(),
            version: version.into(),
            namespace: "metallb-system".into(),
            values: serde_json::Value::Null,
            site_values: vec![],
        }
    }

    #[test]
    fn finds_relative_and_absolute_addresses() {
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let index = format!(
            "apiVersion: v1\nentries:\n  metallb:\n  - version: v0.15.2\n    digest: {hex}\n    urls: [metallb-0.15.2.tgz]\n  \
             - version: 0.15.1\n    urls: ['https://github.com/x/metallb-0.15.1.tgz']\n  - version: 0.15.0\n"
        );
        let base = "https://metallb.github.io/metallb/";
        let (url, digest) = find(index.as_bytes(), &chart("0.15.2"), base).expect("finds");
        assert_eq!(url, "https://metallb.github.io/metallb/metallb-0.15.2.tgz");
        assert_eq!(digest.map(|d| d.hex()).as_deref(), Some(hex));
        let (url, digest) = find(index.as_bytes(), &chart("0.15.1"), base).expect("finds");
        assert_eq!((url.as_str(), digest), ("https://github.com/x/metallb-0.15.1.tgz", None));
        assert!(find(index.as_bytes(), &chart("0.15.0"), base).expect_err("refused").contains("no address"));
        assert!(find(index.as_bytes(), &chart("9"), base).expect_err("refused").contains("v0.15.2, 0.15.1"));
        assert!(find(b"<html>", &chart("9"), base).is_err());
    }
}
