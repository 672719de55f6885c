//! Every check against facts that provoke it, and all of them against a clean site.

mod cases;
mod real;
mod world;

use std::collections::BTreeSet;

use sealift_node::HostError;

use crate::report::Outcome;
use crate::{Selection, checks};
use cases::CASES;
use world::World;

#[test]
fn a_clean_site_is_silent_and_everything_could_be_checked() {
    let report = World::clean().report();
    let loud: Vec<_> = report
        .verdicts
        .iter()
        .filter(|one| !matches!(one.outcome, Outcome::Passed | Outcome::NotApplicable { .. }))
        .collect();
    assert!(loud.is_empty(), "{loud:#?}");
    assert!(report.counts.passed > 250, "{:?}", report.counts);
    assert!(!report.refuses() && !report.is_open(&Selection::default()));
}

#[test]
fn every_check_is_provoked() {
    let provoked: BTreeSet<&str> = CASES.iter().map(|(id, _)| *id).collect();
    let all: BTreeSet<&str> = checks().map(|check| check.id).collect();
    let (missing, strange): (Vec<_>, Vec<_>) =
        (all.difference(&provoked).collect(), provoked.difference(&all).collect());
    assert!(missing.is_empty() && strange.is_empty(), "not provoked: {missing:?}; no check: {strange:?}");
    assert_eq!(CASES.len(), provoked.len(), "a check has two cases");
    let mut faults = vec![];
    for (id, provoke) in CASES {
        let mut world = World::clean();
        provoke(&mut world);
        let report = world.report();
        let found = report.findings().into_iter().find(|one| one.check == *id);
        match found.map(|one| &one.outcome) {
            Some(Outcome::Finding { evidence }) if evidence.iter().all(|line| !line.is_empty()) => {}
            other => faults.push(format!("{id}: {other:?}")),
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn what_could_not_be_checked_is_no_pass() {
    let mut world = World::clean();
    world.blind();
    let report = world.report();
    // these look at the cluster file and at the connections alone
    let of_the_file = ["control-planes-even", "dns-upstream-node"];
    let passed: Vec<&str> = report
        .verdicts
        .iter()
        .filter(|one| one.outcome == Outcome::Passed)
        .map(|one| one.check)
        .filter(|id| !of_the_file.contains(id) && !crate::family::connection_ids().contains(id))
        .collect();
    assert!(passed.is_empty(), "{passed:?}");
    assert!(report.is_open(&Selection::default()) && !report.refuses());
}

#[test]
fn a_pool_that_is_too_large_to_be_asked_about_is_no_pass() {
    let mut world = World::clean();
    world.file = world.file.replace("10.77.0.240-10.77.0.250", "10.77.0.240-10.77.0.251");
    let report = world.report();
    let verdict = report.verdicts.iter().find(|one| one.check == "address-pool-taken").unwrap();
    match &verdict.outcome {
        Outcome::CouldNotCheck { why } => assert!(why.contains("only 11 of 12 addresses"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_node_that_is_not_there_is_one_finding_and_the_rest_is_open() {
    let mut world = World::clean();
    let why = "Connection refused (os error 111)".to_owned();
    let (host, address) = ("w1".to_owned(), "10.77.0.21:22".to_owned());
    let lost = HostError::Unreachable { host, address, kind: sealift_node::Unreached::Refused, why };
    world.lose("w1", lost);
    let report = world.report();
    let found: Vec<&str> = report.findings().iter().map(|one| one.check).collect();
    assert_eq!(found, ["ssh-refused"]);
    let of_w1 = report.verdicts.iter().filter(|one| one.node.as_deref() == Some("w1"));
    assert!(of_w1.clone().count() > 70);
    assert!(of_w1.into_iter().all(|one| matches!(one.outcome, Outcome::CouldNotCheck { .. })));
}

#[test]
fn an_override_is_told_and_refuses_no_more() {
    let mut world = World::clean();
    world.names("w1", "/etc/kubernetes", &["pki"]);
    let only = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<String>>();
    let skip = Selection { skip: only(&["leftover-kubernetes"]), ..Selection::default() };
    let report = world.report_with(&skip, true);
    assert!(!report.refuses());
    assert_eq!(report.overridden().map(|one| one.node.as_deref()).collect::<Vec<_>>(), [Some("w1")]);
    let one = Selection { only: only(&["leftover-kubernetes"]), ..Selection::default() };
    let report = world.report_with(&one, true);
    assert_eq!((report.counts.checks, report.counts.refuse), (1, 1));
    let read = world.report_with(&Selection::default(), false);
    assert!(read.verdicts.iter().all(|one| one.check().is_some_and(|check| !check.measured)));
}

#[test]
fn where_sealift_has_worked_its_own_files_are_no_leftovers() {
    let mut world = World::clean();
    world.names("cp1", "/etc/kubernetes", &["admin.conf", "pki"]);
    world.names("cp1", sealift_node::paths::JOURNAL, &["r1.jsonl"]);
    assert_eq!(world.report().findings(), Vec::<&crate::Verdict>::new());
}

#[test]
fn the_table_is_sound() {
    let mut seen = BTreeSet::new();
    for check in checks() {
        assert!(seen.insert(check.id), "{} is there twice", check.id);
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(check.id.chars().all(word) && check.id.len() <= 24, "{}", check.id);
        assert!(check.cause.len() > 20 && check.remedy.len() > 3, "{} says too little", check.id);
        assert!(!check.cause.ends_with('.') && !check.remedy.ends_with('.'), "{}", check.id);
        if let Some(field) = check.field {
            assert!(sealift_cluster::field(field).is_some(), "{}: there is no field {field}", check.id);
        }
    }
    assert!(seen.len() >= 80, "only {} checks", seen.len());
}
