//! One pass over all volumes: every chunk against the signed list.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use sealift_stream::{ByteSize, Meter};

use crate::chunk::CHUNK_LEN;
use crate::content::Content;
use crate::verified::Verified;
use crate::{Bundle, BundleError, DamagedRange, Refusal};

/// What a pass over a whole bundle found: nothing wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Bytes of all volumes.
    pub bytes: ByteSize,
    /// How many chunks were hashed.
    pub chunks: u64,
    /// Files beside the bundle's own.
    pub foreign: Vec<String>,
}

/// A chunk's number, and what is wrong with it.
type Bad = (u64, BundleError);

impl Bundle<Verified> {
    /// Reads every byte of every volume with `workers` threads. Finds all damage, then refuses once.
    ///
    /// Workers take the next chunk each, so that a stick sees one nearly sequential reader. Blocks.
    pub fn verify(&self, workers: usize, meter: &dyn Meter) -> Result<Report, BundleError> {
        let content = &*self.state.content;
        let (next, bad) = (AtomicU64::new(0), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..workers.clamp(1, 64) {
                scope.spawn(|| check_chunks(content, &next, &bad, meter));
            }
        });
        let mut bad = bad.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        bad.sort_unstable_by_key(|(index, _)| *index);
        if bad.is_empty() {
            let bytes = ByteSize(self.state.manifest.stream_size);
            return Ok(Report { bytes, chunks: content.chunk_count(), foreign: self.foreign().to_vec() });
        }
        // nothing but what could not be read: a stick that was pulled out is not a damaged one
        if bad.iter().all(|(_, error)| !error.is_integrity()) {
            return Err(bad.remove(0).1);
        }
        Err(Refusal::Damaged { dir: self.dir.clone(), ranges: ranges(content, &bad) }.into())
    }
}

fn check_chunks(content: &Content, next: &AtomicU64, bad: &Mutex<Vec<Bad>>, meter: &dyn Meter) {
    let mut buffer = Vec::with_capacity(CHUNK_LEN);
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        if index >= content.chunk_count() {
            return;
        }
        if let Err(error) = content.chunk(index, &mut buffer) {
            let mut bad = bad.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            bad.push((index, error));
        }
        meter.add(content.range(index, false).len());
    }
}

/// Neighbouring bad chunks become one range.
fn ranges(content: &Content, bad: &[Bad]) -> Vec<DamagedRange> {
    let mut ranges: Vec<DamagedRange> = Vec::new();
    for (index, error) in bad {
        let unreadable = !error.is_integrity();
        let one = content.range(*index, unreadable);
        match ranges.last_mut() {
            Some(last)
                if last.volume == one.volume && last.to == one.from && last.unreadable == unreadable =>
            {
                last.to = one.to;
            }
            _ => ranges.push(one),
        }
    }
    ranges
}
