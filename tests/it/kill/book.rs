//! Which moments have been a death, and which still have to be.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use sealift_stream::Digest;
use serde::{Deserialize, Serialize};

/// The book of one matrix. Kept on disk after every death, so that a matrix that was cut goes on.
pub(super) struct Book {
    file: PathBuf,
    /// One moment of so many is chosen, by its name and the seed; 1 is all.
    share: u32,
    seed: u64,
    /// Only moments whose names begin so.
    kinds: Vec<&'static str>,
    /// No deaths after this.
    until: Option<Instant>,
    pages: Pages,
}

#[derive(Default, Serialize, Deserialize)]
struct Pages {
    /// All there is, from an unbroken run.
    reference: BTreeSet<String>,
    /// A process died right after it.
    covered: BTreeSet<String>,
    /// Deaths, and how many of them were on the very line.
    deaths: u32,
    exact: u32,
}

impl Book {
    /// Opens the book of this name, or begins it.
    pub(super) fn open(file: PathBuf, share: u32, seed: u64, until: Option<Instant>) -> Self {
        let kept = fs::read(&file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let kinds = vec!["sealift", "helper", "power"];
        Self { file, share, seed, kinds, until, pages: kept.unwrap_or_default() }
    }

    /// A book in which nobody dies.
    pub(super) fn nobody() -> Self {
        Self::open(PathBuf::new(), 1, 0, Some(Instant::now()))
    }

    /// From now on only these kinds.
    pub(super) fn only(&mut self, kinds: &[&'static str]) {
        self.kinds = kinds.to_vec();
    }

    /// Whether somebody should die at this moment.
    pub(super) fn wants(&self, name: &str) -> bool {
        !self.closed() && self.chosen(name) && !self.pages.covered.contains(name)
    }

    /// Whether the time is up.
    pub(super) fn closed(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// Somebody died at `name`; `last` is the last line that it wrote.
    pub(super) fn died(&mut self, name: &str, last: &str) {
        self.pages.deaths += 1;
        self.pages.exact += u32::from(name == last);
        for moment in [name, last] {
            self.pages.covered.insert(moment.to_owned());
        }
        self.write();
    }

    /// What an unbroken run consists of.
    pub(super) fn set_reference(&mut self, moments: BTreeSet<String>) {
        self.pages.reference = moments;
        self.write();
    }

    /// Chosen moments of the reference that nobody died at.
    pub(super) fn missing(&self) -> Vec<&String> {
        self.pages
            .reference
            .iter()
            .filter(|name| self.chosen(name) && !self.pages.covered.contains(*name))
            .collect()
    }

    /// E.g. `sealift 143 of 143, helper 88 of 88; 237 deaths, 201 of them on the very line`.
    pub(super) fn coverage(&self) -> String {
        let kinds = self.kinds.iter().map(|kind| {
            let all = self.pages.reference.iter().filter(|name| of(name, kind) && self.picked(name));
            let (hit, all) = all.fold((0, 0), |(hit, all), name| {
                (hit + u32::from(self.pages.covered.contains(name)), all + 1)
            });
            format!("{kind} {hit} of {all}")
        });
        format!(
            "{}; {} deaths, {} of them on the very line",
            kinds.collect::<Vec<_>>().join(", "),
            self.pages.deaths,
            self.pages.exact
        )
    }

    fn chosen(&self, name: &str) -> bool {
        self.kinds.iter().any(|kind| of(name, kind)) && self.picked(name)
    }

    fn picked(&self, name: &str) -> bool {
        let digest = Digest::of(format!("{} {name}", self.seed).as_bytes()).hex();
        u32::from_str_radix(&digest[..8], 16).unwrap().is_multiple_of(self.share)
    }

    fn write(&self) {
        let part = self.file.with_extension("part");
        fs::write(&part, serde_json::to_vec_pretty(&self.pages).unwrap()).unwrap();
        fs::rename(part, &self.file).unwrap();
    }
}

fn of(name: &str, kind: &str) -> bool {
    name.strip_prefix(kind).is_some_and(|rest| rest.starts_with(" | "))
}

#[test]
fn a_book_goes_on_where_it_was_cut() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Book::open(dir.path().join("book.json"), 1, 7, None);
    let mut book = open();
    book.set_reference(["sealift | a", "sealift | b", "helper | w1 | c"].map(str::to_owned).into());
    book.died("sealift | a", "sealift | a");
    let mut book = open();
    assert!(!book.wants("sealift | a") && book.wants("sealift | b") && book.wants("helper | w1 | c"));
    book.only(&["sealift"]);
    assert!(!book.wants("helper | w1 | c"));
    book.died("sealift | b", "sealift | x");
    assert!(book.missing().is_empty());
    book.only(&["sealift", "helper", "power"]);
    assert_eq!(
        book.coverage(),
        "sealift 2 of 2, helper 0 of 1, power 0 of 0; 2 deaths, 1 of them on the very line"
    );
}

#[test]
fn a_tenth_is_a_tenth_and_another_seed_is_another_tenth() {
    let chosen = |seed| -> BTreeSet<u32> {
        let book = Book::open(PathBuf::from("/nonexistent"), 10, seed, None);
        (0..2000).filter(|number| book.wants(&format!("sealift | {number}"))).collect()
    };
    let (one, two) = (chosen(1), chosen(2));
    assert!((140..260).contains(&one.len()), "{}", one.len());
    assert!(one.intersection(&two).count() < one.len() / 2);
}
