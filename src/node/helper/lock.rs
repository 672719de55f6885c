//! One helper that may change a node at a time (law 5).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use tokio::net::UnixStream;

use super::{Config, Hello, Reply, Wish};
use crate::error::Context as _;
use crate::{HostError, Owner, frame};

/// Beats come every 4 s and an operator that is silent for 15 s counts as gone, so that by now one of the two
/// has been seen: wait a little longer than that.
const PATIENCE: Duration = Duration::from_secs(20);

/// An orphan that has agreed to end may still finish short work.
const LONGEST: Duration = Duration::from_secs(90);

/// Who holds the lock, as its file says. A helper whose run ended by itself leaves an empty file.
#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    schema: u32,
    /// The helper's process.
    pid: u32,
    socket: PathBuf,
    owner: Owner,
    /// Who held it before and did not let go of it by itself.
    previous: Option<Owner>,
}

/// The lock, held until dropped or the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    file: Flock<File>,
}

impl Lock {
    /// Says that this run ended by itself: nobody will report it as cut off.
    pub(super) fn clear(self) -> io::Result<()> {
        self.file.set_len(0)
    }
}

/// Takes the lock; an owner without an operator is asked to end and waited for. One that is alive refuses as soon as
/// it has proved it: its operator was heard once more while we waited, or a little later at most.
pub(super) async fn take(config: &Config) -> Result<Lock, HostError> {
    let what = || "taking the node's lock".to_owned();
    let path = config.place(crate::paths::LOCK);
    let since = Instant::now();
    let mut earlier: Option<Duration> = None;
    loop {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = match Flock::lock(file.on(&config.node, what)?, FlockArg::LockExclusiveNonblock) {
            Ok(mut file) => {
                let previous = read(&mut file).on(&config.node, what)?.map(|holder| holder.owner);
                let (pid, owner) = (std::process::id(), config.owner.clone());
                let holder = Holder { schema: 1, pid, socket: config.socket(), owner, previous };
                write(&mut file, &holder).on(&config.node, what)?;
                return Ok(Lock { file });
            }
            Err((file, _)) => file,
        };
        // Unreadable for the moment between a lock and its content.
        if let Some(holder) = read(&mut file).on(&config.node, what)? {
            let heard = ask(&holder.socket).await;
            let again = heard.zip(earlier).is_some_and(|(heard, earlier)| heard < earlier);
            let waited = since.elapsed();
            if again || (heard.is_some() && waited > PATIENCE) || waited > LONGEST {
                return Err(HostError::Busy {
                    host: config.node.clone(),
                    owner: Box::new(holder.owner),
                    heard_s: heard.unwrap_or(waited).as_secs(),
                });
            }
            tracing::info!(owner = %holder.owner, helper = holder.pid, ?heard, "another helper holds the node's lock");
            earlier = heard;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Who held the lock before the helper of this configuration and was cut off.
pub(super) fn previous(config: &Config) -> Option<Owner> {
    let text = fs::read(config.place(crate::paths::LOCK)).ok()?;
    let holder: Holder = serde_json::from_slice(&text).ok()?;
    holder.previous.filter(|previous| !previous.is(&config.owner))
}

/// What the file says; none when it is empty, half written, or of a form that we do not know.
fn read(file: &mut File) -> io::Result<Option<Holder>> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(serde_json::from_str(&text).ok())
}

fn write(file: &mut File, holder: &Holder) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&serde_json::to_vec(holder)?)
}

/// How long ago the owner's operator was heard; none when the owner is about to end. One that does not answer is
/// ending, or hangs: the lock will tell.
async fn ask(socket: &Path) -> Option<Duration> {
    let talk = async {
        let mut owner = UnixStream::connect(socket).await?;
        frame::send(&mut owner, &Hello { token: String::new(), wish: Wish::Yield }).await?;
        frame::receive::<Reply>(&mut owner).await
    };
    match tokio::time::timeout(Duration::from_secs(3), talk).await {
        Ok(Ok(Reply::Busy { heard_ms })) => Some(Duration::from_millis(heard_ms)),
        _ => None,
    }
}
