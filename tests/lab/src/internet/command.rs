//! `lab internet ...`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use tokio::signal::unix::{SignalKind, signal};

use super::{Internet, Note};
use crate::cache::Cache;
use crate::factory;
use crate::say::{data, say};
use crate::{exe, program};

/// Subcommands of `lab internet`.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Serve the registry and the download site in the foreground until a signal ends both
    Serve {
        /// Where internet.json goes
        #[arg(long)]
        dir: PathBuf,
        /// The registry's port; 0 is a free one
        #[arg(long, default_value_t = 0)]
        registry_port: u16,
        /// The download site's port; 0 is a free one
        #[arg(long, default_value_t = 0)]
        site_port: u16,
    },
    /// Serve both in a process of its own, and come back when they answer
    Up {
        /// Where internet.json and internet.log go
        #[arg(long)]
        dir: PathBuf,
    },
    /// End an internet that serves in another process
    Down {
        /// Where its internet.json is
        #[arg(long)]
        dir: PathBuf,
    },
    /// Print the mirrors of a serving internet, one `A=B` a line
    Mirrors {
        /// Where its internet.json is
        #[arg(long)]
        dir: PathBuf,
    },
}

/// `lab internet ...`.
pub fn run(command: Command) -> Result<()> {
    match command {
        Command::Serve { dir, registry_port, site_port } => serve(&dir, registry_port, site_port),
        Command::Up { dir } => up(&dir),
        Command::Down { dir } => down(&dir),
        Command::Mirrors { dir } => {
            read(&dir)?
                .context("finding a serving internet: no internet.json there")?
                .mirrors
                .iter()
                .for_each(data);
            Ok(())
        }
    }
}

fn serve(dir: &Path, registry_port: u16, site_port: u16) -> Result<()> {
    let built = factory::build_all(&Cache::open()?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Signals are caught before anything starts, so that none finds servers without an owner.
    let (mut end, mut interrupt) = {
        let _inside = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
    };
    let internet = Internet::start_at(&built, dir, registry_port, site_port)?;
    data(serde_json::to_string(&internet.note()?)?);
    runtime.block_on(async {
        tokio::select! { _ = end.recv() => {}, _ = interrupt.recv() => {} }
    });
    drop(internet);
    say("the internet is off");
    Ok(())
}

fn up(dir: &Path) -> Result<()> {
    if read(dir)?.is_some_and(|note| note.owner.alive()) {
        say(format!("the internet in {} is on already", dir.display()));
        return Ok(());
    }
    if read(dir)?.is_some() {
        down(dir)?;
    }
    // Long work is done here, where its words are seen.
    factory::build_all(&Cache::open()?)?;
    std::fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
    let log = dir.join("internet.log");
    let file = File::create(&log).with_context(|| format!("creating {}", log.display()))?;
    let mut command = program::command(&["setsid"]);
    command.arg(exe::lab()?).args(["internet", "serve", "--dir"]).arg(dir);
    let mut child =
        command.stdout(file.try_clone()?).stderr(file).spawn().context("starting the internet")?;
    let start = Instant::now();
    while read(dir)?.is_none() {
        let ended = child.try_wait()?;
        ensure!(
            ended.is_none() && start.elapsed() < Duration::from_secs(30),
            "the internet does not start: see {}",
            log.display()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn down(dir: &Path) -> Result<()> {
    let Some(note) = read(dir)? else {
        say(format!("nothing serves in {}", dir.display()));
        return Ok(());
    };
    note.owner.signal(Signal::SIGTERM)?;
    if note.owner.wait_gone(Duration::from_secs(10)).is_err() {
        note.owner.end()?;
    }
    note.registry.end()?;
    match std::fs::remove_file(dir.join("internet.json")) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e).context("removing internet.json"),
        _ => Ok(()),
    }
}

fn read(dir: &Path) -> Result<Option<Note>> {
    let path = dir.join("internet.json");
    match std::fs::read(&path) {
        Ok(text) => {
            serde_json::from_slice(&text).with_context(|| format!("parsing {}", path.display())).map(Some)
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e).with_context(|| format!("reading {}", path.display())),
    }
}
