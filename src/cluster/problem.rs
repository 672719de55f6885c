//! What is wrong with a cluster file, told all at once.

use std::fmt;

use serde::Serialize;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file as it was named by the caller.
    pub file: String,
    /// Line, counted from 1; 0 when the file as a whole is meant.
    pub line: u64,
    /// Column in characters, counted from 1; 0 when the file as a whole is meant.
    pub column: u64,
    /// Path of the field, e.g. `spec.nodes[1].ssh.address`; empty when the file as a whole is meant.
    pub field: String,
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where it is wrong.
    #[serde(flatten)]
    pub place: Place,
    /// Where the other half of a clash stands: of two fields that cannot both be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub also: Option<Box<Place>>,
    /// What is wrong.
    pub message: String,
    /// What to write instead, where that can be told.
    pub hint: Option<String>,
}

impl Place {
    /// A file as a whole.
    pub(crate) fn whole(file: &str) -> Self {
        Self { file: file.to_owned(), line: 0, column: 0, field: String::new() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if self.field.is_empty() { Ok(()) } else { write!(f, ": {}", self.field) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)?;
        if let Some(also) = &self.also {
            write!(f, "\n  also: {also}")?;
        }
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "\n  hint: {hint}"))
    }
}

/// Everything that is wrong with a cluster file, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Sorts what was found; `None` when nothing was.
    pub(crate) fn of(mut found: Vec<Problem>) -> Option<Self> {
        found.sort_by(|a, b| {
            let key = |problem: &Problem| (problem.place.line, problem.place.column);
            a.place.file.cmp(&b.place.file).then(key(a).cmp(&key(b)))
        });
        (!found.is_empty()).then_some(Self(found))
    }

    pub(crate) fn one(problem: Problem) -> Self {
        Self(vec![problem])
    }

    /// The problems, by file, line and column.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

/// Nobody reads more of them, and mending the first often mends the rest.
const SHOWN: usize = 50;

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, "{count} problem{} in the cluster file", if count == 1 { "" } else { "s" })?;
        self.0.iter().take(SHOWN).try_for_each(|problem| write!(f, "\n{problem}"))?;
        if count > SHOWN { write!(f, "\nand {} more", count - SHOWN) } else { Ok(()) }
    }
}

impl std::error::Error for Problems {}
