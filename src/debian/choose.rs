//! Which packages go together: those that are wanted, what they need, and of what they need the first that can be had.
//!
//! The solver is resolvo's. A name that a package provides is a candidate of its own that needs the package; several
//! may be chosen side by side. What every Debian has (Essential) is there already, in some version: it is chosen only where
//! a version is asked for. Recommended packages are not chosen.

mod provider;

use std::collections::BTreeMap;

use resolvo::utils::Pool;
use resolvo::{ConditionalRequirement, NameId, Problem, Requirement, Solver, UnsolvableOrCancelled};

use crate::{Package, Relation};
use provider::{Candidate, Set, Shop};

/// Why there is no choice, in the solver's words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoChoice(String);

/// Chooses from `packages`: the best of each name, first alternatives first. What is chosen is in the order of names.
pub fn choose(packages: &[Package], wanted: &[String]) -> Result<Vec<usize>, NoChoice> {
    let shop = stock(packages);
    let any = |name: &String| {
        let relation = Relation { name: name.clone(), versions: None };
        ConditionalRequirement::from(Requirement::Single(shop.set(&relation, None)))
    };
    let problem = Problem::new().requirements(wanted.iter().map(any).collect());
    let mut solver = Solver::new(shop);
    let chosen = solver.solve(problem).map_err(|error| match error {
        UnsolvableOrCancelled::Unsolvable(conflict) => {
            NoChoice(conflict.display_user_friendly(&solver).to_string().trim().to_owned())
        }
        UnsolvableOrCancelled::Cancelled(_) => NoChoice("it was left".to_owned()),
    })?;
    let pool = &solver.provider().pool;
    let real = chosen.into_iter().filter_map(|id| match pool.resolve_solvable(id).record {
        Candidate::Real(at) => Some(at),
        Candidate::Provided { .. } => None,
    });
    let mut real: Vec<usize> = real.collect();
    let by_name_and_best = |one: &usize, two: &usize| {
        let (one, two) = (&packages[*one], &packages[*two]);
        one.name.cmp(&two.name).then_with(|| two.version.cmp(&one.version))
    };
    real.sort_by(by_name_and_best);
    // of a name that others provide, too, the solver may take two versions
    if let Some(twice) = real.windows(2).find(|pair| packages[pair[0]].name == packages[pair[1]].name) {
        return Err(NoChoice(format!("{} would be needed in two versions", packages[twice[0]].name)));
    }
    let there = |name: &&String| real.iter().any(|at| packages[*at].name == **name);
    if let Some(name) = wanted.iter().find(|name| !there(name)) {
        return Err(NoChoice(format!("{name} is a name that other packages provide: name one of those")));
    }
    Ok(real)
}

