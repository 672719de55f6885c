//! The `.part` directory: volumes being written, the journal, and the lock that keeps a second run out.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sealift_stream::Digest;

use super::PackError;
use super::journal::{Journal, Notes};
use crate::chunk;
use crate::layout::Layout;
use crate::tarhead::{BLOCK, END};
use crate::volume::{self, Volumes};

/// What all workers share.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// `NAME-VERSION.sealift.part`.
    pub(crate) part: PathBuf,
    pub(crate) volumes: Volumes,
    pub(crate) journal: Journal,
    /// What a killed run left.
    pub(crate) notes: Notes,
    /// Digests of the chunks that workers have had whole in memory.
    chunks: Mutex<Vec<Option<Digest>>>,
}

/// Keeps a second run out of a part, until it is dropped. Not part of the workspace: threads of an aborted
/// run may hold that a moment longer.
pub(crate) struct PartLock(File);

impl Drop for PartLock {
    /// Said aloud instead of left to the closing of the file: a process that another thread is just forking has the
    /// descriptor too until its exec, and would keep the lock that long (flock(2)).
    fn drop(&mut self) {
        // It fails for a bad descriptor only; closing the file then does the same.
        let _ = self.0.unlock();
    }
}

impl Workspace {
    /// Opens the part of `target`, or makes it anew when it is of another layout.
    pub(crate) fn open(
        target: &Path,
        layout: &Layout,
        volume_size: u64,
        resume: bool,
    ) -> Result<(Self, PartLock), PackError> {
        let part = part_of(target);
        fs::create_dir_all(&part).map_err(PackError::io("making", &part))?;
        let lock = take_lock(&part)?;
        let identity = layout.identity(volume_size);
        let (volumes_dir, journal_path) = (volumes_dir(&part), part.join("journal"));
        let text = fs::read(&journal_path).unwrap_or_default();
        let left = Notes::parse(&String::from_utf8_lossy(&text), &identity).filter(|_| resume);
        if left.is_none() {
            // Removed, not truncated: a thread of an aborted run may still write to the old files.
            for stale in [&journal_path, &volumes_dir] {
                remove(stale).map_err(PackError::io("removing", stale))?;
            }
        }
        fs::create_dir_all(&volumes_dir).map_err(PackError::io("making", &volumes_dir))?;
        let mut files = Vec::new();
        for listed in volume::split(layout.stream_size, volume_size) {
            let path = volumes_dir.join(&listed.name);
            let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
            let file = open().map_err(PackError::io("opening", &path))?;
            file.set_len(listed.size).map_err(PackError::io("sizing", &path))?;
            files.push(file);
        }
        let append = || OpenOptions::new().create(true).append(true).open(&journal_path);
        let file = append().map_err(PackError::io("opening", &journal_path))?;
        let journal = match left {
            Some(_) => Journal::resume(file),
            None => Journal::begin(file, &identity).map_err(PackError::io("writing", &journal_path))?,
        };
        let count = usize::try_from(chunk::count(layout.stream_size)).unwrap_or(usize::MAX);
        let volumes = Volumes::new(files, volume_size, layout.stream_size);
        if left.is_some() {
            clear_padding(&volumes, layout).map_err(PackError::io("writing", &volumes_dir))?;
        }
        let workspace = Self {
            volumes,
            journal,
            notes: left.unwrap_or_default(),
            chunks: Mutex::new(vec![None; count]),
            part,
        };
        Ok((workspace, lock))
    }

    /// Digests of chunks, as far as they are known.
    pub(crate) fn chunks(&self) -> MutexGuard<'_, Vec<Option<Digest>>> {
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the volumes lie until the bundle is whole.
    pub(crate) fn volumes_dir(&self) -> PathBuf {
        volumes_dir(&self.part)
    }

    /// An error of reading or writing the volumes.
    pub(crate) fn io(&self, doing: &'static str) -> impl FnOnce(std::io::Error) -> PackError + use<> {
        PackError::io(doing, &self.volumes_dir())
    }
}

/// `NAME-VERSION.sealift` becomes `NAME-VERSION.sealift.part`.
pub(crate) fn part_of(target: &Path) -> PathBuf {
    let mut text = target.as_os_str().to_owned();
    text.push(".part");
    text.into()
}

fn volumes_dir(part: &Path) -> PathBuf {
    part.join("bundle")
}

pub(crate) fn take_lock(part: &Path) -> Result<PartLock, PackError> {
    let path = part.join("lock");
    let file = File::create(&path).map_err(PackError::io("opening", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(PartLock(file)),
        Err(TryLockError::WouldBlock) => Err(PackError::Busy { part: part.to_owned() }),
        Err(TryLockError::Error(source)) => Err(PackError::Io { doing: "locking", path, source }),
    }
}

/// Nobody writes what is between the files of the tar, and behind them: it is a hole, in which a power cut may have left
/// something.
fn clear_padding(volumes: &Volumes, layout: &Layout) -> std::io::Result<()> {
    let zeros = vec![0; usize::try_from(BLOCK).unwrap_or_default()];
    for region in &layout.regions {
        let end = region.offset + region.size;
        let padding = usize::try_from(end.next_multiple_of(BLOCK) - end).unwrap_or_default();
        volumes.write_at(end, &zeros[..padding])?;
    }
    for block in (layout.stream_size - END..layout.stream_size).step_by(zeros.len()) {
        volumes.write_at(block, &zeros)?;
    }
    Ok(())
}

/// Removes a file or tree; absent is fine.
pub(crate) fn remove(path: &Path) -> std::io::Result<()> {
    let result = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match result {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
