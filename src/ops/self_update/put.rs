//! Writing the program beside its place, and trying it before it takes it.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use sealift_bundle::{Bundle, BundleError, Carried, Carrier};
use sealift_stream::{AtomicFile, Meter as _, SealedFile};
use tokio::process::Command;
use tokio::time::error::Elapsed;

use super::UNCHANGED;
use super::target::Target;
use crate::ops::verify::refused;
use crate::ops::{Exit, Failure};
use crate::shell::{Progress, Shell};

/// A program that says its version does so in milliseconds; a cold stick takes a while.
const PATIENCE: Duration = Duration::from_secs(30);

/// A file that can be written, before anybody is asked. Until it is complete it is called `.NAME.partial`; what a killed
/// run left under that name is begun anew.
pub(super) struct Place<'a> {
    target: &'a Target,
    file: AtomicFile,
    _alone: File,
}

impl<'a> Place<'a> {
    pub(super) fn open(target: &'a Target) -> Result<Self, Failure> {
        let alone = alone(target)?;
        let file = AtomicFile::create_mode(target.file(), 0o700).map_err(|error| target.refused(&error))?;
        Ok(Self { target, file, _alone: alone })
    }

    /// Fills it. Every byte was checked before it is written, and the whole before the file is closed.
    pub(super) fn write(
        self,
        bundle: &Bundle<Carrier>,
        carried: &Carried,
        shell: &Shell,
    ) -> Result<Written, Failure> {
        let Self { target, mut file, _alone: alone } = self;
        let mut reader = bundle.read(carried).map_err(|error| refused(&error, &[]))?;
        let progress = Progress::bytes(shell, "writing", carried.size);
        let mut piece = vec![0; 256 * 1024];
        loop {
            match reader.read(&mut piece).map_err(from_stick)? {
                0 => break,
                count => {
                    file.write_all(&piece[..count]).map_err(|error| target.refused(&error))?;
                    progress.add(count as u64);
                }
            }
        }
        progress.finish(shell);
        let sealed = file.set_mode(target.mode()).and_then(|()| file.seal());
        let file = sealed.map_err(|error| target.refused(&error))?;
        Ok(Written { file, _alone: alone })
    }
}

/// The program, whole, closed and on disk, under its temporary name. Dropped, it is gone.
pub(super) struct Written {
    file: SealedFile,
    _alone: File,
}

impl Written {
    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// From here on it is the program.
    pub(super) fn commit(self) -> io::Result<()> {
        self.file.commit()
    }
}

/// Starts the program and listens to its version: a file for another kind of machine, or one that a mount option keeps
/// from running, must not take the place of one that works.
pub(super) async fn says_its_version(
    program: &Path,
    carried: &Carried,
    target: &Target,
) -> Result<(), Failure> {
    let said = match asked(program).await {
        Err(_) => Err(format!("it did not end within {} s", PATIENCE.as_secs())),
        Ok(Err(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
            let message = format!(
                "programs do not run in {} ({error}; is it mounted noexec?); {UNCHANGED}",
                target.folder().display()
            );
            let next =
                "add --output FILE with a place where programs run, e.g. --output /usr/local/bin/sealift";
            return Err(Failure::new(Exit::Refused, message).next(next));
        }
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(output)) if !output.status.success() => Err(output.status.to_string()),
        Ok(Ok(output)) => Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned()),
    };
    let wanted = format!("sealift {}", carried.version);
    let why = match said {
        Ok(said) if said == wanted => return Ok(()),
        Ok(said) => {
            format!("it says '{}'", said.chars().filter(|c| !c.is_control()).take(60).collect::<String>())
        }
        Err(why) => why,
    };
    let message = format!("trying the new sealift, which must say '{wanted}': {why}; {UNCHANGED}");
    Err(Failure::new(Exit::Refused, message)
        .next("the bundle was packed with a program that does not run here; tell whoever packed it"))
}

/// Starts a program with `--version`; an error when it does not end in time.
pub(super) async fn asked(program: &Path) -> Result<io::Result<Output>, Elapsed> {
    // a bare name would be looked for in PATH
    let program = match std::path::absolute(program) {
        Ok(program) => program,
        Err(error) => return Ok(Err(error)),
    };
    let mut command = Command::new(program);
    command.arg("--version").env_clear().stdin(Stdio::null()).kill_on_drop(true);
    tokio::time::timeout(PATIENCE, command.output()).await
}

/// Two at once would write over each other. A file system without locks (some of the network) has no such guard.
fn alone(target: &Target) -> Result<File, Failure> {
    let folder = File::open(target.folder()).map_err(|error| target.refused(&error))?;
    match folder.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let message =
                format!("another self-update writes into {}; {UNCHANGED}", target.folder().display());
            Err(Failure::new(Exit::Refused, message).next("wait for it, then look with sealift --version"))
        }
        Ok(()) | Err(TryLockError::Error(_)) => Ok(folder),
    }
}

/// The reader wraps what it found into an error of its trait.
fn from_stick(error: io::Error) -> Failure {
    match error.downcast::<BundleError>() {
        Ok(error) => refused(&error, &[]),
        Err(error) => Failure::new(Exit::Refused, format!("reading the bundle: {error}; {UNCHANGED}"))
            .next("check the stick, then run the same command again"),
    }
}
