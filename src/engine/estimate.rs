//! How long a plan will take, from how long its steps took before. Without history there is no number.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::{Event, Journal, Outcome, Plan, Record};

/// Journals further back tell of another cluster, or another sealift.
const RUNS: usize = 20;

/// What earlier runs took.
#[derive(Debug, Clone, Default)]
pub struct History {
    runs: Vec<Vec<Record>>,
    passed_over: Vec<String>,
}

/// How long a plan will take.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// Seconds, of the steps that were done before.
    pub seconds: f64,
    /// How many earlier runs tell so.
    pub runs: usize,
    /// Steps that no earlier run has done.
    pub unknown: Vec<String>,
}

impl History {
    /// Reads the newest journals of `<cluster_dir>/runs`. One that cannot be read (a later sealift wrote it, say) tells
    /// nothing and is [passed over](Self::passed_over); an estimate is no reason to stop.
    pub fn read(cluster_dir: &Path) -> Self {
        let Ok(entries) = fs::read_dir(cluster_dir.join("runs")) else { return Self::default() };
        let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        let mut history = Self::default();
        for path in paths.iter().rev().take(RUNS) {
            let text = fs::read_to_string(path).map_err(|error| error.to_string());
            match text.and_then(|text| Journal::parse(&text).map_err(|error| error.to_string())) {
                Ok(records) => history.runs.push(records),
                Err(why) => history.passed_over.push(format!("{}: {why}", path.display())),
            }
        }
        history
    }

    /// The history of these runs.
    pub fn of(runs: Vec<Vec<Record>>) -> Self {
        Self { runs, passed_over: vec![] }
    }

    /// Journals that could not be read, each with the reason.
    pub fn passed_over(&self) -> &[String] {
        &self.passed_over
    }

    /// How long `plan` will take: in each play its slowest node counts, and plays follow each other. A step takes
    /// the median of what it took where it changed something, on whichever node.
    pub fn estimate(&self, plan: &Plan) -> Estimate {
        let known = self.known(&plan.verb);
        let (mut seconds, mut unknown, mut runs) = (0.0, BTreeSet::new(), BTreeSet::new());
        for play in &plan.plays {
            let mut lanes: BTreeMap<&str, f64> = BTreeMap::new();
            for step in &play.steps {
                if let Some(known) = known.get(step.step.as_str()) {
                    *lanes.entry(&step.node).or_default() += median(&known.seconds);
                    runs.extend(known.runs.iter().copied());
                } else {
                    unknown.insert(step.step.clone());
                }
            }
            seconds += lanes.values().copied().fold(0.0, f64::max);
        }
        Estimate { seconds, runs: runs.len(), unknown: unknown.into_iter().collect() }
    }

    /// What is known of each step of a verb.
    fn known(&self, verb: &str) -> BTreeMap<&str, Known> {
        let mut known: BTreeMap<&str, Known> = BTreeMap::new();
        for (number, records) in self.runs.iter().enumerate() {
            let ours =
                |record: &Record| matches!(&record.event, Event::RunStarted { verb: v, .. } if v == verb);
            if !records.first().is_some_and(ours) {
                continue;
            }
            for record in records {
                if let Event::StepFinished { step, outcome: Outcome::Changed, seconds, .. } = &record.event {
                    let known = known.entry(step).or_default();
                    known.seconds.push(*seconds);
                    known.runs.insert(number);
                }
            }
        }
        known
    }
}

/// What earlier runs tell of one step.
#[derive(Debug, Default)]
struct Known {
    seconds: Vec<f64>,
    /// In which runs.
    runs: BTreeSet<usize>,
}

