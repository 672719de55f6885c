//! What the documents promise: every command they name exists, every list is whole, every example is read.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::kit::{sealift, source};

/// Code of a Markdown text: lines of fenced blocks (continued ones joined), and spans between backticks.
fn code(text: &str) -> Vec<String> {
    let mut found = vec![];
    for (number, part) in text.split("```").enumerate() {
        if number % 2 == 1 {
            let joined = part.replace("\\\n", " ");
            found.extend(joined.lines().skip(1).map(|line| line.trim().to_owned()));
        } else {
            found.extend(part.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " ")));
        }
    }
    found
}

/// Help texts by verb, asked once each.
struct Helps(BTreeMap<String, String>);

impl Helps {
    fn of(&mut self, verb: &str) -> String {
        let words: Vec<&str> = verb.split_whitespace().chain(["--help"]).collect();
        self.0.entry(verb.to_owned()).or_insert_with(|| sealift(&words).stdout).clone()
    }

    /// Whether a help lists a subcommand.
    fn lists(&mut self, verb: &str, word: &str) -> bool {
        let help = self.of(verb);
        let commands = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
        let mut names =
            commands.take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
        names.any(|name| name == word)
    }

    fn knows(&mut self, verb: &str, option: &str) -> bool {
        let help = self.of(verb);
        help.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').any(|word| word == option)
    }

    /// What is wrong with `sealift WORDS`.
    fn wrong(&mut self, words: &[&str]) -> Option<String> {
        let mut verb = String::new();
        let mut rest = words;
        while let Some((word, more)) = rest.split_first() {
            if !self.lists(&verb, word) {
                break;
            }
            if !verb.is_empty() {
                verb.push(' ');
            }
            verb.push_str(word);
            rest = more;
        }
        let named = rest.first().filter(|word| verb.is_empty() && !word.starts_with('-'));
        if let Some(word) = named {
            return Some(format!("there is no verb '{word}'"));
        }
        let options = rest.iter().filter(|word| word.starts_with('-') && word.len() > 1);
        let options = options.map(|word| word.split('=').next().unwrap());
        options
            .into_iter()
            .find(|option| !self.knows(&verb, option))
            .map(|option| format!("'{verb}' has no {option}"))
    }
}

/// Everything in a text that names a command or an option which the program does not have, and how many it names.
fn faults(text: &str, helps: &mut Helps) -> (Vec<String>, usize) {
    let (mut found, mut named) = (vec![], 0);
    for line in code(text) {
        let line = line.split(" #").next().unwrap();
        // a pipe or a second command ends it
        for command in line.split([';', '|', '>']).flat_map(|part| part.split("&&")) {
            let words: Vec<&str> = command.split_whitespace().collect();
            let fault = match words.split_first() {
                Some((&"sealift", words)) => helps.wrong(words),
                Some((option, _)) if option.starts_with("--") => {
                    let verbs =
                        "key generate,pack,verify,inspect,init,enroll,preflight,plan,install,adopt,reset,man,self-update"
                            .split(',');
                    let known = verbs.into_iter().any(|verb| helps.knows(verb, option));
                    (!known).then(|| format!("no verb has {option}"))
                }
                _ => continue,
            };
            named += 1;
            found.extend(fault.map(|fault| format!("{fault}: {command}")));
        }
    }
    (found, named)
}

