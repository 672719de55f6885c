//! The command line: help that fits, wrong words that are told apart, a start that takes no time.

use super::kit::{Ran, SEALIFT, sealift};

pub(super) const VERBS: [&str; 17] = [
    "key",
    "pack",
    "verify",
    "inspect",
    "init",
    "explain",
    "enroll",
    "preflight",
    "plan",
    "install",
    "status",
    "kubeconfig",
    "adopt",
    "reset",
    "self-update",
    "completions",
    "man",
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
fn completions_come_for_every_shell_and_know_files_from_words() {
    let of = |shell: &str| sealift(&["completions", shell]).expect(0).stdout;
    assert!(of("zsh").contains(":KEY.pub:_files"), "zsh completes no file for --trust");
    assert!(of("fish").contains("-l trust"), "fish does not know --trust");
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("plant.pub"), "").unwrap();
    std::fs::write(dir.path().join("script"), of("bash")).unwrap();
    let ask = |words: &str, now: &str, before: &str| {
        let script = format!(
            "source ./script; compopt() {{ :; }}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _sealift sealift '{now}' '{before}'; echo \"${{COMPREPLY[@]}}\""
        );
        Ran::of(std::process::Command::new("bash").args(["-c", &script]).current_dir(dir.path()))
            .expect(0)
            .stdout
    };
    assert_eq!(ask("sealift inst", "inst", "sealift").trim(), "install");
    assert_eq!(ask("sealift verify --trust pl", "pl", "--trust").trim(), "plant.pub");
}

#[test]
fn the_manual_is_whole_and_groff_takes_it() {
    let dir = tempfile::tempdir().unwrap();
    let run = sealift(&["man", "--json", "--output", dir.path().to_str().unwrap()]).expect(0);
    let pages: Vec<std::path::PathBuf> = serde_json::from_str(&run.stdout).unwrap();
    for verb in VERBS {
        assert!(pages.iter().any(|page| page.ends_with(format!("sealift-{verb}.1"))), "no page for {verb}");
    }
    for page in pages {
        let groff =
            Ran::of(std::process::Command::new("groff").args(["-man", "-Tutf8", "-ww"]).arg(&page)).expect(0);
        assert_eq!(groff.stderr, "", "{}", page.display());
        let text = std::fs::read_to_string(&page).unwrap();
        assert!(!groff.stdout.is_empty() && text.contains(".SH SYNOPSIS"), "{text}");
    }
}

#[test]
fn data_that_did_not_fit_is_an_error_and_a_reader_that_left_is_none() {
    let run = |to: &str| {
        let line = format!("{} completions bash {to}", *SEALIFT);
        Ran::of(std::process::Command::new("bash").args(["-o", "pipefail", "-c", &line]))
    };
    let full = run("> /dev/full").expect(1);
    assert!(
        full.stderr.contains("writing standard output") && full.stderr.contains("next:"),
        "{}",
        full.stderr
    );
    assert_eq!(run("| head -n 1").expect(0).stderr, "");
}

#[test]
fn a_program_gets_the_error_as_data() {
    for (words, code) in
        [(&["--json", "install"][..], 2), (&["--json", "status", "--bundle", "/", "--trust", "x"], 2)]
    {
        let run = sealift(words).expect(code);
        let last = run.stdout.lines().last().unwrap_or_default();
        let document: serde_json::Value = serde_json::from_str(last).unwrap();
        assert_eq!(document["error"]["exit"], code, "{last}");
        assert!(document["error"]["causes"][0].as_str().is_some_and(|text| text.len() > 10), "{last}");
    }
}

#[test]
fn a_narrow_terminal_gets_narrow_help() {
    let run = Ran::of(std::process::Command::new(*SEALIFT).arg("install").env("COLUMNS", "40").arg("--help"));
    let long =
        run.stdout.lines().filter(|line| line.chars().count() > 40 && !line.contains("sealift")).count();
    assert_eq!(long, 0, "{}", run.stdout);
}

/// What a terminal of 40 columns gets of an error, with these variables set.
fn on_a_terminal(variables: &[(&str, &str)]) -> String {
    let line = format!("{} kubeconfig -c none.yaml", *SEALIFT);
    let mut command = std::process::Command::new("script");
    command
        .args(["-qec", &line, "/dev/null"])
        .env("TERM", "xterm")
        .env("COLUMNS", "40")
        .env_remove("NO_COLOR");
    Ran::of(command.envs(variables.iter().copied())).expect(2).stdout
}

#[test]
fn a_terminal_gets_colours_and_lines_that_fit_unless_it_asks_otherwise() {
    let coloured = on_a_terminal(&[]);
    assert!(coloured.contains("\u{1b}[31;1merror:\u{1b}[0m"), "{coloured:?}");
    for plain in [&[("NO_COLOR", "1")], &[("TERM", "dumb")]] {
        let text = on_a_terminal(plain);
        assert!(!text.contains('\u{1b}') && text.contains("error:"), "{plain:?}: {text:?}");
    }
    let text = on_a_terminal(&[("NO_COLOR", "1")]);
    let words = text.lines().filter(|line| line.contains(' '));
    let long: Vec<&str> = words.filter(|line| line.trim_end().chars().count() > 40).collect();
    assert!(long.is_empty(), "{long:?} in {text}");
    assert!(text.contains("none.yaml") && text.contains("next:"), "{text}");
}
