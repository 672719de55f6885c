//! The command line: help that fits, wrong words that are told apart, a start that takes no time.

use super::kit::sealift;

const VERBS: [&str; 12] = [
    "key",
    "pack",
    "verify",
    "inspect",
    "init",
    "enroll",
    "plan",
    "install",
    "status",
    "kubeconfig",
    "reset",
    "completions",
];

#[test]
fn every_help_fits_eighty_columns() {
    for verb in VERBS {
        let run = sealift(&[verb, "--help"]);
        assert_eq!(run.status, 0, "{verb}: {}", run.stderr);
        for line in run.stdout.lines() {
            assert!(line.chars().count() <= 80, "{verb} --help: {line}");
        }
    }
}

#[test]
fn the_list_of_verbs_is_the_whole_list() {
    let help = sealift(&["--help"]).stdout;
    let listed: Vec<&str> = help
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| !line.trim().is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(listed, VERBS, "{help}");
}

#[test]
fn wrong_words_are_usage_errors() {
    for words in [&["frobnicate"][..], &[], &["install"], &["verify"], &["pack", "--jobs", "many", "x"]] {
        assert_eq!(sealift(words).status, 2, "{words:?}");
    }
}

#[test]
fn a_missing_cluster_file_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("none.yaml");
    let run =
        sealift(&["reset", "-c", file.to_str().unwrap(), "--state", dir.path().to_str().unwrap(), "--yes"]);
    assert_eq!(run.status, 2, "{}", run.stderr);
    for words in ["none.yaml", "nothing was changed", "next:", "sealift init"] {
        assert!(run.stderr.contains(words), "no '{words}' in: {}", run.stderr);
    }
}

#[test]
fn completions_come_for_every_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let run = sealift(&["completions", shell]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        assert!(run.stdout.contains("sealift"));
    }
}
