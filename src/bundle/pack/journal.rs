//! Notes of how far each region has come. They are hints: the next run hashes what they point at.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::sync::Mutex;

use sealift_stream::Digest;

/// How many bytes of each region were written before a run ended, by the region's number.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes(HashMap<usize, u64>);

impl Notes {
    /// Reads a journal; none when it is of another layout. A line cut by a kill, or rotten after a power
    /// cut, costs at most a second look.
    pub(crate) fn parse(text: &str, layout: &Digest) -> Option<Self> {
        let mut lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        if lines.next()? != header(layout) {
            return None;
        }
        let mut notes = HashMap::new();
        for line in lines {
            if let Some((region, bytes)) = line.split_once(' ')
                && let (Ok(region), Ok(bytes)) = (region.parse(), bytes.parse())
            {
                notes.insert(region, bytes);
            }
        }
        Some(Self(notes))
    }

    /// Bytes of this region's content that were written.
    pub(crate) fn written(&self, region: usize) -> u64 {
        self.0.get(&region).copied().unwrap_or(0)
    }
}

/// An open journal. Lines are appended after the bytes they speak of were written.
#[derive(Debug)]
pub(crate) struct Journal(Mutex<File>);

impl Journal {
    /// Begins a new journal in an empty file.
    pub(crate) fn begin(mut file: File, layout: &Digest) -> io::Result<Self> {
        file.write_all(format!("{}\n", header(layout)).as_bytes())?;
        Ok(Self::resume(file))
    }

    /// Goes on with a journal; `file` is open for appending.
    pub(crate) fn resume(file: File) -> Self {
        Self(Mutex::new(file))
    }

    /// The first `bytes` of this region's content are written.
    pub(crate) fn note(&self, region: usize, bytes: u64) -> io::Result<()> {
        let mut file = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.write_all(format!("{region} {bytes}\n").as_bytes())
    }
}

fn header(layout: &Digest) -> String {
    format!("sealift pack 1 {layout}")
}

#[cfg(test)]
mod tests {
    use sealift_stream::Digest;

    use super::Notes;

    #[test]
    fn reads_what_a_kill_left() {
        let layout = Digest::of(b"layout");
        let text = format!("sealift pack 1 {layout}\n0 10\n1 4194304\n0 20\nrot\u{0}\n2 99");
        let notes = Notes::parse(&text, &layout).expect("is of this layout");
        assert_eq!([0, 1, 2].map(|region| notes.written(region)), [20, 4_194_304, 0]);
        assert_eq!(Notes::parse(&text, &Digest::of(b"other")), None);
        assert_eq!(Notes::parse("", &layout), None);
        assert_eq!(Notes::parse(&text[..20], &layout), None);
    }
}
