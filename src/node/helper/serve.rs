//! The helper's life.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nix::unistd::{Uid, chown};
use tokio::net::UnixListener;

use super::connection::Helper;
use super::journal::Journal;
use super::life::{End, Life};
use super::{Config, Mode, lock};
use crate::error::Context as _;
use crate::local::file::{present, write_whole};
use crate::{HostError, LocalHost};

/// Serves until the run is over. Blocks; needs no runtime around it.
pub fn serve(config: &Path) -> Result<(), HostError> {
    let what = || "starting the helper".to_owned();
    let text = fs::read(config).on("this node", what)?;
    let config: Config = serde_json::from_slice(&text).on("this node", what)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.on(&config.node, what)?;
    let ended = runtime.block_on(live(&config));
    // Blocking work (a hash of a large file) must not hold up an end that is decided.
    runtime.shutdown_background();
    if let Err(error) = &ended {
        let text = serde_json::to_vec(error).on(&config.node, what)?;
        write_whole(&config.failed(), &text, 0o600).on(&config.node, what)?;
    }
    for file in [config.socket(), config.file()] {
        present(fs::remove_file(file)).on(&config.node, || "ending the helper".to_owned())?;
    }
    if config.mode == Mode::Run && ended.is_ok() && alone(&config) {
        present(fs::remove_dir_all(config.place(crate::paths::HELPERS)))
            .and_then(|_| present(fs::remove_dir(config.place(crate::paths::STATE))))
            .on(&config.node, || "leaving nothing behind".to_owned())?;
    }
    ended
}

/// Whether the helpers' folder is all that sealift has on this node and no other helper works from it or waits
/// for our lock (its configuration is there before it is), nor a timer to undo a network with it: a run that was refused before its first change, or a
/// reset of a node that had nothing, leaves no binary.
fn alone(config: &Config) -> bool {
    let names = |dir: &str| -> Vec<_> {
        let entries = fs::read_dir(config.place(dir)).into_iter().flatten();
        entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect()
    };
    names(crate::paths::STATE) == ["helper"]
        && !names(crate::paths::RUN)
            .iter()
            .any(|name| Path::new(name).extension().is_some_and(|ending| ending == "json"))
        && !config.place(crate::paths::TRIAL).join("trial.json").exists()
}

async fn live(config: &Config) -> Result<(), HostError> {
    let lock = match config.mode {
        Mode::Run => Some(lock::take(config).await?),
        Mode::Plan | Mode::Preflight => None,
    };
    let listener =
        listen(config).on(&config.node, || format!("listening on {}", config.socket().display()))?;
    let life = Life::new();
    let host = match &config.root {
        Some(root) => LocalHost::rooted(&config.node, root),
        None => LocalHost::new(&config.node),
    };
    let journal = Journal::new(config);
    let helper = Arc::new(Helper { config: config.clone(), host, life: Arc::clone(&life), journal });
    let accept = async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(Arc::clone(&helper).connection(stream))),
                // Out of descriptors: some will be given back.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    };
    let end = tokio::select! {
        () = accept => End::Orphaned,
        end = life.over(Duration::from_secs(config.idle_s)) => end,
    };
    match lock {
        Some(lock) if end == End::Dismissed => {
            lock.clear().on(&config.node, || "leaving the node's lock".into())
        }
        _ => Ok(()),
    }
}

/// Listens under another name until owner and mode are right: at its own name it is never wider.
fn listen(config: &Config) -> io::Result<UnixListener> {
    let socket = config.socket();
    let early = socket.with_extension("early");
    for stale in [&early, &socket] {
        present(fs::remove_file(stale))?;
    }
    let listener = UnixListener::bind(&early)?;
    fs::set_permissions(&early, Permissions::from_mode(0o600))?;
    chown(&early, Some(Uid::from_raw(config.peer_uid)), None)?;
    fs::rename(&early, &socket)?;
    Ok(listener)
}
