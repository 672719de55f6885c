//! Real servers for tests: Debian's registry, and a small HTTP server that does as it is told.

pub(crate) mod layout;
pub(crate) mod registry;
pub(crate) mod server;

use std::time::Duration;

use sealift_bundle::{BlobSource as _, LockedBlob, Recipe};
use sealift_fetch::{FetchOptions, Fetcher, Mirrors, Patience};
use sealift_stream::Digest;
use tokio::io::AsyncReadExt as _;

/// The moment all locks of these tests are made.
pub(crate) const NOW: &str = "2026-11-22T19:00:00Z";

/// A fetcher that loses its patience soon, with `registry.test`, `quay.test` and `https://dl.test` at `base`.
pub(crate) fn fetcher(base: &str) -> Fetcher {
    // Another test of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mirrors = ["registry.test", "quay.test", "dl.test"].map(|host| format!("{host}={base}/{host}"));
    Fetcher::new(FetchOptions {
        mirrors: Mirrors::parse(&mirrors).expect("mirrors parse"),
        quiet_timeout: Duration::from_secs(2),
        patience: Patience {
            attempts: 3,
            first_pause: Duration::from_millis(5),
            longest_pause: Duration::from_millis(50),
            total: Duration::from_secs(5),
        },
        ..FetchOptions::default()
    })
    .expect("fetcher")
}

/// A recipe with this under `spec:`, each line indented by two.
pub(crate) fn recipe(spec: &str) -> Recipe {
    let head =
        "apiVersion: sealift.dev/v1\nkind: Recipe\nmetadata: {name: t, version: '1', sequence: 1}\nspec:\n";
    let spec = format!("platforms: [linux/amd64]\nkubernetes: v1.36.4\n{spec}");
    let body = format!("  {}\n", spec.trim_end().replace('\n', "\n  "));
    Recipe::parse(&format!("{head}{body}"), "test").expect("recipe parses")
}

/// A blob's content from `offset` on.
pub(crate) async fn read(fetcher: &Fetcher, blob: &LockedBlob, offset: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fetcher.open(blob, offset).await?.read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// `sha256:...` of some bytes.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}
