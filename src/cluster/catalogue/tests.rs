//! The catalogue against the program: what it says is what is done.

use serde_json::{Value, json};

use super::{Absent, Kind, field, fields};
use crate::Cluster;
use crate::tests::told;

/// The map that a field is in, as one line that says nothing but that field; `None` inside lists.
fn alone(path: &str, value: &str) -> Option<String> {
    let path = path.strip_prefix("spec.").filter(|path| !path.contains("[]"))?;
    let parts: Vec<&str> = path.split('.').collect();
    let (open, close) = (parts.join(": {"), "}".repeat(parts.len() - 1));
    Some(format!("{open}: {value}{close}"))
}

const SMALL: &str = "apiVersion: sealift.dev/v1\nkind: Cluster\nmetadata: {name: p}\nspec:\n  nodes:\n  \
                     - {name: a, role: control-plane, ssh: {address: 10.77.0.11}}\n";

#[test]
fn every_example_and_default_is_taken_where_it_belongs() {
    let plain = Cluster::parse(SMALL, "c", None).unwrap();
    let mut tried = 0;
    for field in fields().filter(|field| field.kind != Kind::Map) {
        assert!(!field.what.is_empty(), "{} says nothing", field.path);
        let Some(line) = alone(field.path, field.example).filter(|_| !field.example.is_empty()) else {
            continue;
        };
        // nobody else asks time servers
        let text = format!("{SMALL}  {}\n", line.replace("timeServers", "time: chrony, timeServers"));
        if field.path == "spec.nodes" {
            continue;
        }
        assert_eq!(told(&text), [], "{text}");
        let with = Cluster::parse(&text, "c", None).unwrap();
        // a default written out changes nothing; what has no default does
        let own = field.path == "spec.controlPlane.address";
        let same = matches!(field.absent, Absent::Means(_)) || own;
        assert_eq!(with.differences(&plain).is_empty(), same, "{text}");
        tried += 1;
    }
    assert!(tried > 12, "only {tried} examples were tried");
}

/// The way to every map of a document, as JSON pointers.
fn maps(value: &Value, way: &str) -> Vec<String> {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    let below = below.iter().flat_map(|(step, value)| maps(value, &format!("{way}/{step}")));
    value.is_object().then(|| way.to_owned()).into_iter().chain(below).collect()
}

/// Every map tells the fields it knows; they must be those of the catalogue, in all maps of the reference's
/// example, which has every field.
#[test]
fn the_program_knows_the_fields_of_the_catalogue_and_no_others() {
    let page = include_str!("../../../docs/reference/cluster-file.md");
    let example = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let example: Value = serde_saphyr::from_str(example).unwrap();
    let mut compared = 0;
    for way in maps(&example, "") {
        let parts = way.split('/').skip(1).map(|part| if part == "0" || part == "1" { "[]" } else { part });
        let path = parts.collect::<Vec<_>>().join(".").replace(".[]", "[]");
        let known =
            fields().filter(|field| field.parent().unwrap_or_default() == path.trim_end_matches("[]"));
        let mut names: Vec<&str> = known.map(super::FieldDoc::name).collect();
        let mut opened = example.clone();
        opened.pointer_mut(&way).unwrap()["zzzzzzzz"] = json!(1);
        let hints: Vec<String> =
            told(&opened.to_string()).iter().filter_map(|problem| problem.hint.clone()).collect();
        let Some(told) = hints.iter().find_map(|hint| hint.strip_prefix("known here: ")) else {
            assert!(names.is_empty(), "{path}: nothing told but {hints:?}");
            continue;
        };
        let mut told: Vec<&str> = told.split(", ").collect();
        told.sort_unstable();
        names.sort_unstable();
        assert_eq!(told, names, "{path}");
        compared += 1;
    }
    assert!(compared > 15, "only {compared} maps were compared");
}

#[test]
fn every_field_is_in_a_field() {
    for one in fields() {
        assert!(one.parent().is_none_or(|parent| field(parent).is_some()), "{} hangs in the air", one.path);
        assert!(
            one.absent != Absent::Refused || !one.example.is_empty() || one.kind == Kind::Map,
            "{}",
            one.path
        );
    }
}
