//! `sealift reset`: nodes back to what they were before `install`.

use sealift_engine::{Compiled, Playbook, Stop};

use super::change::Change;
use super::course::Course;
use super::signals::{Signals, unless_stopped};
use super::site::SiteFiles;
use super::{Connected, Exit, Mode, who};
use crate::cli::ResetArgs;
use crate::shell::Shell;

/// Connect, plan, ask, run; needs no bundle: nothing is brought.
pub(crate) async fn run(args: &ResetArgs, shell: &Shell) -> anyhow::Result<Exit> {
    let files = SiteFiles::without_bundle(&args.at)?;
    let stop = Stop::new();
    let _signals = Signals::listen(&stop, shell)?;
    let owner = who::owner("reset");
    let lock = files.lock(&owner, shell)?;
    let connect = Connected::to(&files.cluster, files.folder(), Mode::Run, &owner);
    let connected = unless_stopped(&stop, connect).await?;
    connected.tell_taken_over(&lock, shell);
    let compiled = Compiled::new(&Playbook::embedded("reset")?, &files.cluster);
    let change =
        Change { files: &files, connected: &connected, owner: &owner, stop: &stop, frozen: None, shell };
    let done = change.plan_and_run(&compiled, &mut Course::begin(&args.at)).await;
    connected.close().await;
    drop(lock);
    Ok(if done?.is_some() { Exit::Done } else { Exit::Interrupted })
}
