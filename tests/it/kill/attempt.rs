//! One `install`, and who dies in it: sealift, a helper, or a node.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use lab::process::Process;

use super::super::kit::SEALIFT;
use super::super::place::Place;
use super::book::Book;
use super::moment::{Acts, Moment, Tail};

/// Nothing an install does takes longer here; one that does hangs.
const LIMIT: Duration = Duration::from_mins(6);

/// How often the journals are looked at.
const LOOK: Duration = Duration::from_micros(400);

/// An install that has ended, one way or another.
pub(super) struct Ended {
    pub(super) status: i32,
    pub(super) stderr: String,
    /// The moments at which somebody was killed.
    pub(super) deaths: Vec<String>,
    /// Everything that was seen to happen.
    pub(super) moments: BTreeSet<String>,
}

struct Attempt<'a> {
    place: &'a Place,
    book: &'a mut Book,
    child: Child,
    run: Tail,
    helpers: Vec<(String, Tail, Acts)>,
    /// The play that is on, and who takes part.
    play: String,
    ended: Ended,
}

/// Runs `install` and kills whom the book wants killed, the instant its moment is on disk.
pub(super) fn install(place: &Place, book: &mut Book) -> Ended {
    let words = place.words("install");
    let words: Vec<&str> = words.iter().map(String::as_str).chain(["--json"]).collect();
    let log = place.scene().dir().join("install.err");
    let helpers = place.scene().nodes().into_iter().map(|node| {
        let journal = node.disk().join("var/lib/sealift/journal");
        (node.name().to_owned(), Tail::from_now_on(journal), Acts::default())
    });
    let helpers = helpers.collect();
    let run = Tail::from_now_on(place.journals());
    let mut command = place.operator(*SEALIFT, &words);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log).unwrap());
    let child = command.spawn().unwrap();
    let ended = Ended { status: -1, stderr: String::new(), deaths: vec![], moments: BTreeSet::new() };
    let mut ended = Attempt { place, book, child, run, helpers, play: String::new(), ended }.watch();
    ended.stderr = fs::read_to_string(log).unwrap();
    ended
}

impl Attempt<'_> {
    fn watch(mut self) -> Ended {
        let began = Instant::now();
        loop {
            // asked first: what the journals hold after the end is looked at once more
            let over = self.child.try_wait().unwrap();
            let moments: Vec<Moment> =
                self.run.lines().iter().filter_map(|line| Moment::of_run(line)).collect();
            for moment in moments {
                self.ended.moments.insert(moment.name.clone());
                if over.is_none() && self.book.wants(&moment.name) {
                    return self.kill_sealift(&moment.name);
                }
                self.cut_power(&moment);
            }
            for at in 0..self.helpers.len() {
                self.kill_helper(at);
            }
            if let Some(status) = over {
                // nsenter replaced itself by sealift, so this is sealift's own status
                self.ended.status = status.code().unwrap_or(-1);
                return self.ended;
            }
            if began.elapsed() > LIMIT {
                self.child.kill().unwrap();
                let log = fs::read_to_string(self.place.scene().dir().join("install.err")).unwrap();
                panic!(
                    "an install hangs in play '{}' after {:?}; it said:\n{log}",
                    self.play, self.ended.deaths
                );
            }
            std::thread::sleep(LOOK);
        }
    }

    fn kill_sealift(mut self, name: &str) -> Ended {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let rest: Vec<Moment> = self.run.lines().iter().filter_map(|line| Moment::of_run(line)).collect();
        let last = rest.last().map_or(name, |moment| &moment.name);
        self.book.died(name, last);
        self.ended.deaths.push(name.to_owned());
        self.ended
    }

    fn kill_helper(&mut self, at: usize) {
        let (node, tail, acts) = &mut self.helpers[at];
        let mut names: Vec<String> = tail.lines().iter().filter_map(|line| acts.name(node, line)).collect();
        self.ended.moments.extend(names.iter().cloned());
        let Some(name) = names.iter().find(|name| self.book.wants(name)).cloned() else { return };
        let Some(helper) = helper(self.place, node) else { return };
        helper.end().unwrap();
        names.extend(tail.lines().iter().filter_map(|line| acts.name(node, line)));
        self.book.died(&name, names.last().unwrap());
        self.ended.deaths.push(name);
    }

    /// A node's power is cut in the middle of its first change in a play or, where it has none, at the play's end.
    fn cut_power(&mut self, moment: &Moment) {
        let nodes: Vec<String> = self.helpers.iter().map(|(node, ..)| node.clone()).collect();
        match moment.kind() {
            "play-started" => {
                moment.text("play").clone_into(&mut self.play);
                self.ended.moments.extend(nodes.iter().map(|node| power(&self.play, node)));
            }
            "step-change" | "play-finished" => {
                let here = |node: &&String| {
                    let lane = moment.text("node");
                    lane == node.as_str() || lane == "cluster" || moment.kind() == "play-finished"
                };
                let mut wanted = nodes.iter().filter(here).map(|node| (power(&self.play, node), node));
                let Some((name, node)) = wanted.find(|(name, _)| self.book.wants(name)) else { return };
                let node = self.place.node(node);
                node.power_cut().unwrap();
                node.switch_on().unwrap();
                self.book.died(&name, &name);
                self.ended.deaths.push(name);
            }
            _ => {}
        }
    }
}

fn power(play: &str, node: &str) -> String {
    format!("power | {play} | {node}")
}

/// The helper that is at work on a node: the process that serves, in the node's control groups.
fn helper(place: &Place, node: &str) -> Option<Process> {
    let group = format!("/lab-{}-{node}/", place.scene().name());
    let pids = fs::read_dir("/proc").unwrap().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let found: BTreeMap<u64, Process> = pids
        .filter(|pid| {
            let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            words.windows(14).any(|window| window == b"helper\0serve\0-")
                && fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default().contains(&group)
        })
        .filter_map(|pid| Process::of(pid).ok())
        .map(|process| (process.started, process))
        .collect();
    // an orphan of an earlier run may still be finishing: the newest is this run's
    found.into_values().next_back().filter(|process| process.alive())
}