/// Every package under its name and under the names that it provides.
fn stock(packages: &[Package]) -> Shop<'_> {
    let pool: Pool<Set> = Pool::new();
    let mut by_name: BTreeMap<NameId, Vec<_>> = BTreeMap::new();
    for (at, package) in packages.iter().enumerate() {
        let mut add = |name: &str, candidate| {
            let name = pool.intern_package_name(name);
            let id = pool.intern_solvable(name, candidate);
            by_name.entry(name).or_default().push(id);
        };
        add(&package.name, Candidate::Real(at));
        for provided in package.provides.0.iter().flatten() {
            let version = provided.versions.as_ref().map(|(_, version)| version.clone());
            add(&provided.name, Candidate::Provided { by: at, version });
        }
    }
    let essential = packages.iter().filter(|package| package.essential).collect();
    Shop { packages, pool, by_name, essential }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stanzas;

    fn names(index: &str, wanted: &[&str]) -> Result<Vec<String>, String> {
        let packages: Vec<Package> = stanzas(index)
            .map(|stanza| {
                let rest = "\nArchitecture: amd64\nFilename: pool/x.deb\nSize: 1\nSHA256: ";
                let text = format!("{}{rest}{}", stanza.text(), "0".repeat(64));
                Package::read(stanzas(&text).next().unwrap()).unwrap()
            })
            .collect();
        let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
        let chosen = choose(&packages, &wanted).map_err(|error| error.to_string())?;
        Ok(chosen.iter().map(|at| format!("{} {}", packages[*at].name, packages[*at].version)).collect())
    }

    #[test]
    fn what_is_needed_comes_along_and_what_every_debian_has_does_not() {
        let index = "Package: chrony\nVersion: 4.3\nPre-Depends: dpkg (>= 1)\nDepends: libc6 (>= 2.36), adduser | sysusers\n\n\
            Package: dpkg\nVersion: 1.21\nEssential: yes\nDepends: tar\n\n\
            Package: tar\nVersion: 1\nEssential: yes\n\n\
            Package: libc6\nVersion: 2.36-9\n\nPackage: libc6\nVersion: 2.36-10\n\nPackage: adduser\nVersion: 3\n\n\
            Package: sysusers\nVersion: 1\n\nPackage: other\nVersion: 1";
        assert_eq!(
            names(index, &["chrony"]).unwrap(),
            ["adduser 3", "chrony 4.3", "dpkg 1.21", "libc6 2.36-10"]
        );
    }

    #[test]
    fn a_provided_name_and_a_conflict_lead_to_the_one_that_fits() {
        let index = "Package: a\nVersion: 1\nDepends: mta\nConflicts: exim\n\n\
            Package: exim\nVersion: 9\nProvides: mta\nConflicts: mta\n\n\
            Package: postfix\nVersion: 3\nProvides: mta (= 2)\nConflicts: mta\n\n\
            Package: b\nVersion: 1\nDepends: mta (>= 3)\n\nPackage: c\nVersion: 1\nDepends: mta (>= 2), none | libx";
        assert_eq!(names(index, &["a"]).unwrap(), ["a 1", "postfix 3"]);
        let refused = names(index, &["b"]).unwrap_err();
        assert!(refused.contains("mta"), "{refused}");
        let refused = names(index, &["c"]).unwrap_err();
        assert!(refused.contains("libx"), "{refused}");
        let refused = names(index, &["mta"]).unwrap_err();
        assert!(refused.contains("name one of those"), "{refused}");
        let refused = names(index, &["nothing"]).unwrap_err();
        assert!(refused.contains("nothing"), "{refused}");
        assert!(names(index, &["exim", "postfix"]).is_err());
    }

    /// apt says what is right: the same index, and a machine with nothing on it.
    #[test]
    fn apt_chooses_the_same() {
        let index = "Package: chrony\nVersion: 4.3\nPre-Depends: init-helpers\nDepends: libc6 (>= 2.36), adduser | sysusers, time-tz\n\n\
            Package: init-helpers\nVersion: 1.65\n\nPackage: libc6\nVersion: 2.36-9\nDepends: libgcc-s1\nBreaks: old (<< 2)\n\n\
            Package: libgcc-s1\nVersion: 12.2\nDepends: gcc-12-base (= 12.2), libc6 (>= 2.35)\n\nPackage: gcc-12-base\nVersion: 12.2\n\n\
            Package: sysusers\nVersion: 1\n\nPackage: adduser\nVersion: 3\nConflicts: userless\n\n\
            Package: tzdata\nVersion: 2026a\nProvides: time-tz\n\nPackage: userless\nVersion: 1\n\n\
            Package: web\nVersion: 1~rc1\nDepends: httpd-cgi | nothing, perl:any\n\nPackage: web\nVersion: 1\nDepends: httpd-cgi, perl:any\n\n\
            Package: perl\nVersion: 5.36\nMulti-Arch: allowed\n\nPackage: apache2\nVersion: 2.4\nProvides: httpd-cgi (= 2.4), httpd\nDepends: libc6\n";
        for wanted in [&["chrony"][..], &["web"], &["web", "chrony"], &["apache2", "tzdata"]] {
            assert_eq!(names(index, wanted).unwrap(), apt(index, wanted), "{wanted:?}");
        }
    }

    fn apt(index: &str, wanted: &[&str]) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| format!("{}/{name}", dir.path().display());
        for folder in ["lists/partial", "cache/archives/partial", "etc"] {
            std::fs::create_dir_all(at(folder)).unwrap();
        }
        let hash = "0".repeat(64);
        let rest = format!("\nArchitecture: amd64\nFilename: ./x.deb\nSize: 1\nSHA256: {hash}\n\n");
        let whole: String = stanzas(index).flat_map(|stanza| [stanza.text(), &rest]).collect();
        std::fs::write(at("Packages"), whole).unwrap();
        std::fs::write(at("status"), "").unwrap();
        std::fs::write(at("sources.list"), format!("deb [trusted=yes] file:{} ./\n", dir.path().display()))
            .unwrap();
        let options = [
            format!("Dir::Etc::SourceList={}", at("sources.list")),
            "Dir::Etc::SourceParts=/dev/null".to_owned(),
            "Dir::Etc::PreferencesParts=/dev/null".to_owned(),
            format!("Dir::State::Lists={}", at("lists")),
            format!("Dir::State::Status={}", at("status")),
            format!("Dir::State::Extended_States={}", at("extended")),
            format!("Dir::Cache={}", at("cache")),
            "APT::Architecture=amd64".to_owned(),
            "APT::Architectures=amd64".to_owned(),
            "APT::Install-Recommends=false".to_owned(),
            "APT::Sandbox::User=".to_owned(),
            "Acquire::Languages=none".to_owned(),
            "Debug::NoLocking=true".to_owned(),
        ];
        let run = |words: &[&str]| {
            let mut command = std::process::Command::new("apt-get");
            for option in &options {
                command.args(["-o", option]);
            }
            let output = command.args(words).env("LC_ALL", "C").output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        run(&["update"]);
        let said = run(&[&["--simulate", "install"], wanted].concat());
        let mut found: Vec<String> = said
            .lines()
            .filter_map(|line| line.strip_prefix("Inst "))
            .map(|line| {
                let mut words = line.split_whitespace();
                let name = words.next().unwrap();
                format!("{name} {}", words.next().unwrap().trim_start_matches('('))
            })
            .collect();
        found.sort();
        found
    }

    #[test]
    fn the_older_version_is_taken_when_the_newer_breaks_something() {
        let index = "Package: a\nVersion: 1\nBreaks: lib (>= 2)\nDepends: lib\n\n\
            Package: lib\nVersion: 1.5\n\nPackage: lib\nVersion: 2";
        assert_eq!(names(index, &["a"]).unwrap(), ["a 1", "lib 1.5"]);
        assert_eq!(names(index, &["lib"]).unwrap(), ["lib 2"]);
    }
}
