//! What a package needs and what it does not go with: Depends, Conflicts and their like (Debian Policy 7.1).

use std::str::FromStr;

use crate::Version;

/// How a relation compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `<<`
    Before,
    /// `<=`
    UpTo,
    /// `=`
    Exactly,
    /// `>=`
    From,
    /// `>>`
    After,
}

/// One package, of some versions: `libc6 (>= 2.36)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// The package's name, without `:any` and the like: one architecture is packed.
    pub name: String,
    /// Of which versions; any, if there is none.
    pub versions: Option<(Operator, Version)>,
}

/// All of these, and of each one of its alternatives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Relations(pub Vec<Vec<Relation>>);

impl Operator {
    /// Whether `found` is one of the versions that are meant.
    pub fn takes(self, found: &Version, named: &Version) -> bool {
        match self {
            Self::Before => found < named,
            Self::UpTo => found <= named,
            Self::Exactly => found == named,
            Self::From => found >= named,
            Self::After => found > named,
        }
    }

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Before => "<<",
            Self::UpTo => "<=",
            Self::Exactly => "=",
            Self::From => ">=",
            Self::After => ">>",
        }
    }
}

impl Relation {
    /// Whether a package of this version is meant.
    pub fn takes(&self, found: &Version) -> bool {
        self.versions.as_ref().is_none_or(|(operator, named)| operator.takes(found, named))
    }
}

impl FromStr for Relations {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let groups = text.split(',').map(str::trim).filter(|group| !group.is_empty());
        groups.map(|group| group.split('|').map(relation).collect()).collect::<Result<_, _>>().map(Self)
    }
}

fn relation(text: &str) -> Result<Relation, String> {
    let text = text.trim();
    let (name, versions) = match text.split_once('(') {
        None => (text, None),
        Some((name, rest)) => {
            let inner = rest.strip_suffix(')').ok_or_else(|| format!("'{text}' has no end"))?;
            (
                name.trim(),
                Some(versions(inner.trim()).ok_or_else(|| format!("'{inner}' compares with nothing"))?),
            )
        }
    };
    let name = name.split(':').next().unwrap_or_default();
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    if name.is_empty() || !name.chars().all(known) {
        return Err(format!("'{text}' names no package"));
    }
    Ok(Relation { name: name.to_owned(), versions })
}

fn versions(text: &str) -> Option<(Operator, Version)> {
    let at = text.find(|c| !"<>=".contains(c))?;
    let operator = match &text[..at] {
        "<<" => Operator::Before,
        // `<` and `>` alone are old words for these two
        "<=" | "<" => Operator::UpTo,
        "=" => Operator::Exactly,
        ">=" | ">" => Operator::From,
        ">>" => Operator::After,
        _ => return None,
    };
    let version = text[at..].trim();
    (!version.is_empty()).then(|| (operator, Version::new(version)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_and_versions() {
        let found: Relations = "libc6 (>= 2.36), python3:any, mta | postfix (<<3)".parse().unwrap();
        assert_eq!(found.0.len(), 3);
        assert_eq!(found.0[1][0], Relation { name: "python3".into(), versions: None });
        assert!(found.0[0][0].takes(&Version::new("2.36-9")) && !found.0[0][0].takes(&Version::new("2.31")));
        assert!(found.0[2][1].takes(&Version::new("2.9")) && !found.0[2][1].takes(&Version::new("3")));
        for wrong in ["libc6 (>= 2.36", "a (~ 1)", "A", "a (>= )", "a b"] {
            assert!(wrong.parse::<Relations>().is_err(), "{wrong}");
        }
    }
}