/// The middle of some numbers, the mean of the two middle ones of an even count.
fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted.len().saturating_sub(1) / 2, sorted.len() / 2);
    match (sorted.get(low), sorted.get(high)) {
        (Some(low), Some(high)) => f64::midpoint(*low, *high),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use sealift_stream::Digest;

    use super::{Estimate, History, median};
    use crate::plan::{Basis, Plan, PlannedPlay, PlannedStep};
    use crate::{Certainty, Change, Event, Outcome, Record};

    fn plan(steps: &[(&str, &str, &str)]) -> Plan {
        let mut plays: Vec<PlannedPlay> = vec![];
        for (play, node, step) in steps {
            let step = PlannedStep {
                node: (*node).to_owned(),
                step: (*step).to_owned(),
                kind: "file".to_owned(),
                disruptive: false,
                certainty: Certainty::Known,
                changes: vec![Change::new("x", "a", "b", "c")],
                differences: vec![],
            };
            match plays.iter_mut().find(|known| known.name == *play) {
                Some(known) => known.steps.push(step),
                None => plays.push(PlannedPlay { name: (*play).to_owned(), steps: vec![step] }),
            }
        }
        let digest = Digest::of(b"");
        let basis = Basis { bundle: None, cluster: digest, playbook: digest };
        Plan {
            schema: 1,
            verb: "install".into(),
            cluster: "c".into(),
            digest,
            basis,
            observed: 9,
            plays,
            later: vec![],
        }
    }

    fn run(verb: &str, steps: &[(&str, Outcome, f64)]) -> Vec<Record> {
        let begin = Event::RunStarted {
            schema: 1,
            verb: verb.into(),
            cluster: "c".into(),
            plan: Digest::of(b""),
            changes: 1,
        };
        let steps = steps.iter().map(|(step, outcome, seconds)| Event::StepFinished {
            play: "p".into(),
            node: "w9".into(),
            step: (*step).into(),
            outcome: *outcome,
            changes: 1,
            started: 0.0,
            seconds: *seconds,
        });
        let events = std::iter::once(begin).chain(steps);
        events.map(|event| Record { time: String::new(), event }).collect()
    }

    #[test]
    fn nodes_work_side_by_side_and_plays_one_after_another() {
        let history = History::of(vec![
            run("install", &[("images", Outcome::Changed, 10.0), ("init", Outcome::Changed, 30.0)]),
            run("install", &[("images", Outcome::Changed, 14.0), ("init", Outcome::Unchanged, 0.1)]),
            run("reset", &[("images", Outcome::Changed, 999.0)]),
        ]);
        let plan =
            plan(&[("a", "cp1", "images"), ("a", "w1", "images"), ("b", "cp1", "init"), ("b", "w1", "new")]);
        let estimate = history.estimate(&plan);
        assert_eq!(estimate, Estimate { seconds: 42.0, runs: 2, unknown: vec!["new".to_owned()] });
    }

    #[test]
    fn without_history_nothing_is_invented() {
        let plan = plan(&[("a", "cp1", "images")]);
        let estimate = History::default().estimate(&plan);
        assert_eq!(estimate, Estimate { seconds: 0.0, runs: 0, unknown: vec!["images".to_owned()] });
        assert_eq!(median(&[3.0, 1.0, 2.0]).to_bits(), 2.0_f64.to_bits());
    }

    #[test]
    fn journals_are_read_and_one_that_is_none_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let runs = dir.path().join("runs");
        std::fs::create_dir(&runs).unwrap();
        let lines: Vec<String> = run("install", &[("images", Outcome::Changed, 5.0)])
            .iter()
            .map(|record| serde_json::to_string(record).unwrap() + "\n")
            .collect();
        std::fs::write(runs.join("2026-install.jsonl"), lines.concat()).unwrap();
        std::fs::write(runs.join("2027-install.jsonl"), "rubbish\n").unwrap();
        let later = lines.concat().replace("\"schema\":1", "\"schema\":2");
        std::fs::write(runs.join("2028-install.jsonl"), later).unwrap();
        let history = History::read(dir.path());
        let estimate = history.estimate(&plan(&[("a", "cp1", "images")]));
        assert_eq!((estimate.runs, estimate.unknown.len()), (1, 0));
        let [later, rubbish] = history.passed_over() else { panic!("{:?}", history.passed_over()) };
        assert!(later.contains("2028-install.jsonl: it has schema 2, a later sealift's"), "{later}");
        assert!(rubbish.contains("2027-install.jsonl: "), "{rubbish}");
        assert_eq!(History::read(&dir.path().join("none")).estimate(&plan(&[])).runs, 0);
    }
}
