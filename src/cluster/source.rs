//! Reading a cluster file: whatever is at its path, it ends in a text or in words about it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::tree::LARGEST;

/// Why a file cannot be read as text.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refuses.
    #[error("reading {file}: {cause}")]
    Io {
        /// The file.
        file: String,
        /// Why.
        cause: std::io::Error,
    },
    /// It is there and is no text of this size.
    #[error("{file}{place}: {what}")]
    NoText {
        /// The file.
        file: String,
        /// `:LINE:COLUMN`, or nothing when it is the file as a whole.
        place: String,
        /// What it is instead.
        what: &'static str,
    },
}

/// The text of a cluster file or a profile. Never reads more than such a file can have.
pub fn read(path: &Path) -> Result<String, ReadError> {
    let file = path.display().to_string();
    let io = |cause| ReadError::Io { file: file.clone(), cause };
    let no_text = |place, what| ReadError::NoText { file: file.clone(), place, what };
    let opened = File::open(path).map_err(io)?;
    if opened.metadata().map_err(io)?.is_dir() {
        return Err(no_text(String::new(), "this is a directory: name the cluster file in it"));
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(LARGEST).unwrap_or(u64::MAX);
    opened.take(limit + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() > LARGEST {
        return Err(no_text(String::new(), "more than 1 MiB: this is no cluster file"));
    }
    // what Windows calls "Unicode"
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(no_text(String::new(), "the text is UTF-16: save it as UTF-8"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = String::from_utf8_lossy(
            error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default(),
        );
        let line = good.matches('\n').count() + 1;
        let column = good.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        no_text(
            format!(":{line}:{column}"),
            "not UTF-8 from here on: a binary file, or a text saved in another encoding",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn whatever_is_there_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("cluster.yaml");
        for (bytes, said) in [
            (&b"a: b\nc: \xff"[..], ":2:4: not UTF-8"),
            (b"\xff\xfea\0", ": the text is UTF-16"),
            (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xf7", "not UTF-8"),
        ] {
            std::fs::write(&file, bytes).unwrap();
            let error = read(&file).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
        // two GiB that take no room; reading them would
        std::fs::File::create(&file).unwrap().set_len(2 << 30).unwrap();
        assert!(read(&file).unwrap_err().to_string().contains("more than 1 MiB"));
        assert!(read(dir.path()).unwrap_err().to_string().contains("this is a directory"));
        assert!(read(&dir.path().join("none")).unwrap_err().to_string().contains("No such file"));
        assert!(read(std::path::Path::new("/dev/zero")).unwrap_err().to_string().contains("more than 1 MiB"));
    }
}
