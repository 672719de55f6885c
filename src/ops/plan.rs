//! `sealift plan`: what `install` would do, and why. Changes nothing.

use sealift_engine::{Estimate, History, Plan};
use serde::Serialize;

use super::site::SiteFiles;
use super::{Exit, change, frozen};
use crate::cli::PlanArgs;
use crate::shell::{Shell, estimated, show_plan};

/// The document of `plan --json`.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    plan: &'a Plan,
    estimate: Estimate,
}

/// Observes every node under helpers that cannot change anything, and prints the plan as data.
pub(crate) async fn run(args: &PlanArgs, shell: &Shell) -> anyhow::Result<Exit> {
    if let Some(path) = &args.out {
        frozen::check(path)?;
    }
    let files = SiteFiles::open(&args.site, shell)?;
    let plan = change::only_plan(&files, args.diff, shell).await?;
    let history = History::read(&files.state_dir());
    for journal in history.passed_over() {
        shell.warn(&format!("the estimate goes without the journal {journal}"));
    }
    let estimate = history.estimate(&plan);
    if shell.json() {
        shell.data_json(&Document { plan: &plan, estimate })?;
    } else {
        show_plan(shell, &plan, |line| shell.data(line));
        if !plan.is_empty() {
            shell.data(&estimated(&estimate));
        }
    }
    if let Some(path) = &args.out {
        frozen::write(&plan, path)?;
        shell.say(&format!("plan {} is in {}", plan.digest.short(), path.display()));
    }
    Ok(if plan.is_empty() { Exit::Done } else { Exit::Pending })
}
