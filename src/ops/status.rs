//! `sealift status`: does the site differ from what it should be? Changes nothing.

use sealift_cluster::Role;
use sealift_engine::{Plan, PlannedStep};

use super::site::SiteFiles;
use super::{Exit, change};
use crate::cli::StatusArgs;
use crate::shell::{Shell, table};

/// Observes what `install` would, and says where it differs.
pub(crate) async fn run(args: &StatusArgs, shell: &Shell) -> anyhow::Result<Exit> {
    let files = SiteFiles::open(&args.site, shell)?;
    let plan = change::only_plan(&files, false, shell).await?;
    if shell.json() {
        shell.data_json(&plan)?;
    } else {
        shell.data(&lanes(&files, &plan, shell.width()));
        let verdict = if plan.is_empty() {
            shell.green("as it should be")
        } else {
            shell.yellow("differs: sealift plan says how and why")
        };
        shell.data(&format!("{}: {verdict}", plan.cluster));
    }
    Ok(if plan.is_empty() { Exit::Done } else { Exit::Pending })
}

/// One line per node, and one for the cluster.
fn lanes(files: &SiteFiles, plan: &Plan, width: usize) -> String {
    let nodes = files.cluster.nodes().iter().map(|node| (node.name.to_string(), role(node.role).to_owned()));
    let lanes = nodes.chain([("cluster".to_owned(), String::new())]);
    let rows: Vec<Vec<String>> = lanes
        .map(|(name, role)| {
            let steps: Vec<&PlannedStep> =
                plan.steps().map(|(_, step)| step).filter(|step| step.node == name).collect();
            let changes: usize = steps.iter().map(|step| step.changes.len()).sum();
            let names: Vec<&str> = steps.iter().map(|step| step.step.as_str()).collect();
            let later = plan.later.iter().filter(|one| one.node == name).count();
            let state = match (changes, later) {
                (0, 0) => "ok".to_owned(),
                (0, later) => format!("{later} not to be told now"),
                (changes, 0) => format!("{changes} to change"),
                (changes, later) => format!("{changes} to change, {later} not to be told now"),
            };
            vec![name, role, state, names.join(", ")]
        })
        .collect();
    table(&["NODE", "ROLE", "STATE", "STEPS THAT DIFFER"], &rows, width)
}

fn role(role: Role) -> &'static str {
    match role {
        Role::ControlPlane => "control-plane",
        Role::Worker => "worker",
    }
}
