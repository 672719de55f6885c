//! What this helper changed on its node: JSON lines, an act's beginning on disk before the act begins.
//!
//! Evidence for whoever looks at a node after a crash, never read by a run: truth is what `observe` sees.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use sealift_stream::{Digest, Format};
use serde::{Deserialize, Serialize};

use super::Config;
use crate::error::Context as _;
use crate::{Action, HostError, paths};

/// As it was from the first day. Nobody reads it but people and the tests.
const FORMAT: Format = Format::new(&[]);

/// Runs whose journals stay on the node.
const KEEP: usize = 16;

/// Arguments are cut to this: some are whole scripts.
const LONGEST: usize = 200;

/// One line of the file. `at` is milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(super) enum Line {
    /// A helper opened the journal of its run; acts are counted from here.
    Opened { schema: u32, at: u64, node: String, run: String, pid: u32 },
    /// An act is about to begin.
    Begin { at: u64, act: u64, what: String },
    /// It was done, or refused. An act without this line was cut, or goes on without the helper (a job).
    End { at: u64, act: u64, ok: bool },
}

/// The journal of one run on one node. There is no file until the first act: a run that changes nothing
/// leaves nothing.
#[derive(Debug)]
pub(super) struct Journal {
    node: String,
    run: String,
    place: PathBuf,
    open: Mutex<Option<Open>>,
}

/// Held open until the helper ends, so that a reset which takes the file away is not followed by a new one.
#[derive(Debug)]
struct Open {
    file: File,
    acts: u64,
}

/// An act that has begun.
#[must_use = "its end is told with `end`"]
pub(super) struct Act {
    journal: Arc<Journal>,
    number: u64,
}

impl Journal {
    pub(super) fn new(config: &Config) -> Arc<Self> {
        let place = config.place(paths::JOURNAL).join(format!("{}.jsonl", config.run));
        Arc::new(Self { node: config.node.clone(), run: config.run.clone(), place, open: Mutex::default() })
    }

    /// Writes down what is about to be done, and returns when that is on disk.
    pub(super) async fn begin(self: &Arc<Self>, what: String) -> Result<Act, HostError> {
        let journal = Arc::clone(self);
        let doing = || format!("writing {}, without which nothing is changed", self.place.display());
        let begun = tokio::task::spawn_blocking(move || {
            let number = journal.write_begin(what)?;
            Ok::<_, io::Error>(Act { journal, number })
        });
        begun.await.on(&self.node, doing)?.on(&self.node, doing)
    }

    fn write_begin(&self, what: String) -> io::Result<u64> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let open = match &mut *open {
            Some(open) => open,
            none => none.insert(self.open()?),
        };
        open.acts += 1;
        append(&mut open.file, &Line::Begin { at: now(), act: open.acts, what })?;
        open.file.sync_data()?;
        Ok(open.acts)
    }

    fn open(&self) -> io::Result<Open> {
        let dir = self.place.parent().ok_or(io::ErrorKind::InvalidInput)?;
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        make_room(dir, &self.place)?;
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&self.place)?;
        end_half_a_line(&mut file)?;
        let (node, run) = (self.node.clone(), self.run.clone());
        append(
            &mut file,
            &Line::Opened { schema: FORMAT.today(), at: now(), node, run, pid: std::process::id() },
        )?;
        // the names too, or a power cut takes them with it
        for folder in std::iter::successors(Some(dir), |dir| dir.parent()).take(2) {
            File::open(folder)?.sync_all()?;
        }
        Ok(Open { file, acts: 0 })
    }
}

impl Act {
    /// Writes down how it ended. Not awaited on disk: the next beginning takes it along, and a power cut
    /// may at worst show an act as cut that was done.
    pub(super) async fn end(self, ok: bool) {
        // an error here meets the next act, which does not begin without its line
        let _ = tokio::task::spawn_blocking(move || {
            let mut open = self.journal.open.lock().unwrap_or_else(PoisonError::into_inner);
            let line = Line::End { at: now(), act: self.number, ok };
            open.as_mut().map(|open| append(&mut open.file, &line))
        })
        .await;
    }
}

/// An action in the words of the journal: with a program's arguments, which never hold a secret (law 6), and names
/// of blobs.
pub(super) fn told(action: &Action) -> String {
    match action {
        Action::Run(command) => format!("running {}", command.argv.join(" ")).chars().take(LONGEST).collect(),
        Action::DropBlobs { digests } => {
            let names: Vec<String> = digests.iter().map(Digest::short).collect();
            format!("dropping kept blobs {}", names.join(" ")).chars().take(LONGEST).collect()
        }
        other => other.what(),
    }
}

fn append(file: &mut File, line: &Line) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    file.write_all(&bytes)
}

/// A power cut may have left half a line of an earlier helper of this run.
fn end_half_a_line(file: &mut File) -> io::Result<()> {
    let mut last = [b'\n'];
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    if last == [b'\n'] { Ok(()) } else { file.write_all(b"\n") }
}

