//! Where the program goes: in place of the one that runs, or where the operator says.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sealift_bundle::Carried;
use sealift_stream::HashReader;

use super::UNCHANGED;
use super::version;
use crate::cli::SelfUpdateArgs;
use crate::ops::{Exit, Failure};

/// What a program gets where there was none.
const MODE: u32 = 0o755;

/// The file that becomes the new program.
pub(super) struct Target {
    path: PathBuf,
    /// Whether the operator named it.
    named: bool,
    /// Permission bits of what is there; none when nothing is.
    mode: Option<u32>,
}

impl Target {
    /// Links are followed: what is replaced is the program, and every name of it goes on meaning it.
    pub(super) fn of(args: &SelfUpdateArgs) -> Result<Self, Failure> {
        let named = args.output.is_some();
        let path = match &args.output {
            Some(path) => path.clone(),
            None => running()?,
        };
        match fs::metadata(&path) {
            Ok(found) if found.is_file() => {
                let path = fs::canonicalize(&path).map_err(|error| wrong(&path, &error))?;
                // set-user-id is for nobody: this program starts others
                Ok(Self { path, named, mode: Some(found.permissions().mode() & 0o777) })
            }
            Ok(_) => Err(wrong(&path, &io::Error::new(ErrorKind::InvalidInput, "it is no regular file"))),
            Err(error) if named && error.kind() == ErrorKind::NotFound => {
                Ok(Self { path, named, mode: None })
            }
            Err(error) => Err(wrong(&path, &error)),
        }
    }

    /// Its path as the operator reads it.
    pub(super) fn path(&self) -> std::path::Display<'_> {
        self.path.display()
    }

    pub(super) fn file(&self) -> &Path {
        &self.path
    }

    /// Its folder.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    pub(super) fn mode(&self) -> u32 {
        self.mode.filter(|mode| mode & 0o111 != 0).unwrap_or(MODE)
    }

    /// Whether it is another file than the one that runs.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.named && running().is_ok_and(|running| running != self.path)
    }

    /// What will be done to it, to be asked.
    pub(super) fn verb(&self) -> &'static str {
        if self.mode.is_some() { "Replace" } else { "Write" }
    }

    /// What is there before.
    pub(super) fn before(&self) -> &'static str {
        match self.mode {
            None => "not there",
            Some(_) if self.is_elsewhere() => "what is there",
            Some(_) => version::ours(),
        }
    }

    /// Whether the program is there already, to the byte: an earlier run came to its end.
    pub(super) fn is(&self, carried: &Carried) -> Result<bool, Failure> {
        if self.mode.is_none_or(|mode| mode & 0o111 == 0) {
            return Ok(false);
        }
        let read = File::open(&self.path).and_then(|file| {
            if file.metadata()?.len() != carried.size {
                return Ok(false);
            }
            match io::copy(&mut HashReader::new(file, carried.digest), &mut io::sink()) {
                Err(error) if error.kind() == ErrorKind::InvalidData => Ok(false),
                read => read.map(|_| true),
            }
        });
        read.map_err(|error| wrong(&self.path, &error))
    }

    /// The place said no. A stick is the usual one that does.
    pub(super) fn refused(&self, error: &io::Error) -> Failure {
        let message = format!("writing beside {}: {error}; {UNCHANGED}", self.path());
        let next = match error.kind() {
            ErrorKind::StorageFull => "make room there, then run the same command again".to_owned(),
            ErrorKind::PermissionDenied if !self.named => {
                "run it as root, or add --output FILE with a place that you may write to".to_owned()
            }
            _ if self.named => "name a file in a folder that you may write to with --output".to_owned(),
            _ => "add --output FILE with a place that you may write to, e.g. --output /usr/local/bin/sealift"
                .to_owned(),
        };
        Failure::new(Exit::Refused, message).next(next)
    }
}

/// The file of the program that runs. One that was replaced meanwhile runs on without a name.
fn running() -> Result<PathBuf, Failure> {
    let path = std::env::current_exe().map_err(|error| {
        Failure::new(Exit::Refused, format!("finding this program's file: {error}; {UNCHANGED}"))
    })?;
    if path.exists() {
        return Ok(path);
    }
    let message = format!("this program's file is not there any more ({}); {UNCHANGED}", path.display());
    Err(Failure::new(Exit::Refused, message).next("start the one that is there now, or add --output FILE"))
}

fn wrong(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Refused, format!("looking at {}: {error}; {UNCHANGED}", path.display()))
        .next("name a file with --output, e.g. --output /usr/local/bin/sealift")
}
