//! Turning a lock into a bundle: workers write blobs at their offsets, in any order and number, and the
//! bytes are always the same.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use sealift_stream::{Digest, Meter};
use tokio::task::spawn_blocking;

use crate::layout::Layout;
use crate::{BlobSource, CHUNK_SIZE, DEFAULT_VOLUME_SIZE, Lock};

mod error;
mod fill;
mod finish;
mod journal;
mod piece;
mod recheck;
mod workspace;

pub use error::PackError;

use workspace::{Workspace, part_of, remove, take_lock};

/// How to pack.
#[derive(Debug, Clone, Copy)]
pub struct PackOptions {
    /// How many blobs at a time; each takes up to 8 MiB of memory. At most 16 are used.
    pub workers: usize,
    /// Bytes of each volume but the last, a multiple of [`CHUNK_SIZE`].
    pub volume_size: u64,
    /// Go on where a killed run stopped. Without it a part is thrown away first.
    pub resume: bool,
}

impl Default for PackOptions {
    fn default() -> Self {
        Self { workers: 8, volume_size: DEFAULT_VOLUME_SIZE, resume: true }
    }
}

/// What packing came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The bundle's directory.
    pub dir: PathBuf,
    /// SHA-256 of `manifest.json`: the bundle's identity.
    pub digest: Digest,
    /// Bytes of all volumes.
    pub bytes: u64,
    /// Bytes of content that were there already, from a killed run.
    pub reused: u64,
    /// The whole bundle was there already; nothing was done.
    pub already: bool,
}

/// Packs `lock` into `folder/NAME-VERSION.sealift`, unsigned.
///
/// Until it is whole it is `NAME-VERSION.sealift.part`; a run that was killed there is gone on with by the
/// next one, which believes only what it has hashed again. Memory is bounded by the number of workers.
pub async fn pack(
    lock: &Lock,
    source: &dyn BlobSource,
    folder: &Path,
    options: &PackOptions,
    meter: &dyn Meter,
) -> Result<Packed, PackError> {
    if options.volume_size == 0 || !options.volume_size.is_multiple_of(CHUNK_SIZE) {
        return Err(PackError::VolumeSize { size: options.volume_size });
    }
    let workers = options.workers.clamp(1, 16);
    let layout = Layout::of(lock)?;
    let target = folder.join(lock.directory_name());
    let (same, plan, place, size) = (lock.clone(), layout.clone(), target.clone(), options.volume_size);
    let earlier = move || finish::already_there(&same, &plan, &place, size);
    if let Some(packed) = spawn_blocking(earlier).await?? {
        return Ok(packed);
    }
    let (workspace, _lock) = Workspace::open(&target, &layout, options.volume_size, options.resume)?;
    let workspace = Arc::new(workspace);
    // The largest first, so that no long one is left for the end.
    let mut order: Vec<usize> = (0..layout.regions.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(layout.regions[at].size));
    let filled = stream::iter(order)
        .map(|at| fill::fill(&workspace, at, &layout.regions[at], source, meter))
        .buffer_unordered(workers);
    let reused = filled.try_fold(0, |sum, reused| async move { Ok(sum + reused) }).await?;
    finish::finish(lock, layout, workspace, &target, options.volume_size, workers, reused).await
}

/// Takes away the part of a lock's bundle: nobody wants what it would become. Refused while another run works there.
pub fn discard_part(lock: &Lock, folder: &Path) -> Result<(), PackError> {
    let part = part_of(&folder.join(lock.directory_name()));
    if part.symlink_metadata().is_err() {
        return Ok(());
    }
    let _alone = take_lock(&part)?;
    remove(&part).map_err(PackError::io("removing", &part))
}
