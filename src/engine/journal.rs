//! The journal of a run: JSON lines, each on disk before the run goes on.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sealift_stream::{Format, SchemaError};
use serde::Deserialize;
use serde_json::Value;

use crate::{Event, Record, time};

/// As it was from the first day. A step of a later day is taken line by line.
const FORMAT: Format = Format::new(&[]);

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
    source: io::Error,
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
        sync(&runs).map_err(fail)?;
        // before a first run the folders above are new as well; one that may not be read has been there before
        for above in runs.ancestors().skip(1).take(3) {
            let _ = sync(if above.as_os_str().is_empty() { Path::new(".") } else { above });
        }
        Ok(Self { path, file })
    }

    /// One that nothing can be written to.
    #[cfg(test)]
    pub(crate) fn full() -> Self {
        let path = PathBuf::from("/dev/full");
        let file = File::options().append(true).open(&path).unwrap();
        Self { path, file }
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

    /// The schema this sealift writes, in the journal's first line.
    pub const SCHEMA: u32 = FORMAT.today();

    /// Reads the records of a journal of any schema. A last line that a power cut left half written is left out, as is
    /// an event that came later under the same schema.
    pub fn parse(text: &str) -> Result<Vec<Record>, SchemaError> {
        Self::parse_as(&FORMAT, text)
    }

    fn parse_as(format: &Format, text: &str) -> Result<Vec<Record>, SchemaError> {
        let whole = text.rsplit_once('\n').map_or("", |(whole, _half)| whole);
        let first = whole.lines().next().map(serde_json::from_str::<Head>).transpose()?;
        let found = first.and_then(|head| head.schema).unwrap_or_else(|| u64::from(format.today()));
        let today = format.is_today(found)?;
        let mut records: Vec<Record> = vec![];
        for line in whole.lines() {
            records.push(if today {
                serde_json::from_str(line)?
            } else {
                let mut line: Value = serde_json::from_str(line)?;
                format.migrate(found, &mut line)?;
                serde_json::from_value(line)?
            });
        }
        records.retain(|record| record.event != Event::Later);
        Ok(records)
    }
}

fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// What the first line says of the others. A journal that begins elsewhere is as it is written today.
#[derive(Deserialize)]
struct Head {
    schema: Option<u64>,
}

#[cfg(test)]
mod tests {
    use sealift_stream::Format;

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

    /// What `install` of the first sealift wrote on a laptop.
    #[test]
    fn the_journal_of_the_first_schema_is_read_for_ever() {
        let text = include_str!("journal_v1.jsonl");
        let records = Journal::parse(text).unwrap();
        assert_eq!(records.len(), text.lines().count());
        assert!(matches!(&records[0].event, Event::RunStarted { schema: 1, verb, .. } if verb == "install"));
        assert!(matches!(records.last().unwrap().event, Event::RunFinished { ok: true, .. }));
    }

    const FIRST: &str = r#"{"time":"t","event":"run-started","schema":1,"verb":"install","cluster":"c","plan":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","changes":1}"#;

    #[test]
    fn a_later_journal_is_refused_and_a_later_event_passed_over() {
        let text = format!("{FIRST}\n{{\"time\":\"t\",\"event\":\"moon-rose\",\"phase\":1}}\n");
        assert_eq!(Journal::parse(&text).unwrap().len(), 1);
        let error = Journal::parse(&text.replace("\"schema\":1", "\"schema\":7")).unwrap_err().to_string();
        assert!(error.contains("schema 7") && error.contains("sealift self-update"), "{error}");
    }

    /// No event has changed yet. When one does, its step is taken like this one: of a schema in which plays were acts.
    #[test]
    fn an_earlier_journal_is_read_line_by_line() {
        let format = Format::new(&[|line| {
            let Some(map) = line.as_object_mut() else { return };
            if let Some(act) = map.remove("act") {
                map.insert("play".to_owned(), act);
            }
        }]);
        let line =
            serde_json::to_string(&crate::Record { time: "t".into(), event: finished("sysctl") }).unwrap();
        let old = format!("{FIRST}\n{}\n", line.replace("\"play\"", "\"act\""));
        let read = Journal::parse_as(&format, &old).unwrap();
        assert_eq!(read[1].event, finished("sysctl"));
        assert!(matches!(&read[0].event, Event::RunStarted { schema: 2, .. }), "{read:?}");
        assert!(Journal::parse(&old).is_err(), "without its step it cannot be read");
    }
}
