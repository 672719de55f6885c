//! One thread that owns both servers for as long as they run.
//!
//! The registry dies with the *thread* that started it (the kernel's parent-death signal is the thread's), so
//! a killed owner leaves nothing behind; hence one thread with the servers' own lifetime.

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::registry::{Access, Registry};
use super::site;
use crate::process::Process;

/// Both servers, running.
pub struct Threaded {
    /// The registry's port.
    pub registry_port: u16,
    /// The site's port.
    pub site_port: u16,
    /// The registry's process.
    pub registry: Process,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

type Started = Result<(u16, u16, Process)>;

impl Threaded {
    /// Starts both and waits until both answer.
    pub fn start(storage: &Path, registry_port: u16, root: &Path, site_port: u16) -> Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (started, result) = std::sync::mpsc::channel::<Started>();
        let (storage, root) = (storage.to_path_buf(), root.to_path_buf());
        let body = move || {
            let served = serve(&storage, registry_port, root, site_port, &started, stopped);
            if let Err(error) = served {
                // The receiver is gone only when its owner is; then nobody is left to tell.
                let _ = started.send(Err(error));
            }
        };
        let thread = std::thread::Builder::new().name("internet".into()).spawn(body)?;
        let (registry_port, site_port, registry) =
            result.recv().map_err(|_| anyhow!("starting the internet: its thread ended"))??;
        Ok(Self { registry_port, site_port, registry, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Threaded {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    storage: &Path,
    registry_port: u16,
    root: PathBuf,
    site_port: u16,
    started: &std::sync::mpsc::Sender<Started>,
    stopped: oneshot::Receiver<()>,
) -> Result<()> {
    let registry = Registry::start(storage, registry_port, Access::ReadOnly)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let address = ("127.0.0.1", site_port);
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("listening on {}:{}", address.0, address.1))?;
        let ports = (registry.port(), listener.local_addr()?.port(), registry.process()?);
        started.send(Ok(ports)).map_err(|_| anyhow!("telling the internet's owner that it runs"))?;
        tokio::select! {
            ended = site::serve(listener, root) => ended,
            _ = stopped => Ok(()),
        }
    })
}
