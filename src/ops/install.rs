//! `sealift install`: from prepared servers to a cluster that answers. Run it again whenever it was cut off.

use super::change::change_site;
use super::course::Course;
use super::frozen::Frozen;
use super::receipt::Receipt;
use super::report::Report;
use super::site::SiteFiles;
use super::{Exit, preflight};
use crate::cli::InstallArgs;
use crate::shell::Shell;

/// Everything that can be wrong on this side first, then the run, then what stays on paper of it.
pub(crate) async fn run(args: &InstallArgs, shell: &Shell) -> anyhow::Result<Exit> {
    let frozen = args.plan.as_deref().map(Frozen::read).transpose()?;
    let paper = Report::prepare(&args.paper)?;
    let mut files = SiteFiles::open(&args.site, shell)?;
    files.relay = !args.no_relay;
    preflight::selection(&files, &[], &args.skip)?;
    let mut course = Course::begin(&args.site.at, paper.wanted());
    let done = change_site("install", &files, frozen.as_ref(), &args.skip, &mut course, shell).await;
    if paper.wanted() {
        let written = paper.write(&Receipt::of("install", &files, &course, &done), shell);
        // of two errors the run's is the one that a person must see; the other one is said before it
        match (&done, written) {
            (Err(_), Err(error)) => shell.warn(&error.to_string()),
            (_, written) => written?,
        }
    }
    let report = done?;
    if let Some(report) = &report
        && !shell.json()
    {
        shell.say(&format!(
            "{} {} changes in {:.1} s",
            shell.green("installed:"),
            report.changes,
            report.seconds
        ));
    }
    Ok(if report.is_some() { Exit::Done } else { Exit::Interrupted })
}
