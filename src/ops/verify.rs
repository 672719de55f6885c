//! `sealift verify`: is every bit as it was signed?

use std::path::{Path, PathBuf};

use sealift_bundle::{Brings, Bundle, BundleError, Refusal, Report, Trust, Verified};

use super::{Exit, Failure};
use crate::cli::VerifyArgs;
use crate::shell::{Progress, Shell};

/// What to do about a key that cannot be read.
pub(super) const TRUST: &str = "--trust takes the .pub file of who signed the bundle";

/// Runs `sealift verify`.
pub(crate) fn run(args: &VerifyArgs, shell: &Shell) -> anyhow::Result<Exit> {
    let trust = Trust::from_files(&args.trust)
        .map_err(|error| Failure::new(Exit::Usage, error.to_string()).next(TRUST))?;
    let refused = |error: BundleError| refused(&error, &args.trust);
    let bundle = Bundle::open(&args.bundle).map_err(refused)?;
    let bundle = bundle.authenticate(&trust).map_err(refused)?;
    let report = whole(&bundle, args.jobs, "verifying", shell).map_err(refused)?;
    for name in &report.foreign {
        shell.warn(&format!("{name} is beside the bundle's files and not part of it; it is ignored"));
    }
    let manifest = bundle.manifest();
    if shell.json() {
        let data = serde_json::json!({
            "bundle": args.bundle,
            "name": manifest.name,
            "version": manifest.version,
            "sequence": manifest.sequence,
            "signer": bundle.signer().to_string(),
            "bytes": report.bytes.0,
            "chunks": report.chunks,
            "foreign": report.foreign,
        });
        shell.data(&data.to_string());
    } else {
        shell.data(&format!(
            "{} {}: every bit is as key {} signed it",
            manifest.name,
            manifest.version,
            bundle.signer()
        ));
    }
    Ok(Exit::Done)
}

/// Reads every chunk once, with `jobs` threads or one per processor, under a bar with this label.
pub(super) fn whole(
    bundle: &Bundle<Verified>,
    jobs: Option<usize>,
    label: &str,
    shell: &Shell,
) -> Result<Report, BundleError> {
    let jobs = jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let progress = Progress::bytes(shell, label, bundle.manifest().stream_size);
    let report = tokio::task::block_in_place(|| bundle.verify(jobs, &progress))?;
    progress.finish(shell);
    Ok(report)
}

/// "Checked, and bad" ends with another code than "could not check". `trust` is what was given, for the command that
/// helps where this sealift is too old.
pub(super) fn refused(error: &BundleError, trust: &[PathBuf]) -> Failure {
    let exit = if error.is_integrity() { Exit::Integrity } else { Exit::Refused };
    let failure = Failure::new(exit, error.to_string());
    if let BundleError::Refused(Refusal::TooNew { path, brings, .. }) = error
        && matches!(**brings, Brings::Sealift(_))
    {
        let bundle = path.parent().unwrap_or(path);
        return failure.next(format!(
            "take the sealift that the bundle brings, then run the same command again\n  {}",
            self_update(bundle, trust)
        ));
    }
    match error.hint() {
        Some(hint) => failure.next(hint),
        None => failure,
    }
}

/// The command, to be copied.
fn self_update(bundle: &Path, trust: &[PathBuf]) -> String {
    let mut words = vec!["sealift self-update".to_owned(), quoted(bundle)];
    words.extend(trust.iter().map(|key| format!("--trust {}", quoted(key))));
    if trust.is_empty() {
        words.push("--trust KEY.pub".to_owned());
    }
    words.join(" ")
}

/// A path as a shell wants it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::self_update;

    #[test]
    fn the_command_can_be_copied_as_it_is() {
        let keys = ["plant.pub", "it's mine.pub"].map(PathBuf::from);
        assert_eq!(
            self_update(Path::new("/media/MY STICK/core-1.sealift"), &keys),
            r"sealift self-update '/media/MY STICK/core-1.sealift' --trust plant.pub --trust 'it'\''s mine.pub'"
        );
        assert_eq!(self_update(Path::new("core"), &[]), "sealift self-update core --trust KEY.pub");
    }
}
