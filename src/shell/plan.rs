//! A plan as a person reads it: play by play, what changes where and why; nodes with equal changes together.

use sealift_engine::{Certainty, Change, Estimate, Plan, PlannedStep};

use super::Shell;
use super::difference::show_difference;
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
            for alike in first.changes.chunk_by(|a, b| a.reason == b.reason) {
                for change in alike {
                    print(&line(shell, change));
                }
                if let Some(change) = alike.first() {
                    let because = format!("because {}", change.reason);
                    print(&shell.dim(&wrapped(&because, "      ", shell.width())));
                }
            }
            for difference in &first.differences {
                show_difference(shell, difference, &print);
            }
        }
    }
    if !plan.later.is_empty() {
        print(&shell.bold("looked at later"));
    }
    for one in &plan.later {
        let text = format!("{}: {} (after {}) because {}", one.node, one.step, one.after, one.why);
        print(&wrapped(&text, "  ", shell.width()));
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

/// One line that says how long it will take, as far as anybody can know.
pub(crate) fn estimated(estimate: &Estimate) -> String {
    let runs = match estimate.runs {
        0 => return "no estimate: no earlier run here did any of these steps".to_owned(),
        1 => "1 earlier run".to_owned(),
        runs => format!("{runs} earlier runs"),
    };
    let seconds = estimate.seconds.ceil();
    if estimate.unknown.is_empty() {
        return format!("about {seconds} s, from {runs}");
    }
    format!("at least {seconds} s, from {runs}; never done here: {}", estimate.unknown.join(", "))
}

/// Steps that would do the same on several nodes, in the order of the first.
fn groups(steps: &[PlannedStep]) -> Vec<Vec<&PlannedStep>> {
    let mut groups: Vec<Vec<&PlannedStep>> = vec![];
    for step in steps {
        let same = |other: &&PlannedStep| {
            other.step == step.step
                && other.changes == step.changes
                && other.certainty == step.certainty
                && other.differences == step.differences
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

#[cfg(test)]
mod tests {
    use sealift_engine::Estimate;

    use super::estimated;

    #[test]
    fn an_estimate_says_what_it_rests_on() {
        let say = |seconds, runs, unknown: &[&str]| {
            let unknown = unknown.iter().map(|&step| step.to_owned()).collect();
            estimated(&Estimate { seconds, runs, unknown })
        };
        assert_eq!(say(51.2, 3, &[]), "about 52 s, from 3 earlier runs");
        assert_eq!(say(39.9, 1, &["images"]), "at least 40 s, from 1 earlier run; never done here: images");
        assert!(say(0.0, 0, &["images"]).starts_with("no estimate"));
    }
}
