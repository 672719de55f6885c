//! What preflight found: for a terminal, and as one HTML page that fetches nothing.

use std::fmt::Write as _;

use sealift_preflight::{Check, Outcome, Report, Severity, Verdict};
use serde_json::{Value, json};

use super::page::page;
use super::{Shell, table, wrapped};
use crate::ops::PreflightDocument;

const TEMPLATE: &str = include_str!("../../templates/report/preflight.html");

/// One check's findings, on whichever nodes.
struct Group<'a> {
    check: &'static Check,
    /// Where, and what was seen there.
    found: Vec<(&'a str, &'a [String])>,
}

/// Findings by check, the gravest first.
fn groups(report: &Report) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = vec![];
    for verdict in report.findings() {
        let (Some(check), Outcome::Finding { evidence }) = (verdict.check(), &verdict.outcome) else {
            continue;
        };
        let found = (place(verdict), evidence.as_slice());
        match groups.iter_mut().find(|group| group.check.id == check.id) {
            Some(group) => group.found.push(found),
            None => groups.push(Group { check, found: vec![found] }),
        }
    }
    groups
}

/// Reasons why something could not be checked: where, why, and which checks.
fn gaps(report: &Report) -> Vec<(&str, &str, Vec<&'static str>)> {
    let mut gaps: Vec<(&str, &str, Vec<&'static str>)> = vec![];
    for verdict in report.unknown() {
        let Outcome::CouldNotCheck { why } = &verdict.outcome else { continue };
        let place = place(verdict);
        match gaps.iter_mut().find(|(at, reason, _)| *at == place && *reason == why) {
            Some((_, _, checks)) => checks.push(verdict.check),
            None => gaps.push((place, why, vec![verdict.check])),
        }
    }
    gaps
}

fn place(verdict: &Verdict) -> &str {
    verdict.node.as_deref().unwrap_or("site")
}

/// Prints a table of findings, then each with evidence, cause and remedy, then what could not be checked.
pub(crate) fn show_preflight(shell: &Shell, report: &Report) {
    let groups = groups(report);
    if !groups.is_empty() {
        let rows: Vec<Vec<String>> = groups
            .iter()
            .map(|group| {
                let places: Vec<&str> = group.found.iter().map(|(place, _)| *place).collect();
                let severity = group.check.severity.word().to_owned();
                vec![severity, group.check.id.to_owned(), places.join(" ")]
            })
            .collect();
        shell.data(&table(&["SEVERITY", "CHECK", "WHERE"], &rows, shell.width()));
    }
    for group in &groups {
        shell.data(&format!("\n{}", block(shell, group)));
    }
    for verdict in report.overridden() {
        let Outcome::Overridden { evidence } = &verdict.outcome else { continue };
        let text = format!("{} on {}: {}", verdict.check, place(verdict), evidence.join("; "));
        shell.data(&format!("\n{}\n{}", shell.yellow("overridden"), wrapped(&text, "  ", shell.width())));
    }
    for (place, why, checks) in gaps(report) {
        let head = wrapped(&format!("could not check on {place}: {why}"), "", shell.width());
        shell.data(&format!(
            "\n{}\n{}",
            shell.yellow(&head),
            wrapped(&checks.join(" "), "  ", shell.width())
        ));
    }
    if !groups.is_empty() {
        shell.data("");
    }
    shell.data(&verdict(shell, report));
}

fn painted(shell: &Shell, severity: Severity) -> String {
    match severity {
        Severity::Refuse => shell.red("refuse"),
        Severity::Warn => shell.yellow("warn"),
        Severity::Info => shell.cyan("info"),
    }
}

fn block(shell: &Shell, group: &Group<'_>) -> String {
    let width = shell.width();
    let mut text = format!("{} {}", painted(shell, group.check.severity), shell.bold(group.check.id));
    for (place, evidence) in &group.found {
        for line in *evidence {
            let _ = write!(text, "\n{}", wrapped(&format!("{place}: {line}"), "  ", width));
        }
    }
    let cause = wrapped(&format!("because: {}", group.check.cause), "  ", width);
    let remedy = wrapped(&format!("next: {}", group.check.remedy), "  ", width);
    let _ = write!(text, "\n{}\n{}", shell.dim(&cause), shell.cyan(&remedy));
    if let Some(field) = group.check.field {
        let _ = write!(text, "\n{}", shell.dim(&format!("  field: {field}")));
    }
    text
}

fn verdict(shell: &Shell, report: &Report) -> String {
    let counts = &report.counts;
    let mut parts = vec![format!("{} checks", counts.checks)];
    for (count, word) in [
        (counts.refuse, "refused"),
        (counts.warn, "to warn of"),
        (counts.info, "worth knowing"),
        (counts.overridden, "overridden"),
        (counts.could_not_check, "not to be checked"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    let end = if report.refuses() {
        shell.red("install would refuse")
    } else if counts.could_not_check > 0 {
        shell.yellow("not all could be checked")
    } else {
        shell.green("ready")
    };
    format!("{}: {}: {end}", report.cluster, parts.join(", "))
}

/// Writes the page.
pub(crate) fn preflight_html(document: &PreflightDocument<'_>) -> anyhow::Result<String> {
    let report = document.report;
    let groups: Vec<Value> = groups(report)
        .iter()
        .map(|group| {
            let found: Vec<Value> = group
                .found
                .iter()
                .map(|(place, evidence)| json!({"place": place, "evidence": evidence}))
                .collect();
            json!({
                "id": group.check.id, "severity": group.check.severity, "cause": group.check.cause,
                "remedy": group.check.remedy, "field": group.check.field, "found": found,
            })
        })
        .collect();
    let overridden: Vec<Value> = report
        .overridden()
        .map(|verdict| {
            let evidence = match &verdict.outcome {
                Outcome::Overridden { evidence } => evidence.join("; "),
                _ => String::new(),
            };
            json!({"id": verdict.check, "place": place(verdict), "evidence": evidence})
        })
        .collect();
    let gaps: Vec<Value> = gaps(report)
        .iter()
        .map(|(place, why, checks)| json!({"place": place, "why": why, "checks": checks.join(" ")}))
        .collect();
    let (class, word) = if report.refuses() {
        ("bad", "refused")
    } else if gaps.is_empty() {
        ("good", "ready")
    } else {
        ("wait", "not all checked")
    };
    let context = json!({
        "document": document, "groups": groups, "gaps": gaps, "overridden": overridden,
        "end": {"class": class, "word": word},
    });
    page(TEMPLATE, &context)
}

#[cfg(test)]
mod tests;
