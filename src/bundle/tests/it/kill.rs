//! Packing that is aborted or killed, and goes on: the same bytes in the end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sealift_bundle::{Lock, pack};
use sealift_stream::NoMeter;

use crate::pure::{listing, thousand};
use crate::support::source::HangsAfter;
use crate::support::{files, options, pack_generated};

/// Runs until the source has given `bytes`, then drops the run in the middle of everything.
async fn abort_after(lock: &Lock, folder: &Path, workers: usize, bytes: u64) {
    let source = HangsAfter::new(bytes);
    let hanging = source.hanging.clone();
    tokio::select! {
        done = pack(lock, &source, folder, options(workers, 4), &NoMeter) => panic!("was not aborted: {done:?}"),
        () = hanging.notified() => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn aborted_at_many_points_it_ends_the_same() {
    let lock = files(&[30 << 20, 7 << 20, 100, 12 << 20, 5]);
    let folder = tempfile::tempdir().expect("makes a folder");
    let whole = pack_generated(&lock, &folder.path().join("whole"), options(4, 4)).await;
    let want = listing(&whole.dir);
    for workers in [1, 8] {
        let folder = folder.path().join(format!("cut-{workers}"));
        // One chain: each run goes on where the one before was cut.
        for bytes in [0, 1, 3 << 20, 20 << 20, 22 << 20] {
            abort_after(&lock, &folder, workers, bytes).await;
        }
        let last = HangsAfter::new(u64::MAX);
        let packed = pack(&lock, &last, &folder, options(9 - workers, 4), &NoMeter).await.expect("packs");
        assert_eq!(listing(&packed.dir), want, "{workers} workers");
        let fetched = last.given.load(Ordering::Relaxed);
        assert!(packed.reused >= 8 << 20, "only {} bytes were used again", packed.reused);
        assert_eq!(packed.reused + fetched, (49 << 20) + 105, "something was fetched twice or not at all");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotten_part_is_fetched_again() {
    let lock = files(&[30 << 20]);
    let folder = tempfile::tempdir().expect("makes a folder");
    let whole = pack_generated(&lock, &folder.path().join("whole"), options(4, 4)).await;
    let cut = folder.path().join("cut");
    abort_after(&lock, &cut, 1, 20 << 20).await;
    let volume = cut.join("files-1.0.0-1.sealift.part/bundle/volume-0000");
    crate::support::flip(&volume, 5 << 20, 3);
    // between two files of the tar, where nobody writes
    crate::support::flip(&volume, 700, 3);
    let packed = pack_generated(&lock, &cut, options(1, 4)).await;
    assert_eq!((packed.digest, packed.reused), (whole.digest, 0));
    assert_eq!(listing(&packed.dir), listing(&whole.dir));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_another_lock_is_thrown_away() {
    let folder = tempfile::tempdir().expect("makes a folder");
    abort_after(&files(&[30 << 20]), folder.path(), 1, 20 << 20).await;
    let packed = pack_generated(&files(&[29 << 20, 4]), folder.path(), options(1, 4)).await;
    assert_eq!(packed.reused, 0);
    assert_eq!(
        packed.digest,
        pack_generated(&files(&[29 << 20, 4]), &folder.path().join("b"), options(1, 4)).await.digest
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_do_not_meet() {
    let lock = files(&[30 << 20]);
    let folder = tempfile::tempdir().expect("makes a folder");
    let source = HangsAfter::new(1 << 20);
    let hanging = source.hanging.clone();
    let options = options(1, 4);
    tokio::select! {
        done = pack(&lock, &source, folder.path(), options, &NoMeter) => panic!("was not held up: {done:?}"),
        second = async { hanging.notified().await; pack(&lock, &source, folder.path(), options, &NoMeter).await } => {
            let error = second.expect_err("two runs at once");
            assert!(error.to_string().contains("at work there"), "{error}");
        }
    }
}

/// The example beside this test binary.
pub(crate) fn child(lock: &Path, folder: &Path, workers: u32) -> Child {
    let here = std::env::current_exe().expect("knows itself");
    let program: PathBuf =
        here.parent().and_then(Path::parent).expect("lies in deps").join("examples/pack_child");
    let mut command = Command::new(&program);
    command.arg(lock).arg(folder).arg(workers.to_string());
    command.spawn().unwrap_or_else(|error| panic!("starting {}: {error}", program.display()))
}

/// Kills (SIGKILL) run after run, each a little further on, until one ends by itself. Returns the kills.
pub(crate) fn kill_chain(lock: &Path, folder: &Path, part: &Path, step: u64) -> u32 {
    let journal = folder.join(part).join("journal");
    let mut kills = 0;
    loop {
        let mut run = child(lock, folder, 1 + kills % 8);
        let length = || fs::metadata(&journal).map_or(0, |meta| meta.len());
        let (start, began) = (length(), Instant::now());
        loop {
            if let Some(status) = run.try_wait().expect("waits") {
                assert!(status.success(), "the child failed: {status}");
                return kills;
            }
            assert!(began.elapsed() < Duration::from_mins(2), "the child hangs");
            if length() >= start + step {
                run.kill().expect("kills");
                run.wait().expect("waits");
                kills += 1;
                break;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_for_real_it_ends_the_same() {
    let lock = thousand();
    let folder = tempfile::tempdir().expect("makes a folder");
    let want = pack_generated(&lock, &folder.path().join("whole"), options(4, 64)).await;
    let path = folder.path().join("thousand.lock");
    fs::write(&path, lock.to_yaml().expect("writes")).expect("writes");
    let out = folder.path().join("killed");
    let part = Path::new("thousand-1.0.0-1.sealift.part");
    let kills = kill_chain(&path, &out, part, 1500);
    assert!(kills >= 2, "killed {kills} times only");
    assert_eq!(listing(&out.join("thousand-1.0.0-1.sealift")), listing(&want.dir));
}
