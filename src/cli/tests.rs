//! The command line as data: examples that parse, texts that fit.

use clap::{CommandFactory as _, Parser as _};

use super::Cli;

/// Every visible command, with the words that lead to it.
fn commands() -> Vec<(Vec<String>, clap::Command)> {
    fn walk(words: &[String], command: &clap::Command, found: &mut Vec<(Vec<String>, clap::Command)>) {
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            let words: Vec<String> = words.iter().cloned().chain([below.get_name().to_owned()]).collect();
            walk(&words, below, found);
            found.push((words, below.clone()));
        }
    }
    let mut found = vec![];
    let mut root = Cli::command();
    root.build();
    walk(&["sealift".to_owned()], &root, &mut found);
    found
}

/// The example commands of a help text: indented lines that begin with `sealift`, continued lines joined.
fn examples(help: &str) -> Vec<String> {
    let joined = help.replace("\\\n", " ");
    let lines = joined.lines().filter(|line| line.starts_with("  ")).map(str::trim);
    lines.filter(|line| line.starts_with("sealift ")).map(str::to_owned).collect()
}

#[test]
fn every_verb_has_examples_and_each_of_them_is_taken() {
    let mut checked = 0;
    for (words, command) in commands().into_iter().filter(|(_, command)| !command.has_subcommands()) {
        let verb = words.join(" ");
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples = examples(&help);
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{verb} --help: {line}");
        }
        assert!(examples.len() >= 2, "{verb} --help has {} examples", examples.len());
        for example in examples {
            for part in example.split(['|', ';', '>']).flat_map(|part| part.split("&&")) {
                let argv: Vec<&str> = part.split_whitespace().collect();
                if argv.first() != Some(&"sealift") {
                    continue;
                }
                checked += 1;
                if let Err(error) = Cli::try_parse_from(&argv) {
                    panic!("{verb} --help shows `{}`, which is refused: {error}", argv.join(" "));
                }
            }
            assert!(example.starts_with(&format!("{verb} ")) || example == verb, "{verb}: {example}");
        }
    }
    assert!(checked > 25, "only {checked} examples were found");
}

#[test]
fn a_wrong_example_would_be_found() {
    let help = "Examples:\n  sealift plan --frob x \\\n    --bundle y\n  sealift status | jq .";
    assert_eq!(examples(help), ["sealift plan --frob x      --bundle y", "sealift status | jq ."]);
    assert!(Cli::try_parse_from(examples(help)[0].split_whitespace()).is_err());
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}
