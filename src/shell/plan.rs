//! A plan as a person reads it: play by play, what changes where and why; nodes with equal changes together.

use sealift_engine::{Certainty, Change, Plan, PlannedStep};

use super::Shell;

/// Columns of a terminal nobody has asked about.
const WIDTH: usize = 80;

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
                print(&shell.dim(&wrapped(&format!("because {reason}"), "      ")));
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
    format!("    {} {}", shell.yellow("~"), wrapped(&text, "      ").trim_start())
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

/// Breaks a text at spaces so that no line passes 80 columns, where the words allow it.
fn wrapped(text: &str, indent: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let full = lines.last().is_some_and(|l| {
            !l.is_empty() && indent.len() + l.chars().count() + 1 + word.chars().count() > WIDTH
        });
        if full {
            lines.push(String::new());
        }
        if let Some(last) = lines.last_mut() {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines.iter().map(|l| format!("{indent}{l}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn wraps_at_words_and_keeps_them_all() {
        let text = "word ".repeat(60);
        let lines = wrapped(&text, "  ");
        assert!(lines.lines().all(|line| line.chars().count() <= 80));
        assert_eq!(lines.split_whitespace().count(), 60);
    }
}
