//! `sealift explain`: what a field of the cluster file means, an exit code, or a check of preflight.

use std::fmt::Write as _;

use sealift_cluster::{Absent, Effect, FieldDoc, Found, Kind, Standing, fields, find, schema};
use sealift_preflight::{Check, Class, check, checks};
use serde_json::json;

use super::{Exit, Failure};
use crate::cli::ExplainArgs;
use crate::shell::{Shell, table, wrapped};

/// Runs `sealift explain`.
pub(crate) fn run(args: &ExplainArgs, shell: &Shell) -> anyhow::Result<Exit> {
    if args.schema {
        shell.data_json(&schema())?;
        return Ok(Exit::Done);
    }
    if args.checks {
        return all_checks(shell).map(|()| Exit::Done);
    }
    match args.what.as_deref().map(str::trim) {
        None if shell.json() => shell.data_json(&fields().collect::<Vec<_>>())?,
        None => shell.data(&tree(shell)),
        Some(word) if word.parse::<u8>().is_ok() => code(word, shell)?,
        Some(word) if check(word).is_some() => {
            if let Some(check) = check(word) {
                one_check(check, shell)?;
            }
        }
        Some(word) => match find(word) {
            Found::One(field) if shell.json() => {
                let below: Vec<&str> = field.children().map(|child| child.path).collect();
                let mut value = serde_json::to_value(field)?;
                value["fields"] = json!(below);
                shell.data_json(&value)?;
            }
            Found::One(field) => shell.data(&page(field, shell)),
            Found::Several(several) => return Err(ambiguous(word, &several).into()),
            Found::Nothing(near) => return Err(unknown(word, near).into()),
        },
    }
    Ok(Exit::Done)
}

fn ambiguous(word: &str, several: &[&FieldDoc]) -> Failure {
    let lines: Vec<String> = several.iter().map(|field| format!("{}: {}", field.path, field.what)).collect();
    let lines = lines.join("\n");
    let first = several.first().map_or("", |field| field.path);
    Failure::new(Exit::Usage, format!("{} fields end in {word:?}:\n{lines}", several.len()))
        .next(format!("sealift explain '{first}'"))
}

fn unknown(word: &str, near: Option<&str>) -> Failure {
    let failure = Failure::new(Exit::Usage, format!("there is no field, no exit code and no check {word:?}"));
    match near {
        Some(near) => failure.next(format!("sealift explain '{near}'")),
        None => failure.next("sealift explain lists all fields, sealift explain --checks all checks"),
    }
}

/// All fields, each below the one it is in.
fn tree(shell: &Shell) -> String {
    let mut text = String::new();
    for field in fields() {
        let depth = field.path.matches('.').count();
        let name = format!("{:indent$}{}", "", field.name(), indent = depth * 2);
        if field.kind == Kind::Map {
            let _ = writeln!(text, "{}", shell.bold(&name));
            continue;
        }
        let note = match field.absent {
            Absent::Refused => " (needed)".to_owned(),
            Absent::Means(value) => format!(" (left out: {value})"),
            Absent::Leaves(_) => String::new(),
        };
        let kind = format!("{}{note}", field.kind);
        let _ = writeln!(text, "{}{}", shell.bold(&format!("{name:<26}")), shell.dim(&kind));
    }
    text + "\nsealift explain FIELD says more of one; --schema prints the JSON schema"
}

/// All that is known of one field.
fn page(field: &FieldDoc, shell: &Shell) -> String {
    let mut text = format!("{}\n  {}\n\n", shell.bold(field.path), field.what);
    // values begin in one column; the lines that continue one do too
    let (indent, width) = (" ".repeat(18), shell.width());
    let mut row = |name: &str, value: &str, width: usize| {
        let value = wrapped(value, &indent, width);
        let _ = writeln!(text, "  {}{}", shell.dim(&format!("{name:<16}")), value.trim_start());
    };
    row("type", &field.kind.to_string(), width);
    row("left out", &left_out(field.absent), width);
    if !field.example.is_empty() {
        // not wrapped: it is there to be copied
        row("example", &format!("{}: {}", field.name(), field.example), usize::MAX);
    }
    let version = env!("CARGO_PKG_VERSION");
    match field.standing {
        Standing::Honoured => row("version", &format!("honoured by {version}"), width),
        Standing::Limited(to) => row("version", &format!("{version}: {to}"), width),
    }
    row("once installed", &becomes(field.changed), width);
    if field.removed != field.changed {
        row("taken away", &becomes(field.removed), width);
    }
    for child in field.children() {
        row("field", child.path, width);
    }
    text.trim_end().to_owned()
}

