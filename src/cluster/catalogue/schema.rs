//! The JSON schema of the cluster file (draft 2020-12), for editors and for checks before anything is copied
//! to a site. It sees shapes and words; what needs arithmetic or two fields at once only sealift sees.

use serde_json::{Map, Value, json};

use super::{Absent, FieldDoc, Kind, Standing, fields};

const OCTET: &str = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const V6: &str = "[0-9A-Fa-f]*:[0-9A-Fa-f:.]+";
const LABEL: &str = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";

/// The schema as one JSON document.
pub fn schema() -> Value {
    let mut schema = map(fields().filter(|field| field.parent().is_none()));
    let head = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "sealift cluster file",
        "description": "The site as it should be. Each field: sealift explain FIELD",
    });
    if let (Value::Object(head), Value::Object(body)) = (head, &mut schema) {
        body.extend(head);
    }
    schema
}

fn map(children: impl Iterator<Item = &'static FieldDoc>) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for child in children {
        if child.absent == Absent::Refused {
            required.push(child.name());
        }
        properties.insert(child.name().to_owned(), property(child));
    }
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn property(field: &'static FieldDoc) -> Value {
    let value = value(field, field.kind);
    // `key:` with nothing behind it counts as left out
    let mut property = match field.absent {
        Absent::Refused => value,
        _ => json!({"anyOf": [value, {"type": "null"}]}),
    };
    let note = match field.standing {
        Standing::Honoured => String::new(),
        Standing::Limited(to) => format!(". {to}"),
    };
    property["description"] = json!(format!("{}{note}", field.what));
    let read = |text: &str| serde_saphyr::from_str::<Value>(text).unwrap_or(json!(text));
    if let Absent::Means(default) = field.absent {
        // in YAML `off` is a word here
        property["default"] =
            if matches!(field.kind, Kind::Choice(_)) { json!(default) } else { read(default) };
    }
    property
}

fn value(field: &'static FieldDoc, kind: Kind) -> Value {
    let v4 = format!("({OCTET}\\.){{3}}{OCTET}");
    let pattern = |pattern: String| json!({"type": "string", "pattern": format!("^({pattern})$")});
    match kind {
        Kind::Map => {
            let mut value = map(field.children());
            if matches!(field.name(), "interface" | "interfaces") {
                value["minProperties"] = json!(1);
                value["maxProperties"] = json!(1);
            }
            value
        }
        Kind::MapOr(word) => json!({"anyOf": [map(field.children()), {"const": word}]}),
        Kind::FreeMap(ours) => {
            let ours: Vec<&str> = ours.iter().map(|ours| ours.key).collect();
            json!({"type": "object", "propertyNames": {"not": {"enum": ours}}})
        }
        Kind::Hosts => json!({
            "type": "object",
            "propertyNames": value(field, Kind::Domain),
            "additionalProperties": value(field, Kind::Address),
        }),
        Kind::List(item) => {
            let least = u8::from(field.absent == Absent::Refused);
            json!({"type": "array", "items": value(field, *item), "minItems": least})
        }
        Kind::OneOrMore(item) => {
            let item = value(field, *item);
            json!({"anyOf": [item, {"type": "array", "items": item}]})
        }
        Kind::Exactly(word) => json!({"const": word}),
        Kind::Choice(words) => json!({"enum": words}),
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Port => json!({"type": "integer", "minimum": 1, "maximum": 65535}),
        Kind::Number(first, last) => json!({"type": "integer", "minimum": first, "maximum": last}),
        Kind::Label => pattern(LABEL.to_owned()),
        Kind::Domain => {
            let mut value = pattern(format!("{LABEL}(\\.{LABEL})*"));
            value["maxLength"] = json!(253);
            value
        }
        Kind::Address => pattern(format!("{v4}|{V6}")),
        Kind::Network | Kind::InterfaceAddress => pattern(network(&v4)),
        Kind::Range => pattern(format!("{v4} *- *{v4}|{V6} *- *{V6}|{}", network(&v4))),
        Kind::User => pattern("[A-Za-z0-9_.][A-Za-z0-9_.-]{0,31}".to_owned()),
        Kind::Path => json!({
            "type": "string",
            "minLength": 1,
            "not": {"pattern": "^~([^/]|$)|^\\$|(\\.pub|/)$|PRIVATE KEY|\n|^(ssh|ecdsa)-"},
        }),
        Kind::HostKey => {
            let types = crate::host_key::ALGORITHMS.join("|");
            json!({"type": "string", "pattern": format!("^({types}) +[A-Za-z0-9+/]+={{0,2}}( .*)?$")})
        }
        Kind::Mac => pattern("([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}".to_owned()),
        // printable ASCII but for / and :
        Kind::Interface => pattern("[!-.0-9;-~]{1,15}".to_owned()),
        Kind::Check => pattern("[A-Za-z0-9._-]+".to_owned()),
    }
}

fn network(v4: &str) -> String {
    format!("{v4}/(3[0-2]|[12]?[0-9])|{V6}/[0-9]{{1,3}}")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use serde_json::{Value, json};

    use super::schema;
    use crate::tests::{RIGHT, values, with};
    use crate::{Answers, template, tree};

    /// Debian's python3-jsonschema (tests/prereq.sh) answers with one line for each document: empty when it
    /// is content, else what it says of it.
    const VALIDATOR: &str = "
import json, sys
from jsonschema import Draft202012Validator as V
asked = json.load(sys.stdin)
V.check_schema(asked['schema'])
for document in asked['documents']:
    print('; '.join(error.message for error in V(asked['schema']).iter_errors(document)).replace('\\n', ' '))
";

    /// What a validator of another make says of each text.
    fn judged(texts: &[String]) -> Vec<String> {
        let documents: Vec<Value> =
            texts.iter().map(|text| tree::parse(text, "c.yaml", 0).unwrap().json()).collect();
        let asked = json!({"schema": schema(), "documents": documents}).to_string();
        let mut python = Command::new("/usr/bin/python3");
        python.args(["-c", VALIDATOR]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = python.spawn().unwrap();
        child.stdin.take().unwrap().write_all(asked.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said: Vec<String> =
            String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
        assert_eq!(said.len(), texts.len());
        said
    }

    #[test]
    fn what_is_right_passes() {
        let page = include_str!("../../../docs/reference/cluster-file.md");
        let example = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap().to_owned();
        let template = template(&Answers::example("plant-7".parse().unwrap()));
        let demo = include_str!("../../../tests/lab/demo/cluster.yaml").to_owned();
        let empty =
            RIGHT.replace("upstreams: [10.77.0.5]", "upstreams:").replace("  os: {swap: off}", "  os:");
        let texts = [RIGHT.to_owned(), example, template.replace("#| ", ""), template, demo, empty];
        assert_eq!(judged(&texts), ["", "", "", "", "", ""]);
    }

    #[test]
    fn what_a_schema_can_see_is_refused_and_nothing_else() {
        let (seen, unseen) = (values::SEEN_BY_THE_SCHEMA, values::SEEN_BY_SEALIFT_ONLY);
        let texts: Vec<String> =
            seen.iter().chain(unseen).map(|(piece, replacement, ..)| with(piece, replacement)).collect();
        let mut failed = Vec::new();
        for (index, (said, text)) in judged(&texts).iter().zip(&texts).enumerate() {
            if said.is_empty() == (index < seen.len()) {
                failed.push(format!("{said:?} of {text}"));
            }
        }
        assert!(failed.is_empty(), "these are in the wrong table:\n{}", failed.join("\n"));
    }
}
