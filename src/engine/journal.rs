//! The journal of a run: JSON lines, each on disk before the run goes on.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::{Record, time};

/// A file of one run's events.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

/// Why a journal could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("{doing} the journal {}: {source}", path.display())]
pub struct JournalError {
    doing: &'static str,
    path: PathBuf,
    source: std::io::Error,
}

impl Journal {
    /// Starts `<cluster_dir>/runs/<time>-<verb>.jsonl`, where `cluster_dir` is the operator's folder for this
    /// cluster (`.sealift/<cluster>`).
    pub fn create(cluster_dir: &Path, verb: &str) -> Result<Self, JournalError> {
        let runs = cluster_dir.join("runs");
        let path = runs.join(format!("{}-{verb}.jsonl", time::stamp(SystemTime::now())));
        let fail = |source| JournalError { doing: "creating", path: path.clone(), source };
        fs::create_dir_all(&runs).map_err(fail)?;
        let file = File::options().append(true).create_new(true).open(&path).map_err(fail)?;
        // the directory too, or a power cut takes the name with it
        File::open(&runs).and_then(|dir| dir.sync_all()).map_err(fail)?;
        Ok(Self { path, file })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends one line and waits until it is on disk.
    pub(crate) fn write(&mut self, record: &Record) -> Result<(), JournalError> {
        let fail = |source| JournalError { doing: "writing", path: self.path.clone(), source };
        let mut line = serde_json::to_vec(record).map_err(|error| fail(error.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).and_then(|()| self.file.sync_data()).map_err(fail)
    }

    /// Reads the records of a journal. A last line that a power cut left half written is left out.
    pub fn parse(text: &str) -> Result<Vec<Record>, serde_json::Error> {
        let whole = text.rsplit_once('\n').map_or("", |(whole, _half)| whole);
        whole.lines().map(serde_json::from_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Journal;
    use crate::{Event, Events, Outcome};

    fn finished(step: &str) -> Event {
        Event::StepFinished {
            play: "p".into(),
            node: "cp1".into(),
            step: step.into(),
            outcome: Outcome::Changed,
            changes: 2,
            started: 0.5,
            seconds: 1.25,
        }
    }

    #[test]
    fn every_event_but_progress_is_on_disk_and_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::create(dir.path(), "install").unwrap();
        let path = journal.path().to_owned();
        let events = Events::new(None, Some(journal));
        events.send(finished("sysctl"));
        events.send(Event::StepProgress { node: "cp1".into(), step: "images".into(), done: 1, total: 2 });
        events.send(finished("images"));
        assert!(events.journal_error().is_none());
        let mut text = std::fs::read_to_string(path).unwrap();
        let read = Journal::parse(&text).unwrap();
        assert_eq!(
            read.iter().map(|r| r.event.clone()).collect::<Vec<_>>(),
            [finished("sysctl"), finished("images")]
        );
        text.push_str("{\"time\":\"2026-");
        assert_eq!(Journal::parse(&text).unwrap().len(), 2, "a half-written line is not an event");
        text.push_str("x\n");
        assert!(Journal::parse(&text).is_err(), "a whole line that is no record is");
    }
}
