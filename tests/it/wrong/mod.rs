//! Every verb typed wrong on purpose: it says what, where, why and what next, ends with the right code, and neither
//! panics nor talks of its insides. Runs beside the other tests; a few seconds in all, no network but loopback.

mod desk;
mod servers;
mod table;

use std::process::Command;

use super::kit::{Ran, SEALIFT};
use desk::Desk;
use table::Case;

/// Runs a line as a person types it, without a terminal and without an agent.
fn run(desk: &Desk, line: &str) -> Ran {
    let mut command = Command::new("bash");
    // the pipe's status is sealift's, which is what the table speaks of
    command.args(["-c", &format!("sealift() {{ {} \"$@\"; }}; {line}", *SEALIFT)]);
    command.current_dir(desk.dir()).env_remove("SSH_AUTH_SOCK").env("HOME", desk.dir());
    Ran::of(&mut command)
}

/// What is wrong with an answer, whatever was asked.
fn bad_manners(ran: &Ran) -> Option<String> {
    let told = &ran.stderr;
    for word in ["panicked", "RUST_BACKTRACE", "\u{1b}[", "Some(", "Err(", "anyhow", "src/"] {
        if told.contains(word) {
            return Some(format!("it talks of its insides: {word:?}"));
        }
    }
    if !told.starts_with("error:") && !told.contains("\nerror:") {
        return Some("it does not say error:".to_owned());
    }
    if !told.contains("\nnext: ") && !told.contains("\nUsage: ") && !told.contains("'--help'") {
        return Some("it does not say what next".to_owned());
    }
    None
}

fn try_all(desk: &Desk, cases: &[Case]) {
    let mut faults = vec![];
    for case in cases {
        let ran = run(desk, case.line);
        let mut fault = |what: String| {
            faults.push(format!("$ {}\n{}{}[{}] {what}", case.line, ran.stdout, ran.stderr, ran.status));
        };
        if ran.status != case.exit {
            fault(format!("ends with {} and not with {}", ran.status, case.exit));
        }
        for word in case.says {
            if !ran.stderr.contains(word) {
                fault(format!("does not say {word:?}"));
            }
        }
        if let Some(what) = bad_manners(&ran) {
            fault(what);
        }
        // the same as data, where the line is sealift alone
        if let Some(words) =
            case.line.strip_prefix("sealift ").filter(|words| !words.contains(['|', '>', '<']))
        {
            let ran = run(desk, &format!("sealift --json {words}"));
            let last = ran.stdout.lines().last().unwrap_or_default();
            let document: serde_json::Value = serde_json::from_str(last).unwrap_or_default();
            if document["error"]["exit"] != case.exit || !document["error"]["causes"].is_array() {
                fault(format!("with --json it ends with {last:?}"));
            }
        }
    }
    assert!(faults.is_empty(), "{} of {} are wrong:\n{}", faults.len(), cases.len(), faults.join("\n\n"));
}

#[test]
fn files_typed_wrong() {
    let desk = Desk::new();
    let before = desk.listing();
    try_all(&desk, table::FILES);
    assert_eq!(desk.listing(), before, "a refused command left something behind");
}

#[test]
fn every_verb_is_typed_wrong() {
    let typed = |verb: &str| {
        let line = format!("sealift {verb} ");
        table::FILES.iter().chain(table::SERVERS).any(|case| format!("{} ", case.line).contains(&line))
    };
    let missing: Vec<&str> = super::cli::VERBS.into_iter().filter(|verb| !typed(verb)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn servers_that_are_not_as_the_file_says() {
    let desk = Desk::new();
    let _servers = servers::Servers::start(&desk);
    try_all(&desk, table::SERVERS);
}

#[test]
fn bad_manners_would_be_found() {
    let ran = |stderr: &str| Ran { status: 1, stdout: String::new(), stderr: stderr.to_owned() };
    assert_eq!(bad_manners(&ran("error: no\nnext: yes\n")), None);
    for bad in ["no\nnext: yes\n", "error: no\n", "error: thread panicked\nnext: x\n"] {
        assert!(bad_manners(&ran(bad)).is_some(), "{bad}");
    }
}
