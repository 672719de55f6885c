//! Where problems are gathered, with the places they are at.

use crate::plain::quoted;
use crate::problem::{Place, Problem};
use crate::tree::{At, Node, Value};
use crate::wrong::Wrong;

/// One of the texts that make up a site: the cluster file (0) and a profile (1).
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) origin: &'a str,
    pub(crate) text: &'a str,
}

/// Where problems are gathered; knows the texts that positions are in.
#[derive(Debug)]
pub(crate) struct Sink<'a> {
    pub(crate) sources: Vec<Source<'a>>,
    pub(crate) found: Vec<Problem>,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(sources: Vec<Source<'a>>) -> Self {
        Self { sources, found: Vec::new() }
    }

    /// A position as a person is told it.
    pub(crate) fn place(&self, at: At, field: &str) -> Place {
        let file = self.sources.get(at.file).map_or("", |source| source.origin).to_owned();
        Place { file, line: at.line, column: at.column, field: field.to_owned() }
    }

    /// A problem at a position.
    pub(crate) fn problem(&self, at: At, field: &str, wrong: Wrong) -> Problem {
        Problem { place: self.place(at, field), also: None, message: wrong.message, hint: wrong.hint }
    }

    pub(crate) fn add(&mut self, at: At, field: &str, wrong: Wrong) {
        let problem = self.problem(at, field, wrong);
        self.found.push(problem);
    }

    /// A problem of two fields that cannot both be right.
    pub(crate) fn clash(&mut self, here: (At, &str), there: (At, &str), wrong: Wrong) {
        let also = Some(Box::new(self.place(there.0, there.1)));
        let problem = self.problem(here.0, here.1, wrong);
        self.found.push(Problem { also, ..problem });
    }

    /// What a value is, as it is written: the parser makes 1.1 of `1.10`.
    pub(crate) fn describe(&self, node: &Node) -> String {
        let written = || {
            let (from, len) = node.at.span?;
            self.sources.get(node.at.file)?.text.get(from..from.checked_add(len)?)
        };
        match &node.value {
            Value::Null => "nothing".to_owned(),
            Value::Bool(yes) => format!("the boolean {yes}"),
            Value::Int(number) => {
                format!("the number {}", written().map_or_else(|| number.to_string(), str::to_owned))
            }
            Value::Float(number) => {
                format!("the number {}", written().map_or_else(|| number.to_string(), str::to_owned))
            }
            Value::Text(text) => format!("the text {}", quoted(text)),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
        }
    }
}

/// A value that still knows where it came from, for checks that look at several values.
#[derive(Debug, Clone)]
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    pub(crate) at: At,
    pub(crate) path: String,
}

impl<T> Placed<T> {
    /// Where it stands.
    pub(crate) fn spot(&self) -> (At, &str) {
        (self.at, &self.path)
    }

    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Placed<U> {
        Placed { value: change(self.value), at: self.at, path: self.path }
    }
}
