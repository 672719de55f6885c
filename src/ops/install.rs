//! `sealift install`: from prepared servers to a cluster that answers. Run it again whenever it was cut off.

use sealift_engine::{Compiled, Playbook, RunReport, Stop};

use super::change::Change;
use super::course::Course;
use super::frozen::Frozen;
use super::receipt::Receipt;
use super::report::Report;
use super::signals::{Signals, unless_stopped};
use super::site::SiteFiles;
use super::{Connected, Exit, Mode, who};
use crate::cli::InstallArgs;
use crate::shell::Shell;

/// Everything that can be wrong on this side first, then the run, then what stays on paper of it.
pub(crate) async fn run(args: &InstallArgs, shell: &Shell) -> anyhow::Result<Exit> {
    let frozen = args.plan.as_deref().map(Frozen::read).transpose()?;
    let paper = Report::prepare(&args.paper)?;
    let files = SiteFiles::open(&args.site, shell)?;
    let mut course = Course::begin(&args.site.at);
    let done = change_site(&files, frozen.as_ref(), &paper, &mut course, shell).await;
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

/// Lock, connect, plan, ask, run.
async fn change_site(
    files: &SiteFiles,
    frozen: Option<&Frozen>,
    paper: &Report,
    course: &mut Course,
    shell: &Shell,
) -> anyhow::Result<Option<RunReport>> {
    let stop = Stop::new();
    let _signals = Signals::listen(&stop, shell)?;
    let owner = who::owner("install");
    let lock = files.lock(&owner, shell)?;
    let connect = Connected::to(&files.cluster, files.folder(), Mode::Run, &owner);
    let connected = unless_stopped(&stop, connect).await?;
    connected.tell_taken_over(&lock, shell);
    if paper.wanted() {
        course.meet(&connected).await;
    }
    let compiled = Compiled::new(&Playbook::embedded("install")?, &files.cluster);
    let change = Change { files, connected: &connected, owner: &owner, stop: &stop, frozen, shell };
    let done = change.plan_and_run(&compiled, course).await;
    if paper.wanted() {
        course.look_again(&connected).await;
    }
    connected.close().await;
    drop(lock);
    done
}
