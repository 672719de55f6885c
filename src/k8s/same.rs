//! Whether an object in the cluster is already what a manifest says.
//!
//! The API server fills in defaults and rewrites quantities, so equality is the wrong question. Asked is:
//! does every field that the manifest sets have that value? Nothing is written to find out, not even as a
//! dry run: a plan may only get and list.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// More paths than this help nobody.
const SHOWN: usize = 8;

/// Maps that the API server takes as one value: a key more is another value, and an apply takes it away again.
const ATOMIC: [&str; 3] = [".nodeSelector", ".spec.selector", ".matchLabels"];

/// A field of an object that is not as a document says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldDifference {
    /// Where, e.g. `spec.template.spec.containers[coredns].image`.
    pub path: String,
    /// How it is; `null` when it is not set.
    pub before: Value,
    /// How it will be.
    pub after: Value,
}

/// Paths at which `live` is not what `wanted` says, at most eight.
pub(crate) fn differences(wanted: &Value, live: &Value) -> Vec<String> {
    fields(wanted, live).into_iter().take(SHOWN).map(|field| field.path).collect()
}

/// Fields at which `live` is not what `wanted` says, with both values; of a Secret the values are not told.
pub(crate) fn fields(wanted: &Value, live: &Value) -> Vec<FieldDifference> {
    let mut found = Vec::new();
    compare("", &readable(wanted.clone()), live, &mut found);
    if wanted.get("kind").and_then(Value::as_str) == Some("Secret") {
        for field in &mut found {
            (field.before, field.after) = ("(secret)".into(), "(secret)".into());
        }
    }
    found
}

/// `stringData` is write-only: it reads back as `data` in base64.
fn readable(mut wanted: Value) -> Value {
    let Some(object) = wanted.as_object_mut() else { return wanted };
    if let Some(Value::Object(texts)) = object.shift_remove("stringData") {
        let encoded =
            texts.into_iter().filter_map(|(key, text)| Some((key, STANDARD.encode(text.as_str()?).into())));
        let encoded: Map<String, Value> = encoded.collect();
        match object.get_mut("data") {
            Some(Value::Object(data)) => data.extend(encoded),
            _ => drop(object.insert("data".to_owned(), Value::Object(encoded))),
        }
    }
    wanted
}

fn compare(path: &str, wanted: &Value, live: &Value, found: &mut Vec<FieldDifference>) {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => {
            if ATOMIC.iter().any(|name| path.ends_with(name)) {
                for (key, more) in live.iter().filter(|(key, _)| !wanted.contains_key(*key)) {
                    let (path, before) = (format!("{path}.{key}"), more.clone());
                    found.push(FieldDifference {
                        path: path.trim_start_matches('.').to_owned(),
                        before,
                        after: Value::Null,
                    });
                }
            }
            for (key, wanted) in wanted.iter().filter(|(key, _)| !(path.is_empty() && *key == "status")) {
                compare(&format!("{path}.{key}"), wanted, live.get(key).unwrap_or(&Value::Null), found);
            }
        }
        (Value::Array(wanted), Value::Array(live)) if wanted.iter().all(|item| identity(item).is_some()) => {
            // lists with names are maps to the API server: others may have added items of their own
            for item in wanted {
                let name = identity(item);
                let path = format!("{path}[{}]", name.clone().unwrap_or_default());
                let other = live.iter().find(|other| identity(other) == name).unwrap_or(&Value::Null);
                compare(&path, item, other, found);
            }
        }
        (Value::Array(wanted), Value::Array(live)) if wanted.len() == live.len() => {
            for (i, (wanted, live)) in wanted.iter().zip(live).enumerate() {
                compare(&format!("{path}[{i}]"), wanted, live, found);
            }
        }
        (wanted, live) if is_empty(wanted) && is_empty(live) => {}
        (wanted, live) if scalar(wanted).is_some() && scalar(wanted) == scalar(live) => {}
        _ => found.push(FieldDifference {
            path: path.trim_start_matches('.').to_owned(),
            before: live.clone(),
            after: wanted.clone(),
        }),
    }
}

/// What tells items of a list apart: their name, or for ports the number and protocol.
fn identity(item: &Value) -> Option<String> {
    if let Some(name) = item.get("name").and_then(Value::as_str) {
        return Some(name.to_owned());
    }
    let port = item.get("containerPort").or_else(|| item.get("port"))?;
    let protocol = item.get("protocol").and_then(Value::as_str).unwrap_or("TCP");
    Some(format!("{port}/{protocol}"))
}

/// Absent, `null`, `""`, `{}` and `[]` are one to the API server, and so are `false` and `0` where a field
/// is left out when it has its zero value.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(yes) => !yes,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.values().all(is_empty),
    }
}

/// A scalar in one spelling: numbers, and quantities (resource.Quantity) such as 1000m = 1 and 1024Mi = 1Gi.
fn scalar(value: &Value) -> Option<String> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Bool(yes) => return Some(yes.to_string()),
        _ => return None,
    };
    Some(quantity(&text).map_or(text, |milli| format!("{milli}m")))
}