fn left_out(absent: Absent) -> String {
    match absent {
        Absent::Refused => "refused: it is needed".to_owned(),
        Absent::Means(value) => value.to_owned(),
        Absent::Leaves(words) => words.to_owned(),
    }
}

fn becomes(effect: Effect) -> String {
    match effect {
        Effect::Applied => "may change: the next install makes it so".to_owned(),
        Effect::Free => "may change: nothing on the nodes depends on it".to_owned(),
        Effect::Partly { stays, by_hand } => format!("may change, but {stays}; by hand: {by_hand}"),
        Effect::Refused { why, instead } => format!("may not change: {why}; {instead}"),
    }
}

fn all_checks(shell: &Shell) -> anyhow::Result<()> {
    if shell.json() {
        return shell.data_json(&checks().collect::<Vec<_>>());
    }
    let rows: Vec<Vec<String>> = checks()
        .map(|check| {
            let severity = check.severity.word().to_owned();
            vec![check.id.to_owned(), severity, check.scope.word().to_owned(), check.cause.to_owned()]
        })
        .collect();
    shell.data(&table(&["CHECK", "SEVERITY", "ABOUT", "WHY"], &rows, shell.width()));
    shell.data("\nsealift explain CHECK says more of one");
    Ok(())
}

/// All that is known of one check.
fn one_check(check: &Check, shell: &Shell) -> anyhow::Result<()> {
    if shell.json() {
        return shell.data_json(check);
    }
    let mut text = format!("{} (preflight, {})\n", shell.bold(check.id), check.severity.word());
    let indent = " ".repeat(13);
    let mut row = |name: &str, value: &str| {
        let value = wrapped(value, &indent, shell.width());
        let _ = writeln!(text, "  {}{}", shell.dim(&format!("{name:<11}")), value.trim_start());
    };
    row("about", check.scope.word());
    match check.class {
        Class::All => {}
        Class::ControlPlanes => row("on", "control planes"),
        Class::Gpus => row("on", "nodes with gpu: auto"),
        Class::Untouched => row("on", "nodes on which sealift has not worked yet"),
    }
    row("because", check.cause);
    row("next", check.remedy);
    row("field", check.field.unwrap_or("spec.preflight.skip"));
    let when = if check.measured {
        "preflight; it is measured"
    } else {
        "preflight, and install before its first change"
    };
    row("made by", when);
    shell.data(text.trim_end());
    Ok(())
}

fn code(word: &str, shell: &Shell) -> anyhow::Result<()> {
    let Some(exit) = Exit::ALL.into_iter().find(|exit| (*exit as u8).to_string() == word) else {
        let all: Vec<String> = Exit::ALL.into_iter().map(|exit| (exit as u8).to_string()).collect();
        return Err(Failure::new(Exit::Usage, format!("there is no exit code {word}"))
            .next(format!("sealift explain CODE, one of {}", all.join(", ")))
            .into());
    };
    if shell.json() {
        return shell
            .data_json(&json!({"code": exit as u8, "meaning": exit.meaning(), "next": exit.remedy()}));
    }
    let remedy = exit.remedy();
    let remedy = if remedy.is_empty() { String::new() } else { format!("\n  {}", remedy.replace('`', "")) };
    shell.data(&format!("{} {}{remedy}", shell.bold(&format!("exit code {word}:")), exit.meaning()));
    Ok(())
}
