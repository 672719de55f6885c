//! What our templates need beyond minijinja's own filters.

use minijinja::{Environment, Error, ErrorKind, Value};
use sealift_stream::Digest;

/// Adds the filters to an environment.
pub(crate) fn add(env: &mut Environment<'_>) {
    env.add_filter("merged", merged);
    env.add_filter("digest", |text: &str| Digest::of(text.as_bytes()).to_string());
}

/// `{{ ours | merged(theirs) }}`: maps are merged deep, anything else of theirs replaces ours; null removes.
fn merged(ours: &Value, theirs: &Value) -> Result<Value, Error> {
    let json = |value: &Value| serde_json::to_value(value).map_err(|e| refuse(e.to_string()));
    let mut whole = json(ours)?;
    merge(&mut whole, json(theirs)?);
    Ok(Value::from(minijinja::value::Serde(whole)))
}

/// JSON Merge Patch (RFC 7396), which is what people expect of a free map.
pub(crate) fn merge(into: &mut serde_json::Value, patch: serde_json::Value) {
    use serde_json::Value::{Null, Object};
    match (into, patch) {
        (Object(into), Object(patch)) => {
            for (key, value) in patch {
                if value == Null {
                    into.remove(&key);
                } else {
                    merge(into.entry(key).or_insert(Null), value);
                }
            }
        }
        (into, Object(patch)) => {
            *into = Object(serde_json::Map::new());
            merge(into, Object(patch));
        }
        (into, patch) => *into = patch,
    }
}

fn refuse(why: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, why)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::merge;

    #[test]
    fn merge_goes_deep_replaces_lists_and_removes_nulls() {
        let mut ours = json!({"a": {"x": 1, "y": [1, 2]}, "b": 2, "c": "text"});
        merge(
            &mut ours,
            json!({"a": {"y": [3], "z": null}, "b": null, "c": {"now": {"a": "map", "not": null}}}),
        );
        assert_eq!(ours, json!({"a": {"x": 1, "y": [3]}, "c": {"now": {"a": "map"}}}));
    }
}