/// A quantity in thousandths; `None` when the text is not one that fits.
fn quantity(text: &str) -> Option<i128> {
    const SUFFIXES: [(&str, i128); 11] = [
        ("Ki", 1 << 10),
        ("Mi", 1 << 20),
        ("Gi", 1 << 30),
        ("Ti", 1 << 40),
        ("Pi", 1 << 50),
        ("k", 1_000),
        ("M", 1_000_000),
        ("G", 1_000_000_000),
        ("T", 1_000_000_000_000),
        ("P", 1_000_000_000_000_000),
        ("", 1),
    ];
    if let Some(milli) = text.strip_suffix('m') {
        return whole(milli);
    }
    let (number, factor) =
        SUFFIXES.iter().find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, *factor)))?;
    whole(number)?.checked_mul(factor)?.checked_mul(1000)
}

/// Digits only, and few: an image digest or a serial number is not a quantity.
fn whole(text: &str) -> Option<i128> {
    let digits = !text.is_empty() && text.len() < 16 && text.bytes().all(|b| b.is_ascii_digit());
    let plain = text == "0" || !text.starts_with('0');
    if digits && plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{FieldDifference, differences, fields};
    use serde_json::json;

    #[test]
    fn both_values_are_told_but_a_secret_s() {
        let (wanted, live) =
            (json!({"kind": "A", "data": {"a": "1"}}), json!({"kind": "A", "data": {"a": "2"}}));
        let found = FieldDifference { path: "data.a".into(), before: "2".into(), after: "1".into() };
        assert_eq!(fields(&wanted, &live), [found]);
        let secret = |text: &str| json!({"kind": "Secret", "stringData": {"a": text}});
        let told =
            format!("{:?}", fields(&secret("hush"), &json!({"kind": "Secret", "data": {"a": "c3Rp"}})));
        assert!(told.contains("data.a") && !told.contains("aHVzaA") && !told.contains("c3Rp"), "{told}");
    }

    #[test]
    fn defaults_of_the_server_are_no_difference() {
        let wanted = json!({"kind": "Deployment", "spec": {"replicas": 2, "template": {"spec": {"containers": [
            {"name": "a", "image": "x:1", "resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}}, "args": [],
             "ports": [{"containerPort": 80}]}]}}}});
        let live = json!({"kind": "Deployment", "metadata": {"uid": "1"}, "status": {}, "spec": {"replicas": 2,
            "template": {"spec": {"dnsPolicy": "ClusterFirst", "containers": [{"name": "injected"},
            {"name": "a", "image": "x:1", "imagePullPolicy": "Always",
             "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
             "ports": [{"containerPort": 80, "protocol": "TCP"}]}]}}}});
        assert_eq!(differences(&wanted, &live), Vec::<String>::new());
    }

    #[test]
    fn every_real_difference_is_named_by_its_path() {
        let base = json!({"spec": {"a": 1, "list": ["x"], "c": [{"name": "n", "image": "i:1"}]}});
        for (live, path) in [
            (json!({"spec": {"a": 2, "list": ["x"], "c": [{"name": "n", "image": "i:1"}]}}), "spec.a"),
            (json!({"spec": {"list": ["x"], "c": [{"name": "n", "image": "i:1"}]}}), "spec.a"),
            (
                json!({"spec": {"a": 1, "list": ["x", "y"], "c": [{"name": "n", "image": "i:1"}]}}),
                "spec.list",
            ),
            (json!({"spec": {"a": 1, "list": ["z"], "c": [{"name": "n", "image": "i:1"}]}}), "spec.list[0]"),
            (
                json!({"spec": {"a": 1, "list": ["x"], "c": [{"name": "n", "image": "i:2"}]}}),
                "spec.c[n].image",
            ),
            (json!({"spec": {"a": 1, "list": ["x"], "c": [{"name": "m", "image": "i:1"}]}}), "spec.c[n]"),
        ] {
            assert_eq!(differences(&base, &live), [path], "{live}");
        }
    }

    #[test]
    fn one_key_more_in_a_selector_is_another_selector() {
        let wanted = json!({"metadata": {"labels": {"a": "1"}}, "spec": {"template": {"spec": {"nodeSelector": {"os": "linux"}}}}});
        let live = json!({"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"template": {"spec": {"nodeSelector": {"os": "linux", "no": "where"}}}}});
        assert_eq!(differences(&wanted, &live), ["spec.template.spec.nodeSelector.no"]);
    }

    #[test]
    fn a_secret_s_texts_are_compared_as_the_server_keeps_them() {
        let wanted = json!({"stringData": {"a": "b"}});
        assert!(differences(&wanted, &json!({"data": {"a": "Yg=="}})).is_empty());
        assert_eq!(differences(&wanted, &json!({"data": {"a": "Yw=="}})), ["data.a"]);
    }

    #[test]
    fn what_only_looks_like_a_quantity_is_compared_as_text() {
        assert_eq!(differences(&json!({"a": "010"}), &json!({"a": "10"})), ["a"]);
        assert_eq!(differences(&json!({"a": "1"}), &json!({"a": true})), ["a"]);
        assert_eq!(differences(&json!({"a": true}), &json!({"a": false})), ["a"]);
    }
}
