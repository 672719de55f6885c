//! `sealift verify`: is every bit as it was signed?

use sealift_bundle::{Bundle, BundleError, Report, Trust, Verified};

use super::{Exit, Failure};
use crate::cli::VerifyArgs;
use crate::shell::{Progress, Shell};

/// What to do about a key that cannot be read.
pub(super) const TRUST: &str = "--trust takes the .pub file of who signed the bundle";

/// Runs `sealift verify`.
pub(crate) fn run(args: &VerifyArgs, shell: &Shell) -> anyhow::Result<Exit> {
    let trust = Trust::from_files(&args.trust)
        .map_err(|error| Failure::new(Exit::Usage, error.to_string()).next(TRUST))?;
    let bundle = Bundle::open(&args.bundle).map_err(|error| refused(&error))?;
    let bundle = bundle.authenticate(&trust).map_err(|error| refused(&error))?;
    let report = whole(&bundle, args.jobs, "verifying", shell).map_err(|error| refused(&error))?;
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

/// "Checked, and bad" ends with another code than "could not check".
pub(super) fn refused(error: &BundleError) -> Failure {
    let exit = if error.is_integrity() { Exit::Integrity } else { Exit::Refused };
    let failure = Failure::new(exit, error.to_string());
    match error.hint() {
        Some(hint) => failure.next(hint),
        None => failure,
    }
}
