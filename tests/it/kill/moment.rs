//! What happens in a run, named without its times, so that two runs of the same install name the same things.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A line of the operator's journal.
pub(super) struct Moment {
    pub(super) name: String,
    pub(super) event: Value,
}

impl Moment {
    /// Reads a line of the operator's journal; none for what only a broken run says.
    pub(super) fn of_run(line: &str) -> Option<Self> {
        let event: Value = serde_json::from_str(line).ok()?;
        let word = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        let kind = word("event");
        let words = match kind.as_str() {
            "run-started" | "run-finished" | "preflight-overridden" => vec![],
            "play-started" | "play-finished" => vec![word("play")],
            "step-started" | "step-finished" => vec![word("play"), word("node"), word("step")],
            "step-change" => {
                let what = event["change"]["what"].as_str().unwrap_or_default().to_owned();
                if of_the_kernel(&what) {
                    return None;
                }
                vec![word("node"), word("step"), what]
            }
            // a step's notes are left out: whether there is something to tell hangs on how fast the machine is
            _ => return None,
        };
        Some(Self { name: [vec!["sealift".to_owned(), kind], words].concat().join(" | "), event })
    }

    pub(super) fn kind(&self) -> &str {
        self.event["event"].as_str().unwrap_or_default()
    }

    pub(super) fn text(&self, key: &str) -> &str {
        self.event[key].as_str().unwrap_or_default()
    }
}

/// Acts of a helper by their number, until they end.
#[derive(Default)]
pub(super) struct Acts(BTreeMap<u64, String>);

impl Acts {
    /// Names a line of a helper's journal.
    pub(super) fn name(&mut self, node: &str, line: &str) -> Option<String> {
        let event: Value = serde_json::from_str(line).ok()?;
        let number = event["act"].as_u64().unwrap_or_default();
        let what = match event["event"].as_str()? {
            "opened" => {
                self.0.clear();
                return Some(format!("helper | {node} | opened"));
            }
            "begin" => {
                let what = plain(event["what"].as_str()?);
                if of_the_kernel(&what) {
                    return None;
                }
                self.0.insert(number, what.clone());
                what
            }
            "end" => self.0.remove(&number)?,
            _ => return None,
        };
        Some(format!("helper | {node} | {} | {what}", event["event"].as_str()?))
    }
}

/// Whether it sets something that all nodes here share, and that no boot of one takes back: it happens once.
fn of_the_kernel(what: &str) -> bool {
    what.contains("fs.inotify.") || what.contains("/fs/inotify/")
}

/// Without what each run makes anew: the names of its journals, in which its time is.
fn plain(what: &str) -> String {
    let runs = "/var/lib/sealift/site/runs";
    what.split_once(runs).map_or_else(|| what.to_owned(), |(doing, _)| format!("{doing}{runs}"))
}

/// New whole lines of the journals in one folder.
pub(super) struct Tail {
    dir: PathBuf,
    read: BTreeMap<PathBuf, u64>,
}

impl Tail {
    /// What is there already is the past.
    pub(super) fn from_now_on(dir: PathBuf) -> Self {
        let mut tail = Self { dir, read: BTreeMap::new() };
        tail.lines();
        tail
    }

    /// What has come since the last call.
    pub(super) fn lines(&mut self) -> Vec<String> {
        let mut found = vec![];
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let at = self.read.entry(path.clone()).or_default();
            // it may have been removed since, by a reset
            let text = from(&path, *at).unwrap_or_default();
            let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
            *at += whole.len() as u64;
            found.extend(whole.lines().map(str::to_owned));
        }
        found
    }
}

fn from(path: &Path, at: u64) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut text = String::new();
    if file.metadata()?.len() > at {
        file.seek(SeekFrom::Start(at))?;
        file.read_to_string(&mut text)?;
    }
    Ok(text)
}

#[test]
fn two_runs_name_the_same_things() {
    let name = |line: &str| Moment::of_run(line).map(|moment| moment.name);
    let started = r#"{"time":"1","event":"step-started","play":"images","node":"w1","step":"images"}"#;
    let change = r#"{"time":"1","event":"step-change","node":"w1","step":"images","change":{"what":"image x","before":"absent","after":"y","reason":"z"}}"#;
    assert_eq!(name(started).unwrap(), "sealift | step-started | images | w1 | images");
    assert_eq!(name(change).unwrap(), "sealift | step-change | w1 | images | image x");
    assert_eq!(name(r#"{"event":"step-failed","node":"w1"}"#), None);
    assert_eq!(name(&change.replace("image x", "fs.inotify.max_user_watches")), None);
    let mut acts = Acts::default();
    let mut name = |line: &str| acts.name("w1", line).unwrap();
    assert_eq!(
        name(r#"{"event":"begin","at":1,"act":7,"what":"writing /x"}"#),
        "helper | w1 | begin | writing /x"
    );
    assert_eq!(name(r#"{"event":"end","at":2,"act":7,"ok":true}"#), "helper | w1 | end | writing /x");
    assert_eq!(
        acts.name(
            "w1",
            r#"{"event":"begin","act":8,"what":"running tee /proc/sys/fs/inotify/max_user_watches"}"#
        ),
        None
    );
    assert_eq!(acts.name("w1", r#"{"event":"end","act":8,"ok":true}"#), None);
    let mut name = |line: &str| acts.name("w1", line).unwrap();
    let shipped = r#"{"event":"begin","at":1,"act":8,"what":"writing /var/lib/sealift/site/runs/20261122T2-install.jsonl"}"#;
    assert_eq!(name(shipped), "helper | w1 | begin | writing /var/lib/sealift/site/runs");
}

#[test]
fn a_tail_gives_whole_lines_once() {
    use std::io::Write as _;
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("1"), "old\n").unwrap();
    let mut tail = Tail::from_now_on(dir.path().to_owned());
    let mut file = File::options().append(true).open(dir.path().join("1")).unwrap();
    file.write_all(b"a\nb").unwrap();
    assert_eq!(tail.lines(), ["a"]);
    file.write_all(b"c\n").unwrap();
    fs::write(dir.path().join("2"), "d\n").unwrap();
    assert_eq!(tail.lines(), ["bc", "d"]);
    assert!(tail.lines().is_empty());
}
