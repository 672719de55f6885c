//! From a recipe to a lock: tags become digests, once.

mod chart;
mod checksum;
mod document;
mod file;
mod image;
mod packages;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use sealift_bundle::{Item, ItemKind, Lock, LockedBlob, Recipe};

use crate::http::{self, Ask};
use crate::{FetchError, Fetcher, ImageName};

/// One item of the recipe with all its content.
pub(crate) struct Resolved {
    pub(crate) item: Item,
    pub(crate) blobs: Vec<LockedBlob>,
}

/// Resolves everything a recipe names, `FetchOptions::jobs` items at a time, in the recipe's order.
///
/// What `previous` holds stays as it is there: an image keeps its digest whatever its tag says today, a file at
/// the same address is not asked for again, and a chart that changed under its version is refused.
/// `now` (RFC 3339, UTC, whole seconds) becomes `created` unless nothing else changed.
/// All items that fail are reported, not only the first.
pub async fn resolve(
    recipe: &Recipe,
    fetcher: &Fetcher,
    previous: Option<&Lock>,
    now: &str,
) -> Result<Lock, FetchError> {
    let mut work: Vec<BoxFuture<'_, Result<Vec<Resolved>, FetchError>>> = Vec::new();
    for text in &recipe.spec.images {
        work.push(Box::pin(async move {
            let name: ImageName = text.parse()?;
            let pin = pinned(previous, ItemKind::Image, &name.to_string()).map(|item| item.digest);
            image::resolve(fetcher, &name, pin, &recipe.spec.platforms)
                .await
                .map(|one| vec![one])
                .map_err(|error| error.of(format!("image {name}")))
        }));
    }
    for file in &recipe.spec.files {
        work.push(Box::pin(async move {
            file::resolve(fetcher, file, previous)
                .await
                .map(|one| vec![one])
                .map_err(|error| error.of(format!("file {}", file.name)))
        }));
    }
    for chart in &recipe.spec.charts {
        work.push(Box::pin(async move {
            let pin =
                pinned(previous, ItemKind::Chart, &chart.name).filter(|item| item.version == chart.version);
            chart::resolve(fetcher, chart, pin)
                .await
                .map(|one| vec![one])
                .map_err(|error| error.of(format!("chart {}", chart.name)))
        }));
    }
    for wanted in &recipe.spec.os_packages {
        work.push(Box::pin(async move {
            packages::resolve(fetcher, wanted, &recipe.spec.platforms, previous, now)
                .await
                .map_err(|error| error.of(format!("packages for {}", wanted.system)))
        }));
    }
    let results: Vec<_> = futures::stream::iter(work).buffered(fetcher.options.jobs.max(1)).collect().await;
    let (mut items, mut blobs, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(resolved) => {
                for one in resolved {
                    items.push(one.item);
                    blobs.extend(one.blobs);
                }
            }
            Err(error) => errors.push(error),
        }
    }
    if errors.len() > 1 {
        return Err(FetchError::Several(errors));
    }
    if let Some(error) = errors.pop() {
        return Err(error);
    }
    let lock = Lock {
        schema: Lock::SCHEMA,
        name: recipe.metadata.name.clone(),
        version: recipe.metadata.version.clone(),
        sequence: recipe.metadata.sequence,
        created: now.to_owned(),
        platforms: recipe.spec.platforms.clone(),
        kubernetes: recipe.spec.kubernetes.clone(),
        hops: recipe.spec.hops.clone(),
        items,
        blobs,
    }
    .normalise()?;
    Ok(keep_date(lock, previous))
}

/// The whole of a small document of an upstream's, tried as often as a budget allows.
async fn small(fetcher: &Fetcher, upstream: &str, limit: u64) -> Result<Vec<u8>, FetchError> {
    let url = fetcher.options.mirrors.url(upstream)?;
    let attempt = || async { http::small(&url, fetcher.http.get(Ask::whole(&url)).await?, limit).await };
    fetcher.budget().run(attempt).await
}

/// A lock in which nothing changed is the same lock, to the byte.
fn keep_date(mut lock: Lock, previous: Option<&Lock>) -> Lock {
    if let Some(previous) = previous {
        let now = std::mem::replace(&mut lock.created, previous.created.clone());
        if lock != *previous {
            lock.created = now;
        }
    }
    lock
}

fn pinned<'a>(previous: Option<&'a Lock>, kind: ItemKind, name: &str) -> Option<&'a Item> {
    previous?.item(kind, name)
}