/// Removes the oldest journals. A run's name begins with its time in hexadecimal, so names sort by age.
fn make_room(dir: &Path, new: &Path) -> io::Result<()> {
    let mut others = vec![];
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path != new {
            others.push(path);
        }
    }
    others.sort();
    for old in others.iter().rev().skip(KEEP - 1) {
        fs::remove_file(old)?;
    }
    Ok(())
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::path::Path;

    use super::{FORMAT, Journal, KEEP, Line, told};
    use crate::helper::{Config, Mode, Starter};
    use crate::{Action, Command, Owner};

    fn config(root: &Path, run: &str) -> Config {
        Config {
            node: "cp1".to_owned(),
            run: run.to_owned(),
            id: format!("{run}-1"),
            mode: Mode::Run,
            owner: Owner { verb: "install".into(), pid: 7, host: "laptop".into(), started: "then".into() },
            token: "secret".to_owned(),
            peer_uid: 0,
            starter: Starter::Direct,
            root: Some(root.to_string_lossy().into_owned()),
            remove_binary: None,
            idle_s: 1,
        }
    }

    fn lines(root: &Path, run: &str) -> Vec<Line> {
        let text = fs::read_to_string(root.join(format!("var/lib/sealift/journal/{run}.jsonl"))).unwrap();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn short(line: &Line) -> String {
        match line {
            Line::Opened { schema, node, run, .. } => format!("opened {schema} {node} {run}"),
            Line::Begin { act, what, .. } => format!("begin {act} {what}"),
            Line::End { act, ok, .. } => format!("end {act} {ok}"),
        }
    }

    #[tokio::test]
    async fn an_act_is_there_before_it_is_done_and_nothing_is_before_the_first() {
        let root = tempfile::tempdir().unwrap();
        let journal = Journal::new(&config(root.path(), "r1"));
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
        let first = journal.begin("writing /etc/x".to_owned()).await.unwrap();
        assert_eq!(lines(root.path(), "r1").len(), 2);
        let second = journal.begin("running job kubeadm-init".to_owned()).await.unwrap();
        second.end(false).await;
        first.end(true).await;
        let shown: Vec<String> = lines(root.path(), "r1").iter().map(short).collect();
        let want = [
            "opened 1 cp1 r1",
            "begin 1 writing /etc/x",
            "begin 2 running job kubeadm-init",
            "end 2 false",
            "end 1 true",
        ];
        assert_eq!(shown, want);
    }

    #[tokio::test]
    async fn a_second_helper_of_the_run_goes_on_behind_half_a_line() {
        let root = tempfile::tempdir().unwrap();
        let act = Journal::new(&config(root.path(), "r1")).begin("writing /etc/x".to_owned()).await.unwrap();
        drop(act);
        let path = root.path().join("var/lib/sealift/journal/r1.jsonl");
        fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"{\"event\":\"be").unwrap();
        let act = Journal::new(&config(root.path(), "r1")).begin("writing /etc/y".to_owned()).await.unwrap();
        act.end(true).await;
        let shown: Vec<String> = lines(root.path(), "r1").iter().map(short).collect();
        let want = [
            "opened 1 cp1 r1",
            "begin 1 writing /etc/x",
            "opened 1 cp1 r1",
            "begin 1 writing /etc/y",
            "end 1 true",
        ];
        assert_eq!(shown, want);
    }

    #[tokio::test]
    async fn the_oldest_runs_are_forgotten_and_a_removed_journal_stays_removed() {
        let root = tempfile::tempdir().unwrap();
        for run in 10..30 {
            let journal = Journal::new(&config(root.path(), &format!("r{run}")));
            journal.begin("x".to_owned()).await.unwrap().end(true).await;
        }
        let dir = root.path().join("var/lib/sealift/journal");
        let left: Vec<_> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), KEEP);
        assert!(!dir.join("r13.jsonl").exists() && dir.join("r14.jsonl").exists(), "{left:?}");

        let journal = Journal::new(&config(root.path(), "reset"));
        let act = journal.begin("removing /var/lib/sealift/journal".to_owned()).await.unwrap();
        fs::remove_dir_all(&dir).unwrap();
        act.end(true).await;
        journal.begin("running systemctl daemon-reload".to_owned()).await.unwrap().end(true).await;
        assert!(!dir.exists());
    }

    /// What the helper of an `install` wrote on a node. Nobody but people reads it; that today's lines are still those.
    #[test]
    fn the_journal_of_the_first_schema_is_read_for_ever() {
        let text = include_str!("journal_v1.jsonl");
        let read: Vec<Line> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let Line::Opened { schema, .. } = &read[0] else { panic!("{read:?}") };
        assert!(FORMAT.is_today(u64::from(*schema)).unwrap());
        let begun = read.iter().filter(|line| matches!(line, Line::Begin { .. })).count();
        let ended = read.iter().filter(|line| matches!(line, Line::End { ok: true, .. })).count();
        assert!(begun > 5 && begun == ended, "{begun} acts began, {ended} ended well");
        assert!(FORMAT.is_today(2).unwrap_err().to_string().contains("sealift self-update"));
    }

    #[tokio::test]
    async fn without_its_line_no_act_begins() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("var"), "no folder").unwrap();
        let refused = Journal::new(&config(root.path(), "r1")).begin("x".to_owned()).await.err().unwrap();
        assert!(refused.to_string().contains("var/lib/sealift/journal/r1.jsonl"), "{refused}");
    }

    #[test]
    fn content_and_standard_input_are_never_told() {
        let command = Command::new(["kubeadm", "token", "list"]).stdin(b"hush".to_vec()).env("A", "hush");
        assert_eq!(told(&Action::Run(command)), "running kubeadm token list");
        let write = Action::WriteFile {
            path: "/etc/x".to_owned(),
            content: crate::Secretless(b"hush".to_vec()),
            mode: 0o600,
        };
        assert_eq!(told(&write), "writing /etc/x");
    }
}
