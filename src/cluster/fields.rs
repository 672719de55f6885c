//! Reading typed values out of a tree, gathering every problem on the way.

use std::str::FromStr;

use crate::problem::Problem;
use crate::suggest::nearest;
use crate::tree::{At, Node, Value};
use crate::wrong::Wrong;

/// Where problems are gathered; knows the names of the files that positions number.
#[derive(Debug)]
pub(crate) struct Sink {
    pub(crate) files: Vec<String>,
    pub(crate) found: Vec<Problem>,
}

impl Sink {
    pub(crate) fn new(files: Vec<String>) -> Self {
        Self { files, found: Vec::new() }
    }

    /// A problem at a position.
    pub(crate) fn problem(&self, at: At, field: &str, wrong: Wrong) -> Problem {
        Problem {
            file: self.files.get(at.file).cloned().unwrap_or_default(),
            line: at.line,
            column: at.column,
            field: field.to_owned(),
            message: wrong.message,
            hint: wrong.hint,
        }
    }

    pub(crate) fn add(&mut self, at: At, field: &str, wrong: Wrong) {
        let problem = self.problem(at, field, wrong);
        self.found.push(problem);
    }
}

/// A value that still knows where it came from, for checks that look at several values.
#[derive(Debug, Clone)]
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    pub(crate) at: At,
    pub(crate) path: String,
}

/// One value and its path.
#[derive(Debug, Clone)]
pub(crate) struct Field<'a> {
    pub(crate) node: &'a Node,
    pub(crate) path: String,
}

/// A map whose known keys are taken one after another; what is left over was unknown.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    at: At,
    path: String,
    entries: &'a [(crate::tree::Key, Node)],
    known: Vec<&'static str>,
}

impl<'a> Field<'a> {
    pub(crate) fn at(&self) -> At {
        self.node.at
    }

    pub(crate) fn place<T>(&self, value: T) -> Placed<T> {
        Placed { value, at: self.node.at, path: self.path.clone() }
    }

    fn wants(&self, sink: &mut Sink, what: &str, hint: Option<String>) {
        let message = format!("expected {what}, found {}", self.node.value.describe());
        sink.add(self.at(), &self.path, Wrong { message, hint });
    }

    /// A text; a bare number or boolean is a problem with a hint to quote it.
    pub(crate) fn text(&self, sink: &mut Sink) -> Option<&'a str> {
        match &self.node.value {
            Value::Text(text) => return Some(text),
            Value::Int(_) | Value::Float(_) | Value::Bool(_) => {
                self.wants(sink, "a text", Some("put it in quotes".to_owned()));
            }
            _ => self.wants(sink, "a text", None),
        }
        None
    }

    /// A text of some validated type.
    pub(crate) fn parse<T: FromStr<Err = Wrong>>(&self, sink: &mut Sink) -> Option<Placed<T>> {
        match self.text(sink)?.parse() {
            Ok(value) => Some(self.place(value)),
            Err(wrong) => {
                sink.add(self.at(), &self.path, wrong);
                None
            }
        }
    }

    /// An IP address.
    pub(crate) fn address(&self, sink: &mut Sink) -> Option<Placed<std::net::IpAddr>> {
        match crate::cidr::parse_address(self.text(sink)?) {
            Ok(value) => Some(self.place(value)),
            Err(wrong) => {
                sink.add(self.at(), &self.path, wrong);
                None
            }
        }
    }

    /// One word of a closed set.
    pub(crate) fn choice<T: Copy>(&self, sink: &mut Sink, choices: &[(&str, T)]) -> Option<Placed<T>> {
        let text = self.text(sink)?;
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(self.place(*value));
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let hint = nearest(text, &words).map_or_else(
            || format!("one of {}", words.join(", ")),
            |word| format!("did you mean {word:?}? (one of {})", words.join(", ")),
        );
        sink.add(self.at(), &self.path, Wrong::new(format!("unknown value {text:?}")).hint(hint));
        None
    }

    pub(crate) fn boolean(&self, sink: &mut Sink) -> Option<bool> {
        if let Value::Bool(yes) = self.node.value {
            return Some(yes);
        }
        self.wants(sink, "true or false", None);
        None
    }

    /// A TCP port.
    pub(crate) fn port(&self, sink: &mut Sink) -> Option<u16> {
        if let Value::Int(number) = self.node.value {
            if let Some(port) = u16::try_from(number).ok().filter(|port| *port > 0) {
                return Some(port);
            }
            sink.add(self.at(), &self.path, Wrong::new(format!("{number} is not a port: 1 to 65535")));
        } else {
            self.wants(sink, "a port number", None);
        }
        None
    }

    /// The items of a list.
    pub(crate) fn list(&self, sink: &mut Sink) -> Vec<Field<'a>> {
        let Value::List(items) = &self.node.value else {
            let hint = matches!(self.node.value, Value::Text(_)).then(|| "put it in [ ]".to_owned());
            self.wants(sink, "a list", hint);
            return Vec::new();
        };
        items
            .iter()
            .enumerate()
            .map(|(i, node)| Field { node, path: format!("{}[{i}]", self.path) })
            .collect()
    }

    /// A map with known fields.
    pub(crate) fn map(&self, sink: &mut Sink) -> Option<Fields<'a>> {
        let Value::Map(entries) = &self.node.value else {
            self.wants(sink, "a map", None);
            return None;
        };
        Some(Fields { at: self.at(), path: self.path.clone(), entries, known: Vec::new() })
    }

    /// A map whose keys are free.
    pub(crate) fn pairs(&self, sink: &mut Sink) -> Vec<(&'a crate::tree::Key, Field<'a>)> {
        let Value::Map(entries) = &self.node.value else {
            self.wants(sink, "a map", None);
            return Vec::new();
        };
        entries.iter().map(|(key, node)| (key, Field { node, path: join(&self.path, &key.name) })).collect()
    }
}

impl<'a> Fields<'a> {
    pub(crate) fn at(&self) -> At {
        self.at
    }

    pub(crate) fn path(&self, name: &str) -> String {
        join(&self.path, name)
    }

    /// A field that may be left out. `name:` with nothing behind it is left out too.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Field<'a>> {
        self.known.push(name);
        let (_, node) = self.entries.iter().find(|(key, _)| key.name == name)?;
        (!matches!(node.value, Value::Null)).then(|| Field { node, path: self.path(name) })
    }

    /// A field that must be there.
    pub(crate) fn need(&mut self, sink: &mut Sink, name: &'static str, what: &str) -> Option<Field<'a>> {
        let field = self.take(name);
        if field.is_none() {
            // an empty value has a place of its own; a missing key is told where its map starts
            let at = self.entries.iter().find(|(key, _)| key.name == name).map_or(self.at, |(key, _)| key.at);
            sink.add(at, &self.path(name), Wrong::new(format!("is missing: {what}")));
        }
        field
    }

    /// Reports every key that was never asked for.
    pub(crate) fn finish(self, sink: &mut Sink) {
        let free: Vec<&str> = self
            .known
            .iter()
            .copied()
            .filter(|name| !self.entries.iter().any(|(key, _)| key.name == *name))
            .collect();
        for (key, _) in self.entries.iter().filter(|(key, _)| !self.known.contains(&key.name.as_str())) {
            let hint = nearest(&key.name, &free).map_or_else(
                || format!("known here: {}", self.known.join(", ")),
                |name| format!("did you mean {name:?}?"),
            );
            sink.add(key.at, &self.path(&key.name), Wrong::new("unknown field").hint(hint));
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
