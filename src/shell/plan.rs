//! A plan as a person reads it: play by play, what changes where and why; nodes with equal changes together.

use sealift_engine::{Certainty, Change, Plan, PlannedStep};

use super::Shell;
use super::text::wrapped;

/// Prints the plan as data: it is the answer to `sealift plan`.
pub(crate) fn show_plan(shell: &Shell, plan: &Plan, print: impl Fn(&str)) {
    for play in &plan.plays {
        print(&shell.bold(&play.name));
        for group in groups(&play.steps) {
            let Some(first) = group.first() else { continue };
            let nodes: Vec<&str> = group.iter().map(|step| step.node.as_str()).collect();
            let when = match &first.certainty {
                Certainty::Known => String::new(),
                Certainty::After(step) => format!(" (after {step})"),
            };
            let mark = if first.disruptive { shell.yellow(" disruptive") } else { String::new() };
            print(&format!("  {}: {}{}{mark}", shell.cyan(&nodes.join(", ")), first.step, shell.dim(&when)));
            for change in &first.changes {
                print(&line(shell, change));
            }
            for reason in reasons(&first.changes) {
                print(&shell.dim(&wrapped(&format!("because {reason}"), "      ", shell.width())));
            }
        }
    }
    print(&summary(plan));
}

/// One line that says how big the plan is.
pub(crate) fn summary(plan: &Plan) -> String {
    let nodes: std::collections::BTreeSet<&str> = plan.steps().map(|(_, step)| step.node.as_str()).collect();
    format!(
        "{} changes in {} lanes, {} steps looked at, plan {}",
        plan.changes(),
        nodes.len(),
        plan.observed,
        plan.digest.short()
    )
}

/// Steps that would do the same on several nodes, in the order of the first.
fn groups(steps: &[PlannedStep]) -> Vec<Vec<&PlannedStep>> {
    let mut groups: Vec<Vec<&PlannedStep>> = vec![];
    for step in steps {
        let same = |other: &&PlannedStep| {
            other.step == step.step && other.changes == step.changes && other.certainty == step.certainty
        };
        match groups.iter_mut().find(|group| group.first().is_some_and(same)) {
            Some(group) => group.push(step),
            None => groups.push(vec![step]),
        }
    }
    groups
}

fn line(shell: &Shell, change: &Change) -> String {
    let text = format!("{}: {} -> {}", change.what, change.before, change.after);
    format!("    {} {}", shell.yellow("~"), wrapped(&text, "      ", shell.width()).trim_start())
}

/// Each reason once, in order.
fn reasons(changes: &[Change]) -> Vec<&str> {
    let mut seen: Vec<&str> = vec![];
    for change in changes {
        if !seen.contains(&change.reason.as_str()) {
            seen.push(&change.reason);
        }
    }
    seen
}
