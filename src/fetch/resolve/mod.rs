//! From a recipe to a lock: tags become digests, once.

mod chart;
mod checksum;
mod document;
mod file;
mod image;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use sealift_bundle::{Item, ItemKind, Lock, LockedBlob, Recipe};

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
    let mut work: Vec<BoxFuture<'_, Result<Resolved, FetchError>>> = Vec::new();
    for text in &recipe.spec.images {
        work.push(Box::pin(async move {
            let name: ImageName = text.parse()?;
            let pin = pinned(previous, ItemKind::Image, &name.to_string()).map(|item| item.digest);
            image::resolve(fetcher, &name, pin, &recipe.spec.platforms)
                .await
                .map_err(|error| error.of(format!("image {name}")))
        }));
    }
    for file in &recipe.spec.files {
        work.push(Box::pin(async move {
            file::resolve(fetcher, file, previous)
                .await
                .map_err(|error| error.of(format!("file {}", file.name)))
        }));
    }
    for chart in &recipe.spec.charts {
        work.push(Box::pin(async move {
            let pin =
                pinned(previous, ItemKind::Chart, &chart.name).filter(|item| item.version == chart.version);
            chart::resolve(fetcher, chart, pin)
                .await
                .map_err(|error| error.of(format!("chart {}", chart.name)))
        }));
    }
    let results: Vec<_> = futures::stream::iter(work).buffered(fetcher.options.jobs.max(1)).collect().await;
    let (mut items, mut blobs, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(resolved) => {
                items.push(resolved.item);
                blobs.extend(resolved.blobs);
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
