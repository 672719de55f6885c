//! Reading typed values out of a tree, gathering every problem on the way.

use std::str::FromStr;

use crate::plain::{plain, quoted};
use crate::sink::{Placed, Sink};
use crate::suggest::{elsewhere, nearest};
use crate::tree::{At, Key, Node, Value};
use crate::wrong::Wrong;

/// One value and its path.
#[derive(Debug, Clone)]
pub(crate) struct Field<'a> {
    pub(crate) node: &'a Node,
    pub(crate) path: String,
}

impl<'a> Field<'a> {
    pub(crate) fn at(&self) -> At {
        self.node.at
    }

    pub(crate) fn place<T>(&self, value: T) -> Placed<T> {
        Placed { value, at: self.node.at, path: self.path.clone() }
    }

    /// A problem of this value.
    pub(crate) fn wrong(&self, sink: &mut Sink<'_>, wrong: Wrong) {
        sink.add(self.at(), &self.path, wrong);
    }

    fn wants(&self, sink: &mut Sink<'_>, what: &str, hint: impl Into<String>) {
        let message = format!("expected {what}, found {}", sink.describe(self.node));
        self.wrong(sink, Wrong::new(message).hint(hint));
    }

    /// A text; a bare number or boolean is a problem with a hint to quote it.
    pub(crate) fn text(&self, sink: &mut Sink<'_>) -> Option<&'a str> {
        match &self.node.value {
            Value::Text(text) => return Some(text),
            Value::Int(_) | Value::Float(_) | Value::Bool(_) => {
                self.wants(sink, "a text", "put it in quotes");
            }
            Value::List(_) => self.wants(sink, "a text", "leave the [ ] or the dashes away"),
            _ => self.wants(sink, "a text", "write the value behind the colon"),
        }
        None
    }

    /// A text of some validated type.
    pub(crate) fn parse<T: FromStr<Err = Wrong>>(&self, sink: &mut Sink<'_>) -> Option<Placed<T>> {
        self.parse_with(sink, str::parse)
    }

    /// A text that a function reads. What only looks right is told by its character.
    pub(crate) fn parse_with<T>(
        &self,
        sink: &mut Sink<'_>,
        read: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Option<Placed<T>> {
        let text = self.text(sink)?;
        match read(text) {
            Ok(value) => return Some(self.place(value)),
            Err(wrong) => self.wrong(sink, looks_like(text, wrong)),
        }
        None
    }

    /// An IP address.
    pub(crate) fn address(&self, sink: &mut Sink<'_>) -> Option<Placed<std::net::IpAddr>> {
        self.parse_with(sink, crate::address::parse)
    }

    /// One word of a closed set.
    pub(crate) fn choice<T: Copy>(&self, sink: &mut Sink<'_>, choices: &[(&str, T)]) -> Option<Placed<T>> {
        self.parse_with(sink, |text| {
            if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
                return Ok(*value);
            }
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            let all = words.join(", ");
            let hint = nearest(text, &words).map_or_else(
                || format!("one of {all}"),
                |word| format!("did you mean {word:?}? (one of {all})"),
            );
            Err(Wrong::new(format!("unknown value {}", quoted(text))).hint(hint))
        })
    }

    pub(crate) fn boolean(&self, sink: &mut Sink<'_>) -> Option<bool> {
        match &self.node.value {
            Value::Bool(yes) => return Some(*yes),
            Value::Text(text) if matches!(text.to_lowercase().as_str(), "yes" | "on" | "true" | "y") => {
                self.wants(sink, "true or false", "write true, without quotes");
            }
            Value::Text(text) if matches!(text.to_lowercase().as_str(), "no" | "off" | "false" | "n") => {
                self.wants(sink, "true or false", "write false, without quotes");
            }
            _ => self.wants(sink, "true or false", "no other word is known here"),
        }
        None
    }

    /// A TCP port.
    pub(crate) fn port(&self, sink: &mut Sink<'_>) -> Option<u16> {
        match &self.node.value {
            Value::Int(number) => {
                if let Some(port) = u16::try_from(*number).ok().filter(|port| *port > 0) {
                    return Some(port);
                }
                let wrong = Wrong::new(format!("{number} is not a port")).hint("a port is 1 to 65535");
                self.wrong(sink, wrong);
            }
            Value::Text(text) => {
                let digits = text.trim().trim_start_matches('0').parse::<u16>();
                let hint = digits.map_or_else(
                    |_| "write a number from 1 to 65535".to_owned(),
                    |port| format!("write {port}, without quotes"),
                );
                self.wants(sink, "a port number", hint);
            }
            _ => self.wants(sink, "a port number", "write a number from 1 to 65535"),
        }
        None
    }

    /// A whole number in a range.
    pub(crate) fn number(
        &self,
        sink: &mut Sink<'_>,
        range: std::ops::RangeInclusive<u16>,
    ) -> Option<Placed<u16>> {
        let hint = format!("write a number from {} to {}, without quotes", range.start(), range.end());
        if let Value::Int(number) = &self.node.value {
            if let Some(fits) = u16::try_from(*number).ok().filter(|fits| range.contains(fits)) {
                return Some(self.place(fits));
            }
            let wrong = Wrong::new(format!("{number} is not from {} to {}", range.start(), range.end()));
            self.wrong(sink, wrong.hint(hint));
        } else {
            self.wants(sink, "a number", hint);
        }
        None
    }

    /// The items of a list.
    pub(crate) fn list(&self, sink: &mut Sink<'_>) -> Vec<Self> {
        let Value::List(items) = &self.node.value else {
            let hint = match self.node.value {
                Value::Map(_) => "put a dash before each item: `- name: …`",
                _ => "put it in [ ]",
            };
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
    pub(crate) fn map(&self, sink: &mut Sink<'_>) -> Option<Fields<'a>> {
        let entries = self.entries(sink)?;
        Some(Fields::new(self.at(), self.path.clone(), entries))
    }

    /// A map whose keys are free.
    pub(crate) fn pairs(&self, sink: &mut Sink<'_>) -> Vec<(&'a Key, Self)> {
        let entries = self.entries(sink).unwrap_or_default();
        entries.iter().map(|(key, node)| (key, Field { node, path: join(&self.path, &key.name) })).collect()
    }

    fn entries(&self, sink: &mut Sink<'_>) -> Option<&'a [(Key, Node)]> {
        let Value::Map(entries) = &self.node.value else {
            let hint = match self.node.value {
                Value::List(_) => "leave the [ ] or the dashes away: it is one map, `name: value` lines",
                _ => "write its fields below it as `name: value` lines, or in { }",
            };
            self.wants(sink, "a map", hint);
            return None;
        };
        Some(entries)
    }
}

/// Adds to a refusal what the eye cannot see: that a character is not the one it looks like.
fn looks_like(text: &str, wrong: Wrong) -> Wrong {
    match plain(text) {
        Some((plain, note)) => wrong.hint(format!("write {}: {note}", quoted(&plain))),
        None => wrong,
    }
}

/// A map whose known keys are taken one after another; what is left over was unknown.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    at: At,
    path: String,
    entries: &'a [(Key, Node)],
    known: Vec<&'static str>,
    missing: Vec<(&'static str, At)>,
}

impl<'a> Fields<'a> {
    fn new(at: At, path: String, entries: &'a [(Key, Node)]) -> Self {
        Self { at, path, entries, known: Vec::new(), missing: Vec::new() }
    }

    pub(crate) fn at(&self) -> At {
        self.at
    }

    /// Whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn find(&self, name: &str) -> Option<&'a (Key, Node)> {
        self.entries.iter().find(|(key, _)| key.name == name)
    }

    /// A field that may be left out. `name:` with nothing behind it is left out too.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Field<'a>> {
        self.known.push(name);
        let (_, node) = self.find(name)?;
        (!matches!(node.value, Value::Null)).then(|| Field { node, path: join(&self.path, name) })
    }

    /// A field that must be there.
    pub(crate) fn need(&mut self, name: &'static str) -> Option<Field<'a>> {
        let field = self.take(name);
        if field.is_none() {
            // an empty value has a place of its own; a missing key is told where its map starts
            self.missing.push((name, self.find(name).map_or(self.at, |(key, _)| key.at)));
        }
        field
    }

    /// Reports every key that was never asked for, and every needed one that is not there. A misspelt key
    /// is told once, not also as one that is missing.
    pub(crate) fn finish(self, sink: &mut Sink<'_>) {
        let free: Vec<&str> = self.known.iter().copied().filter(|name| self.find(name).is_none()).collect();
        let mut meant = Vec::new();
        for (key, _) in self.entries.iter().filter(|(key, _)| !self.known.contains(&key.name.as_str())) {
            let (slip, hint) = self.unknown(&key.name, &free);
            meant.extend(slip);
            sink.add(key.at, &join(&self.path, &key.name), Wrong::new("unknown field").hint(hint));
        }
        for (name, at) in self.missing.iter().filter(|(name, _)| !meant.contains(name)) {
            let path = join(&self.path, name);
            let example = crate::catalogue::at(&path).map_or("…", |field| field.example);
            let wrong = Wrong::new("is missing").hint(format!("write `{name}: {example}`"));
            sink.add(*at, &path, wrong);
        }
    }

    /// Which field an unknown key was meant to be, if that can be told, and what to say.
    fn unknown<'n>(&self, key: &str, free: &[&'n str]) -> (Option<&'n str>, String) {
        if let Some((plain, note)) = plain(key)
            && let Some(name) = nearest(&plain, free)
        {
            return (Some(name), format!("did you mean {name:?}? {note}"));
        }
        if let Some(name) = nearest(key, free) {
            return (Some(name), format!("did you mean {name:?}?"));
        }
        let known = format!("known here: {}", self.known.join(", "));
        (None, elsewhere(key).map_or(known, |places| format!("it belongs in {places}")))
    }
}

/// A path with one more part. Only what a person would type goes into it as it is: a key may hold anything.
fn join(path: &str, name: &str) -> String {
    let tame = name.len() <= 60 && name.chars().all(|c| !c.is_control() && !c.is_whitespace());
    let name = if tame { name.to_owned() } else { quoted(name) };
    if path.is_empty() { name } else { format!("{path}.{name}") }
}