fn guide() -> Vec<PathBuf> {
    let pages = fs::read_dir(source("docs/guide")).unwrap().map(|entry| entry.unwrap().path());
    pages.chain([source("README.md"), source("docs/reference/exit-codes.md")]).collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(source(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_command_in_the_guide_exists() {
    let mut helps = Helps(BTreeMap::new());
    let wrong = "Do `sealift frobnicate`, then\n```sh\nsealift install -c x \\\n  --frob y  # --not this\n```\nwith `--bar`.";
    assert_eq!(faults(wrong, &mut helps).0.len(), 3, "{:?}", faults(wrong, &mut helps));
    let mut all = 0;
    for page in guide() {
        let (found, named) = faults(&fs::read_to_string(&page).unwrap(), &mut helps);
        assert!(found.is_empty(), "{}:\n{}", page.display(), found.join("\n"));
        all += named;
    }
    assert!(all > 40, "only {all} commands and options were found in the guide");
}

#[test]
fn every_link_leads_somewhere() {
    let folders = ["", "docs/guide", "docs/reference", "docs/decisions", "bundle", "templates"];
    let mut links = 0;
    for folder in folders {
        for entry in fs::read_dir(source(folder)).unwrap() {
            let page = entry.unwrap().path();
            if page.extension().is_none_or(|extension| extension != "md") {
                continue;
            }
            let text = fs::read_to_string(&page).unwrap();
            for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let file = target.split('#').next().unwrap();
                links += 1;
                let there = target.contains("://") || page.parent().unwrap().join(file).exists();
                assert!(there, "{} links to {target}, which is not there", page.display());
            }
        }
    }
    assert!(links > 20, "only {links} links were found");
}

/// Text between the first `from` and the next `to`.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from).and_then(|(_, rest)| rest.split_once(to)).unwrap().0
}

/// Absolute paths in quotes in a source text.
fn paths(text: &str) -> Vec<&str> {
    text.split('"').skip(1).step_by(2).filter(|path| path.starts_with('/')).collect()
}

#[test]
fn every_file_on_a_node_is_in_the_architecture() {
    let page = read("ARCHITECTURE.md");
    let (footprint, places) = (read("src/engine/step/footprint.rs"), read("src/node/paths.rs"));
    let playbook = read("playbooks/install.yaml");
    let played = playbook.split("path: ").skip(1).map(|rest| rest.split([',', '}']).next().unwrap());
    let mut checked = 0;
    for path in paths(&footprint).into_iter().chain(paths(&places)).chain(played) {
        checked += 1;
        let folder = path.rsplit_once('/').map_or(path, |(folder, _)| folder);
        assert!(page.contains(path) || page.contains(&format!("`{folder}`")), "ARCHITECTURE.md lacks {path}");
    }
    assert!(checked > 50, "only {checked} paths were found");
}

/// Whether a test of real machines has this name, `module::function`.
fn is_a_test(name: &str) -> bool {
    let Some((module, function)) = name.rsplit_once("::") else { return false };
    let base = format!("tests/it/{}", module.replace("::", "/"));
    [format!("{base}.rs"), format!("{base}/mod.rs")].into_iter().filter(|file| source(file).exists()).any(
        |file| {
            let code = read(&file);
            code.split("#[test]").skip(1).any(|test| test.contains(&format!("\nfn {function}() {{")))
        },
    )
}

#[test]
fn every_supported_system_is_run_by_the_test_that_its_row_names() {
    let text = read("docs/reference/systems.md");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| Debian ")).collect();
    assert!(rows.len() >= 4, "{rows:?}");
    for row in rows {
        assert!(is_a_test(row.rsplit('`').nth(1).unwrap()), "{row}");
    }
}

/// Every row names a test.
#[test]
fn every_failure_is_caused_by_the_tests_that_its_row_names() {
    let text = read("docs/reference/failures.md");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| F")).collect();
    let wanted: Vec<String> = (5..=23).chain(40..=43).chain(45..=48).map(|row| format!("F{row}")).collect();
    let found: Vec<&str> = rows.iter().filter_map(|row| row.split_whitespace().nth(1)).collect();
    assert_eq!(found, wanted);
    for row in rows {
        let named: Vec<&str> =
            row.rsplit(" | ").next().unwrap().split('`').filter(|span| span.contains("::")).collect();
        assert!(!named.is_empty(), "no test in: {row}");
        for name in named {
            assert!(is_a_test(name), "there is no test {name}: {row}");
        }
    }
}

#[test]
fn every_kind_of_step_and_event_has_its_row() {
    let (steps, page) = (read("src/engine/step/mod.rs"), read("docs/reference/steps.md"));
    let kinds: Vec<&str> = steps
        .lines()
        .filter(|line| line.starts_with("    \"") && line.ends_with(','))
        .filter_map(|line| line.split('"').nth(1))
        .collect();
    assert!(kinds.len() > 15, "{kinds:?}");
    for kind in kinds {
        assert!(page.contains(&format!("\n| `{kind}` |")), "steps.md lacks {kind}");
    }
    let (events, page) = (read("src/engine/events.rs"), read("docs/reference/events.md"));
    let names: Vec<&str> = between(&events, "pub enum Event {", "\n}")
        .lines()
        .filter_map(|line| line.strip_prefix("    ")?.strip_suffix(" {"))
        .collect();
    assert!(names.len() > 8, "{names:?}");
    for name in names {
        let kebab: String = name
            .char_indices()
            .flat_map(|(at, c)| [(at > 0 && c.is_uppercase()).then_some('-'), Some(c.to_ascii_lowercase())])
            .flatten()
            .collect();
        assert!(page.contains(&format!("\n| `{kebab}` |")), "events.md lacks {kebab}");
    }
}

#[test]
fn every_exit_code_has_its_row() {
    let (codes, page) = (read("src/ops/exit.rs"), read("docs/reference/exit-codes.md"));
    let numbers = between(&codes, "enum Exit {", "\n}").split(" = ").skip(1);
    let numbers: Vec<&str> = numbers.filter_map(|rest| rest.split(',').next()).collect();
    assert!(numbers.len() > 6, "{numbers:?}");
    for number in numbers {
        assert!(page.contains(&format!("\n| {number} |")), "exit-codes.md lacks {number}");
    }
}

#[test]
fn every_stored_file_has_its_schema_in_the_table() {
    let page = read("docs/reference/schemas.md");
    for (file, schema) in [
        ("manifest", sealift_bundle::Manifest::SCHEMA),
        ("lock", sealift_bundle::Lock::SCHEMA),
        ("plan", sealift_engine::Plan::SCHEMA),
        ("journal", sealift_engine::Journal::SCHEMA),
        ("site record", sealift_engine::SiteRecord::SCHEMA),
    ] {
        let row = page.lines().find(|line| line.starts_with(&format!("| {file} |"))).unwrap_or_default();
        let said = row.split('|').nth(3).unwrap_or_default().trim();
        assert_eq!(said, schema.to_string(), "schemas.md says of {file}: {row}");
        for number in 2..=schema {
            assert!(
                page.contains(&format!("\n| {file} | {number} |")),
                "what came with schema {number} of {file}?"
            );
        }
    }
}

#[test]
fn the_core_recipe_brings_this_very_sealift() {
    let recipe = sealift_bundle::Recipe::load(&source("bundle/core.yaml")).unwrap();
    let file = recipe.spec.files.iter().find(|file| file.name == sealift_bundle::SEALIFT).unwrap();
    assert_eq!(file.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(file.path.as_deref(), Some("/proc/self/exe"));
}

#[test]
fn the_examples_are_read_and_name_every_field() {
    let recipe = read("docs/reference/recipe.md");
    sealift_bundle::Recipe::parse(between(&recipe, "```yaml\n", "```"), "recipe.md").unwrap();
    let page = read("docs/reference/cluster-file.md");
    let example: serde_yaml::Value = serde_yaml::from_str(between(&page, "```yaml\n", "```")).unwrap();
    let rows = between(&page, "## Every field", "\n## ");
    let parse = |value: &serde_yaml::Value| {
        let text = serde_yaml::to_string(value).unwrap();
        sealift_cluster::Cluster::parse(&text, "cluster-file.md", None).map_err(|error| error.to_string())
    };
    parse(&example).unwrap();
    // a field nobody knows, in each map: the refusal lists what is known there
    let mut known = 0;
    for path in maps(&example) {
        let mut asked = example.clone();
        let map = path.iter().fold(&mut asked, down);
        map.as_mapping_mut().unwrap().insert("qqqqqqqq".into(), 1.into());
        let Err(refusal) = parse(&asked) else { continue };
        let Some((_, fields)) = refusal.split_once("known here: ") else { continue };
        for field in fields.lines().next().unwrap().trim_end_matches(')').split(", ") {
            known += 1;
            assert!(
                rows.split(|c: char| !c.is_alphanumeric()).any(|word| word == field),
                "no row for {field}"
            );
            assert!(page.contains(&format!("{field}:")), "no example of {field}");
        }
    }
    assert!(known > 40, "only {known} fields were told");
}

/// One step further into a value.
fn down<'a>(value: &'a mut serde_yaml::Value, step: &serde_yaml::Value) -> &'a mut serde_yaml::Value {
    match (value, step.as_u64()) {
        (serde_yaml::Value::Sequence(list), Some(at)) => &mut list[usize::try_from(at).unwrap()],
        (map, _) => map.get_mut(step).unwrap(),
    }
}

/// The way to every map in a value.
fn maps(value: &serde_yaml::Value) -> Vec<Vec<serde_yaml::Value>> {
    let below: Vec<(serde_yaml::Value, &serde_yaml::Value)> = match value {
        serde_yaml::Value::Mapping(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        serde_yaml::Value::Sequence(list) => {
            list.iter().enumerate().map(|(at, item)| (at.into(), item)).collect()
        }
        _ => vec![],
    };
    let deeper = below.into_iter().flat_map(|(step, value)| {
        maps(value).into_iter().map(move |way| std::iter::once(step.clone()).chain(way).collect())
    });
    value.is_mapping().then(Vec::new).into_iter().chain(deeper).collect()
}
