//! Texts that are wrong as a whole: not YAML, not one document, not a cluster file, or made to do harm.

use std::time::Duration;

use super::{RIGHT, told};

/// A text, where the problem is, and a part of what is said.
const BROKEN: &[(&str, &str, &str)] = &[
    ("", "0:0", "empty"),
    ("\n\n# nothing\n", "0:0", "sealift init writes one"),
    ("\u{feff}", "0:0", "empty"),
    ("null", "0:0", "empty"),
    ("[]", "1:1", "expected a map, found a list"),
    ("cluster", "1:1", "expected a map, found the text"),
    ("{}\n---\n{}\n", "", "a second document begins here"),
    ("spec:\n\tnodes: []\n", "", "indented with a tab"),
    ("spec:\n  nodes:\n  - name: \"cp1\n", "", "quotation mark"),
    ("spec: “plant\n  a: b\n", "", "only looks like '\"'"),
    ("spec: {a: b\n", "", "look at the indentation, the brackets"),
    ("a: b: c\n", "", "not valid YAML"),
    ("a: *b\n", "", "an alias (`*name`) of nothing"),
    ("a: \u{0}\n", "", "is this a text file?"),
    ("a: &a [*a]\n", "", ""),
    ("a: !!binary x\n", "", ""),
    ("? [a, b]\n: c\n", "", ""),
    ("a: 99999999999999999999\n", "", ""),
    ("a: .inf\n", "", "put a text in quotes"),
    ("%YAML 9.9\n---\na: b\n", "", ""),
];

#[test]
fn broken_texts_are_told_what_to_mend() {
    for (text, place, said) in BROKEN {
        let problems = told(text);
        assert!(!problems.is_empty(), "{text:?} was taken");
        let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(all.iter().any(|told| told.contains(said)), "{text:?}: wanted {said:?}, got {all:#?}");
        let at = format!("{}:{}", problems[0].place.line, problems[0].place.column);
        assert!(place.is_empty() || at == *place, "{text:?}: wanted {place}, got {at} {all:#?}");
        assert!(problems.iter().all(|problem| problem.hint.is_some()), "{text:?}: no hint in {all:#?}");
    }
}

#[test]
fn what_is_unusual_and_right_is_taken() {
    let json =
        serde_json::to_string_pretty(&serde_saphyr::from_str::<serde_json::Value>(RIGHT).unwrap()).unwrap();
    for text in [
        json.replace("false", "\"off\""),
        RIGHT.replace('\n', "\r\n"),
        format!("\u{feff}{RIGHT}"),
        format!("---\n{RIGHT}...\n"),
        format!("# yaml-language-server: $schema=cluster.schema.json\n{RIGHT}"),
        RIGHT.trim_end().to_owned(),
        RIGHT.replace("port: 2222", "port: 0x16"),
        RIGHT.replace("ssh: {address: 10.77.0.11}", "ssh: &login {address: 10.77.0.11}"),
        RIGHT.replace("address: 10.77.0.21, port: 2222", "<<: {port: 2222, user: ops}, address: 10.77.0.21"),
        RIGHT.replace(
            "address: 10.77.0.21, port: 2222",
            "<<: {address: 10.77.9.9, port: 2222}, address: 10.77.0.21",
        ),
        RIGHT.replace("upstreams: [10.77.0.5]", "upstreams: [\"fd00::53\"]"),
    ] {
        assert_eq!(told(&text), [], "{text}");
    }
}

#[test]
fn json_has_positions_too() {
    let text = "{\n  \"apiVersion\": \"sealift.dev/v1\",\n  \"kind\": \"Cluster\",\n  \"metadata\": {\"name\": \"A\"},\n  \
                \"spec\": {\"nodes\": [{\"name\": \"a\", \"role\": \"control-plane\", \"ssh\": {\"address\": \"10.0.0.1\"}}]}\n}\n";
    let problems = told(text);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert_eq!((problems[0].place.line, problems[0].place.column), (4, 24));
}

/// Processor time of this thread (`/proc/[pid]/schedstat`): others may keep the machine busy.
pub(super) fn worked() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// None of these may take long: a file is read before anything is known of who wrote it.
#[test]
fn hostile_texts_are_refused_in_time() {
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n\
                d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n";
    let many = |line: &dyn Fn(usize) -> String| {
        (0..)
            .map(line)
            .scan(0, |sum, line| {
                *sum += line.len();
                (*sum < 950_000).then_some(line)
            })
            .collect::<String>()
    };
    let head = RIGHT.split("  nodes:").next().unwrap();
    let pools = RIGHT.split("      - {name: default").next().unwrap();
    for (name, text) in [
        ("aliases that multiply", bomb.to_owned()),
        ("flow depth", "[".repeat(1 << 20)),
        ("block depth", "- ".repeat(1 << 19)),
        ("map depth", "{a: ".repeat(1 << 18)),
        ("one long key", format!("{}: 1\n", "k".repeat(1 << 19))),
        ("one long value", format!("kind: {}\n", "k".repeat(1 << 19))),
        ("many keys", many(&|i| format!("k{i}: 1\n"))),
        ("the same key", many(&|_| "kind: Cluster\n".to_owned())),
        ("many anchors", many(&|i| format!("k{i}: &a{i} x\n"))),
        (
            "many nodes",
            format!(
                "{head}  nodes:\n{}",
                many(&|i| format!(
                    "  - {{name: n{i}, role: worker, ssh: {{address: 10.{}.{}.{}}}}}\n",
                    1 + i / 65536,
                    i / 256 % 256,
                    i % 256
                ))
            ),
        ),
        (
            "many equal nodes",
            format!(
                "{head}  nodes:\n{}",
                many(&|_| "  - {name: n, role: worker, ssh: {address: 10.0.0.1}}\n".to_owned())
            ),
        ),
        (
            "many pools",
            format!(
                "{pools}{}",
                many(&|i| format!("      - {{name: p{i}, addresses: [10.0.0.0-10.{}.0.9]}}\n", i % 200))
            ),
        ),
        ("many documents", "---\n".repeat(1 << 18)),
        ("many merge keys", format!("a: &a {{b: 1}}\nc:\n{}", many(&|_| "  <<: *a\n".to_owned()))),
        ("a word processor", "a:\u{a0}b\n".repeat(100_000)),
        ("too large", " ".repeat((1 << 20) + 1)),
    ] {
        let began = worked();
        let problems = crate::Cluster::parse(&text, "c", None).err();
        let took = worked().saturating_sub(began);
        let problems = problems.unwrap_or_else(|| panic!("{name} was taken"));
        assert!(problems.to_string().len() < 20_000, "{name}: too much is told");
        // by the square of their number it would be many minutes, on any machine
        assert!(took < Duration::from_secs(30), "{name} took {took:?}");
    }
}
