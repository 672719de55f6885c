//! `sealift reset`: nodes back to what they were before `install`.

use sealift_engine::{Compiled, Playbook};

use super::course::Course;
use super::site::SiteFiles;
use super::{Connected, Exit, Mode, change};
use crate::cli::ResetArgs;
use crate::shell::Shell;

/// Connect, plan, ask, run; needs no bundle: nothing is brought.
pub(crate) async fn run(args: &ResetArgs, shell: &Shell) -> anyhow::Result<Exit> {
    let files = SiteFiles::without_bundle(&args.at)?;
    let lock = files.lock("reset", shell)?;
    let connected = Connected::to(&files.cluster, files.folder(), Mode::Run).await?;
    let compiled = Compiled::new(&Playbook::embedded("reset")?, &files.cluster);
    let done =
        change::plan_and_run(&files, &connected, &compiled, None, &mut Course::begin(&args.at), shell).await;
    connected.close().await;
    drop(lock);
    Ok(if done?.is_some() { Exit::Done } else { Exit::Interrupted })
}
