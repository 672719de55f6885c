//! Packs a lock of made-up content: the process that `tests/it/kill.rs` kills with SIGKILL.
//! Arguments: lock file, output folder, workers.

#![expect(clippy::cast_possible_truncation, reason = "as in the tests it is shared with")]

#[path = "../tests/it/support/generated.rs"]
#[expect(dead_code, reason = "shared with the tests, which use all of it")]
mod generated;

use std::path::Path;

use sealift_bundle::{CHUNK_SIZE, Lock, PackOptions, pack};
use sealift_stream::NoMeter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [lock, folder, workers] = &arguments[..] else {
        return Err("want: LOCK FOLDER WORKERS".into());
    };
    let lock = Lock::load(Path::new(lock))?;
    let options = PackOptions { workers: workers.parse()?, volume_size: 64 * CHUNK_SIZE, resume: true };
    pack(&lock, &generated::Generated, Path::new(folder), &options, &NoMeter).await?;
    Ok(())
}
