//! YAML as a tree in which every key and value knows where it stands.
//!
//! The cluster file is not deserialized into structs: serde stops at the first error, and an engineer
//! with a wrong file at night should see all of them.

mod broken;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};
use serde_saphyr::{Location, Spanned};

use crate::plain::quoted;
use crate::problem::Problem;
use crate::sink::Sink;
use crate::wrong::Wrong;

/// A thousand nodes fit; what is larger is no cluster file.
pub(crate) const LARGEST: usize = 1 << 20;

/// A position in one of the two files that make up a site: the cluster file (0) and a profile (1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    pub(crate) file: usize,
    pub(crate) line: u64,
    pub(crate) column: u64,
    /// First byte and byte length in the text, where the parser knows them.
    pub(crate) span: Option<(usize, usize)>,
    /// Whether the value was reached through an alias or a merge key.
    pub(crate) borrowed: bool,
}

/// A value and its position.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) at: At,
    pub(crate) value: Value,
}

/// A key and its position.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) at: At,
    pub(crate) name: String,
}

/// YAML's core schema.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

impl Node {
    /// The value of a key, when this is a map that has it.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The same without positions.
    pub(crate) fn json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(yes) => Json::Bool(*yes),
            Value::Int(number) => Json::from(*number),
            Value::Float(number) => Json::from(*number),
            Value::Text(text) => Json::from(text.as_str()),
            Value::List(items) => Json::Array(items.iter().map(Self::json).collect()),
            Value::Map(entries) => {
                let mut map: Map<String, Json> =
                    entries.iter().map(|(key, node)| (key.name.clone(), node.json())).collect();
                map.sort_keys();
                Json::Object(map)
            }
        }
    }

    /// Whether two trees hold the same values in the same order, wherever they stand.
    pub(crate) fn same(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b)),
            (Value::Map(a), Value::Map(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| k.name == l.name && a.same(b))
            }
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
            (Value::Text(a), Value::Text(b)) => a == b,
            _ => false,
        }
    }
}

/// Parses one YAML document. `origin` names the file in problems; `file` is its number in positions.
pub(crate) fn parse(text: &str, origin: &str, file: usize) -> Result<Node, Problem> {
    let options = serde_saphyr::options! {
        // `off` and `yes` stay words: `swap: off` must not become a boolean.
        strict_booleans: true,
        // 022 is neither 22 nor 18 before somebody has said so
        leading_zero_numbers_as_strings: true,
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::Reject,
        // told by `duplicates`, both places of each
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::PassThrough,
        // it is read by recursion, also on threads with small stacks; a cluster file is some eight levels deep
        budget: serde_saphyr::budget! { max_depth: 32 },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 50_000 },
        with_snippet: false,
    };
    if text.len() > LARGEST {
        let wrong = Wrong::new(format!("the file has {} bytes", text.len()));
        return Err(broken::whole(
            origin,
            wrong.hint("a cluster file has less than 1 MiB: is this another file?"),
        ));
    }
    let mut root: Spanned<Raw> = serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| broken::problem(&error, text, origin))?;
    let value = std::mem::replace(&mut root.value.0, Value::Null);
    if matches!(value, Value::Null) {
        let wrong = Wrong::new("the file is empty, or all of it is comments");
        return Err(broken::whole(origin, wrong.hint("sealift init writes one to start from")));
    }
    Ok(number(Node { at: at(&root), value }, file))
}

/// Reports every key that a map has twice.
pub(crate) fn duplicates(node: &Node, sink: &mut Sink<'_>) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| duplicates(item, sink)),
        Value::Map(entries) => {
            let mut seen: HashMap<&str, At> = HashMap::new();
            for (key, value) in entries {
                match seen.entry(&key.name) {
                    Entry::Occupied(first) => {
                        let wrong = Wrong::new(format!("the key {} is there twice", quoted(&key.name)));
                        sink.clash((key.at, ""), (*first.get(), ""), wrong.hint("keep one of them"));
                    }
                    Entry::Vacant(free) => drop(free.insert(key.at)),
                }
                duplicates(value, sink);
            }
        }
        _ => {}
    }
}

/// Stamps every position with the number of the file.
fn number(mut node: Node, file: usize) -> Node {
    node.at.file = file;
    node.value = match node.value {
        Value::List(items) => Value::List(items.into_iter().map(|item| number(item, file)).collect()),
        Value::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(mut key, node)| {
                    key.at.file = file;
                    (key, number(node, file))
                })
                .collect(),
        ),
        scalar => scalar,
    };
    node
}

fn at<T>(spanned: &Spanned<T>) -> At {
    let here: Location = spanned.defined;
    let span = here.span();
    let bytes = span.byte_offset().zip(span.byte_len());
    At {
        file: 0,
        line: here.line(),
        column: here.column(),
        span: bytes.and_then(|(from, len)| Some((usize::try_from(from).ok()?, usize::try_from(len).ok()?))),
        borrowed: spanned.referenced != spanned.defined,
    }
}

struct Raw(Value);

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor).map(Self)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        i64::try_from(value)
            .map(Value::Int)
            .map_err(|_| E::custom(format!("the number {value} is too large")))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<Spanned<Raw>>()? {
            items.push(Node { at: at(&item), value: item.value.0 });
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let value = map.next_value::<Spanned<Raw>>()?;
            let key = Key { at: at(&key), name: key.value };
            entries.push((key, Node { at: at(&value), value: value.value.0 }));
        }
        Ok(Value::Map(entries))
    }
}
