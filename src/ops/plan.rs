//! `sealift plan`: what `install` would do, and why. Changes nothing.

use sealift_engine::{Compiled, Playbook};

use super::site::SiteFiles;
use super::{Connected, Exit, Mode};
use crate::cli::PlanArgs;
use crate::shell::{Shell, show_plan};

/// Observes every node under helpers that cannot change anything, and prints the plan as data.
pub(crate) async fn run(args: &PlanArgs, shell: &Shell) -> anyhow::Result<Exit> {
    let files = SiteFiles::open(&args.site, shell)?;
    let connected = Connected::to(&files.cluster, files.folder(), Mode::Plan).await?;
    let compiled = Compiled::new(&Playbook::embedded("install")?, &files.cluster);
    let plan = super::change::observe(&files, &connected, &compiled).await;
    connected.close().await;
    let plan = plan?;
    if shell.json() {
        shell.data_json(&plan)?;
    } else {
        show_plan(shell, &plan, |line| shell.data(line));
    }
    Ok(if plan.is_empty() { Exit::Done } else { Exit::Pending })
}
