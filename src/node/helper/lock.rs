//! One helper that may change a node at a time (law 5).

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use tokio::net::UnixStream;

use super::{Config, Hello, Reply, Wish};
use crate::error::Context as _;
use crate::{HostError, frame};

/// A silently dead operator is found out after 15 s without a beat: wait a little longer than that.
const PATIENCE: Duration = Duration::from_secs(20);

/// An orphan that has agreed to end may still finish short work.
const LONGEST: Duration = Duration::from_secs(90);

/// Who holds the lock.
#[derive(Debug, Serialize, Deserialize)]
struct Owner {
    pid: u32,
    run: String,
    socket: PathBuf,
}

/// The lock, held until dropped or the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: Flock<File>,
}

/// Takes the lock; an owner without an operator is asked to end and waited for.
pub(super) async fn take(config: &Config) -> Result<Lock, HostError> {
    let what = || "taking the node's lock".to_owned();
    let path = config.place(crate::paths::LOCK);
    let since = Instant::now();
    loop {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        match Flock::lock(file.on(&config.node, what)?, FlockArg::LockExclusiveNonblock) {
            Ok(mut file) => {
                let owner =
                    Owner { pid: std::process::id(), run: config.run.clone(), socket: config.socket() };
                write(&mut file, &owner).on(&config.node, what)?;
                return Ok(Lock { _file: file });
            }
            Err((mut file, _)) => {
                let mut text = String::new();
                file.read_to_string(&mut text).on(&config.node, what)?;
                // Unreadable for the moment between a lock and its content.
                if let Ok(owner) = serde_json::from_str::<Owner>(&text) {
                    let yields = ask(&owner.socket).await;
                    let waited = since.elapsed();
                    if (!yields && waited > PATIENCE) || waited > LONGEST {
                        return Err(HostError::Busy {
                            host: config.node.clone(),
                            run: owner.run,
                            pid: owner.pid,
                        });
                    }
                    tracing::info!(
                        run = owner.run,
                        pid = owner.pid,
                        yields,
                        "another helper holds the node's lock"
                    );
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn write(file: &mut File, owner: &Owner) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&serde_json::to_vec(owner)?)
}

/// Whether the owner is about to end. One that does not answer is ending, or hangs: the lock will tell.
async fn ask(socket: &std::path::Path) -> bool {
    let talk = async {
        let mut owner = UnixStream::connect(socket).await?;
        frame::send(&mut owner, &Hello { token: String::new(), wish: Wish::Yield }).await?;
        frame::receive::<Reply>(&mut owner).await
    };
    !matches!(tokio::time::timeout(Duration::from_secs(3), talk).await, Ok(Ok(Reply::Busy)))
}
