//! Packages that take each other's place.

use std::collections::BTreeMap;

use crate::{Installed, Relations, Stanza};

/// The names of those installed whose place a package takes: it provides a name, goes with no other one that provides it,
/// and says that it replaces them. So packages are made of which a machine has one, e.g. `time-daemon` (Debian Policy
/// 7.6.2).
pub fn takes_place_of(package: Stanza<'_>, installed: &BTreeMap<String, Installed>) -> Vec<String> {
    let names = |field: &str| -> Vec<String> {
        let found: Relations = package.get(field).unwrap_or_default().parse().unwrap_or_default();
        found.0.into_iter().flatten().map(|relation| relation.name).collect()
    };
    let (provides, conflicts, replaces) = (names("Provides"), names("Conflicts"), names("Replaces"));
    let only: Vec<&String> =
        provides.iter().filter(|name| conflicts.contains(name) && replaces.contains(name)).collect();
    let own = package.get("Package").unwrap_or_default();
    let others = installed.iter().filter(|(name, _)| *name != own);
    let taken = others.filter(|(_, one)| only.iter().any(|name| one.provides.contains(name)));
    taken.map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{installed, stanzas};

    #[test]
    fn one_of_a_kind_takes_the_place_of_another() {
        let there = "Package: systemd-timesyncd\nStatus: install ok installed\nArchitecture: amd64\nVersion: 252\n\
            Provides: time-daemon\n\nPackage: tool\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n";
        let there = installed(there, "amd64");
        let of = |text: &str| takes_place_of(stanzas(text).next().unwrap(), &there);
        let chrony =
            "Package: chrony\nConflicts: time-daemon\nProvides: time-daemon\nReplaces: time-daemon\n";
        assert_eq!(of(chrony), ["systemd-timesyncd"]);
        assert_eq!(
            of(&chrony.replace("Replaces: time-daemon", "Replaces: tool")),
            [""; 0],
            "it only conflicts"
        );
        assert_eq!(of("Package: a\nConflicts: tool\nReplaces: tool\n"), [""; 0], "it is of no kind");
        assert_eq!(of(&chrony.replace(": chrony", ": systemd-timesyncd")), [""; 0], "a later one of itself");
    }
}
