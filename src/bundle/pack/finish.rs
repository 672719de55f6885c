//! From filled volumes to a bundle: the chunk list, the manifest, a look at the whole, and the one rename.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sealift_stream::{AtomicFile, Digest};
use tokio::task::{JoinSet, spawn_blocking};

use super::recheck::recheck;
use super::workspace::{Workspace, part_of, remove};
use super::{PackError, Packed};
use crate::chunk::{CHUNK_SIZE, ChunkList};
use crate::files::{self, CHUNKS, MANIFEST, MANIFEST_LIMIT};
use crate::layout::Layout;
use crate::{Bundle, BundleError, ChunkInfo, ItemKind, Kubernetes, Lock, Manifest, Refusal, volume};

/// Makes the filled workspace a bundle at `target`.
pub(crate) async fn finish(
    lock: &Lock,
    layout: Layout,
    workspace: Arc<Workspace>,
    target: &Path,
    volume_size: u64,
    workers: usize,
    reused: u64,
) -> Result<Packed, PackError> {
    hash_the_rest(&workspace, workers).await?;
    let known: Option<Vec<Digest>> = workspace.chunks().iter().copied().collect();
    let chunks = ChunkList::new(known.unwrap_or_default());
    let info = ChunkInfo { digest: Digest::of(&chunks.to_bytes()), count: chunks.len() };
    let (bytes, manifest) = manifest(lock, &layout, volume_size, info)?;
    let (target, digest) = (target.to_owned(), Digest::of(&bytes));
    let size = manifest.stream_size;
    let publish = move || -> Result<PathBuf, PackError> {
        write_lists(&workspace, &chunks, &bytes)?;
        check_images(&workspace, manifest)?;
        publish(&workspace, &target)?;
        Ok(target)
    };
    let dir = spawn_blocking(publish).await??;
    Ok(Packed { dir, digest, bytes: size, reused, already: false })
}

/// Chunks with headers, padding or several blobs in them: read back and hashed now.
async fn hash_the_rest(workspace: &Arc<Workspace>, workers: usize) -> Result<(), PackError> {
    let next = Arc::new(AtomicU64::new(0));
    let mut set = JoinSet::new();
    for _ in 0..workers {
        let (workspace, next) = (Arc::clone(workspace), Arc::clone(&next));
        set.spawn_blocking(move || -> std::io::Result<()> {
            let mut buffer = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let at = usize::try_from(index).unwrap_or(usize::MAX);
                match workspace.chunks().get(at) {
                    None => return Ok(()),
                    Some(Some(_)) => continue,
                    Some(None) => {}
                }
                workspace.volumes.read_chunk(index, &mut buffer)?;
                let digest = Digest::of(&buffer);
                workspace.chunks()[at] = Some(digest);
            }
        });
    }
    while let Some(done) = set.join_next().await {
        done?.map_err(workspace.io("reading"))?;
    }
    Ok(())
}

/// The manifest of a lock; the same lock gives the same bytes.
fn manifest(
    lock: &Lock,
    layout: &Layout,
    volume_size: u64,
    chunks: ChunkInfo,
) -> Result<(Vec<u8>, Manifest), PackError> {
    let manifest = Manifest {
        schema: Manifest::SCHEMA,
        document: Manifest::TYPE.to_owned(),
        name: lock.name.clone(),
        version: lock.version.clone(),
        sequence: lock.sequence,
        created: lock.created.clone(),
        platforms: lock.platforms.clone(),
        kubernetes: Kubernetes { version: lock.kubernetes.clone(), hops: lock.hops.clone() },
        minimum_sealift: Manifest::MINIMUM_SEALIFT,
        chunk_size: CHUNK_SIZE,
        chunks,
        stream_size: layout.stream_size,
        volumes: volume::split(layout.stream_size, volume_size),
        items: lock.items.clone(),
        blobs: layout.blobs.clone(),
    };
    let refused = |reason: String| BundleError::from(Refusal::Manifest { path: MANIFEST.into(), reason });
    let bytes = manifest.to_bytes().map_err(|error| refused(error.to_string()))?;
    // What we would refuse to read must not be written.
    Manifest::parse(&bytes).map_err(|error| refused(error.to_string()))?;
    Ok((bytes, manifest))
}

fn write_lists(workspace: &Workspace, chunks: &ChunkList, manifest: &[u8]) -> Result<(), PackError> {
    for (name, bytes) in [(CHUNKS, &chunks.to_bytes()[..]), (MANIFEST, manifest)] {
        let path = workspace.volumes_dir().join(name);
        AtomicFile::write(&path, bytes).map_err(PackError::io("writing", &path))?;
    }
    Ok(())
}

/// Every image must be whole for every platform, read the way an installation reads it.
fn check_images(workspace: &Workspace, manifest: Manifest) -> Result<(), PackError> {
    let bundle = Bundle::of_ours(workspace.volumes_dir(), manifest)?;
    let manifest = bundle.manifest();
    for item in manifest.items.iter().filter(|item| item.kind == ItemKind::Image) {
        let platforms = item.platform.as_ref().map_or(&manifest.platforms[..], std::slice::from_ref);
        for platform in platforms {
            bundle.image_blobs(item, platform)?;
        }
    }
    Ok(())
}

/// Makes everything durable; then the bundle gets its name.
fn publish(workspace: &Workspace, target: &Path) -> Result<(), PackError> {
    let dir = workspace.volumes_dir();
    workspace.volumes.sync().map_err(workspace.io("syncing"))?;
    fs::rename(&dir, target).map_err(PackError::io("renaming", &dir))?;
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|dir| dir.sync_all()).map_err(PackError::io("syncing", folder))?;
    remove(&workspace.part).map_err(PackError::io("removing", &workspace.part))
}

/// Whether the bundle of this very lock is there already; another one of its name is an error.
pub(crate) fn already_there(
    lock: &Lock,
    layout: &Layout,
    target: &Path,
    volume_size: u64,
) -> Result<Option<Packed>, PackError> {
    if target.symlink_metadata().is_err() {
        return Ok(None);
    }
    let exists = || PackError::Exists { dir: target.to_owned() };
    let path: PathBuf = target.join(MANIFEST);
    let have = files::read_limited(&path, MANIFEST_LIMIT).map_err(|_| exists())?;
    let parsed = Manifest::parse(&have).map_err(|_| exists())?;
    // The list of chunks is the one thing that a lock does not tell without packing.
    let (want, _) = manifest(lock, layout, volume_size, parsed.chunks.clone())?;
    if want != have {
        return Err(exists());
    }
    let size = parsed.stream_size;
    recheck(layout, target, parsed)?;
    // A kill right behind the rename leaves the rest of the part.
    let part = part_of(target);
    remove(&part).map_err(PackError::io("removing", &part))?;
    Ok(Some(Packed {
        dir: target.to_owned(),
        digest: Digest::of(&have),
        bytes: size,
        reused: layout.content_size(),
        already: true,
    }))
}
