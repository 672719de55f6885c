//! `sealift install`: from prepared servers to a cluster that answers. Run it again whenever it was cut off.

use sealift_engine::{Compiled, Playbook};

use super::site::SiteFiles;
use super::{Connected, Exit, Mode, change};
use crate::cli::InstallArgs;
use crate::shell::Shell;

/// Verify, connect, plan, ask, run.
pub(crate) async fn run(args: &InstallArgs, shell: &Shell) -> anyhow::Result<Exit> {
    let files = SiteFiles::open(&args.site, shell)?;
    let lock = files.lock("install", shell)?;
    let connected = Connected::to(&files.cluster, files.folder(), Mode::Run).await?;
    let compiled = Compiled::new(&Playbook::embedded("install")?, &files.cluster);
    let done = change::plan_and_run(&files, &connected, &compiled, shell).await;
    connected.close().await;
    drop(lock);
    let report = done?;
    if let Some(report) = &report
        && !shell.json()
    {
        shell.say(&format!(
            "{} {} changes in {:.1} s",
            shell.green("installed:"),
            report.changes,
            report.seconds
        ));
    }
    Ok(if report.is_some() { Exit::Done } else { Exit::Interrupted })
}
