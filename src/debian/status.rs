//! What a machine has: dpkg's status file.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Relations, Version, stanzas};

/// One package of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Its version.
    pub version: Version,
    /// Whether dpkg is through with it; not, when it was cut off in the middle.
    pub whole: bool,
    /// Whether it stays as it is until somebody says otherwise (`apt-mark hold`).
    pub held: bool,
    /// Names that it answers to as well.
    pub provides: Vec<String>,
}

/// What is installed for this architecture, by name. What was removed and left its configuration is not.
pub fn installed(status: &str, architecture: &str) -> BTreeMap<String, Installed> {
    let one = |stanza: crate::Stanza<'_>| {
        // want, error, state: `hold ok installed`
        let mut words = stanza.get("Status")?.split_whitespace();
        let (want, state) = (words.next()?, words.nth(1)?);
        if matches!(state, "not-installed" | "config-files") {
            return None;
        }
        if !matches!(stanza.get("Architecture"), Some(of) if of == architecture || of == "all") {
            return None;
        }
        let version = Version::new(stanza.get("Version")?);
        let provides: Relations = stanza.get("Provides").unwrap_or_default().parse().unwrap_or_default();
        let provides = provides.0.into_iter().flatten().map(|relation| relation.name).collect();
        let found = Installed { version, whole: state == "installed", held: want == "hold", provides };
        Some((stanza.get("Package")?.to_owned(), found))
    };
    stanzas(status).filter_map(one).collect()
}

/// What was removed and left its configuration.
pub fn remains(status: &str) -> BTreeSet<String> {
    let left = stanzas(status).filter(|stanza| {
        stanza.get("Status").and_then(|words| words.split_whitespace().nth(2)) == Some("config-files")
    });
    left.filter_map(|stanza| stanza.get("Package")).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_what_is_half_there_and_what_is_gone() {
        let text = "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nProvides: x, y (= 2)\n\n\
            Package: a\nStatus: install ok installed\nArchitecture: i386\nVersion: 9\n\n\
            Package: b\nStatus: hold ok half-configured\nArchitecture: all\nVersion: 2\n\n\
            Package: c\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 3\n";
        let found = installed(text, "amd64");
        assert_eq!(found.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(remains(text), BTreeSet::from(["c".to_owned()]));
        assert_eq!(
            found["a"],
            Installed {
                version: Version::new("1"),
                whole: true,
                held: false,
                provides: vec!["x".into(), "y".into()]
            }
        );
        assert_eq!(
            found["b"],
            Installed { version: Version::new("2"), whole: false, held: true, provides: vec![] }
        );
    }
}
