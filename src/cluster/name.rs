//! Names that Kubernetes and DNS accept.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::plain::{plain, quoted};
use crate::wrong::Wrong;

/// A DNS-1123 label: 1 to 63 of `a-z`, `0-9` and `-`, starting and ending with a letter or digit
/// (Kubernetes' `IsDNS1123Label`). Names of clusters, nodes and address pools.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Label(String);

/// A node's name: its hostname and its name in Kubernetes.
pub type NodeName = Label;

/// A DNS-1123 subdomain: labels joined by dots, at most 253 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct DomainName(String);

impl Label {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl DomainName {
    /// The zone of the names that sealift makes, in a top level that is kept for private use (ICANN, 2024).
    pub(crate) fn sealift() -> Self {
        Self("sealift.internal".to_owned())
    }

    /// The name as text, without a dot at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is `zone` or below it.
    pub fn is_in(&self, zone: &Self) -> bool {
        self.0.strip_suffix(&zone.0).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

/// Safe as a file name: no separator and no dot can be in it.
impl AsRef<std::path::Path> for Label {
    fn as_ref(&self) -> &std::path::Path {
        self.0.as_ref()
    }
}

impl FromStr for Label {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        label(text).map_or_else(|| Ok(Self(text.to_owned())), |reason| Err(wrong(text, reason, false)))
    }
}

impl FromStr for DomainName {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let reason = if text.len() > 253 {
            Some("is longer than 253 characters")
        } else {
            text.split('.').find_map(label)
        };
        reason.map_or_else(|| Ok(Self(text.to_owned())), |reason| Err(wrong(text, reason, true)))
    }
}

/// What is wrong with a label, if anything.
fn label(text: &str) -> Option<&'static str> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.is_empty() {
        Some("is empty, or has an empty part")
    } else if text.len() > 63 {
        Some("has more than 63 characters between dots")
    } else if !text.chars().all(inner) {
        Some("has characters other than a-z, 0-9 and -")
    } else if text.starts_with('-') || text.ends_with('-') {
        Some("starts or ends with -")
    } else {
        None
    }
}

fn wrong(text: &str, reason: &str, dots: bool) -> Wrong {
    let seen = plain(text).map_or_else(|| text.to_owned(), |(plain, _)| plain);
    let cleaned: String = seen
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || (dots && c == '.') { c } else { '-' })
        .collect();
    let cleaned = cleaned.trim_matches(['-', '.']);
    let wrong = Wrong::new(format!("the name {} {reason}", quoted(text)));
    let fits = !cleaned.is_empty() && cleaned.split('.').all(|part| label(part).is_none());
    if fits {
        wrong.hint(format!("write {cleaned:?}"))
    } else {
        wrong.hint("choose a name like plant-7 or cp1")
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{DomainName, Label};

    #[test]
    fn labels_are_those_kubernetes_takes() {
        for good in ["a", "cp1", "plant-7", "0", &"a".repeat(63)] {
            assert!(good.parse::<Label>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a.b", "a_b", "ä", "a b", "a\n", &"a".repeat(64)] {
            assert!(bad.parse::<Label>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_domain_is_in_itself_and_not_in_a_longer_word() {
        let name = |text: &str| text.parse::<DomainName>().unwrap();
        assert!(name("a.cluster.local").is_in(&name("cluster.local")));
        assert!(name("cluster.local").is_in(&name("cluster.local")));
        assert!(!name("mycluster.local").is_in(&name("cluster.local")));
        assert!("a..b".parse::<DomainName>().is_err() && "a.".parse::<DomainName>().is_err());
    }
}
