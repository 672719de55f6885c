//! `sealift plan`: what `install` would do, and why. Changes nothing.

use super::site::SiteFiles;
use super::{Exit, change};
use crate::cli::PlanArgs;
use crate::shell::{Shell, show_plan};

/// Observes every node under helpers that cannot change anything, and prints the plan as data.
pub(crate) async fn run(args: &PlanArgs, shell: &Shell) -> anyhow::Result<Exit> {
    let files = SiteFiles::open(&args.site, shell)?;
    let plan = change::only_plan(&files).await?;
    if shell.json() {
        shell.data_json(&plan)?;
    } else {
        show_plan(shell, &plan, |line| shell.data(line));
    }
    Ok(if plan.is_empty() { Exit::Done } else { Exit::Pending })
}
