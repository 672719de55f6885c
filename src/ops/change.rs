//! What verbs that work by a plan share: the plan alone, or plan, show, ask, run, follow.

use sealift_engine::{
    Compiled, Events, Journal, NewChanges, Plan, Playbook, Run, RunOptions, RunReport, Stop,
};
use tokio::sync::mpsc;

use super::course::Course;
use super::frozen::Frozen;
use super::site::SiteFiles;
use super::{Connected, Exit, Failure, Mode};
use crate::shell::{Shell, follow, show_plan, summary};

/// Plans, asks and runs. `None` when the operator said no.
pub(crate) async fn plan_and_run(
    files: &SiteFiles,
    connected: &Connected,
    compiled: &Compiled,
    frozen: Option<&Frozen>,
    course: &mut Course,
    shell: &Shell,
) -> anyhow::Result<Option<RunReport>> {
    let plan = observe(files, connected, compiled).await?;
    if let Some(frozen) = frozen {
        frozen.check(&plan, compiled, &files.cluster)?;
    }
    course.plan = Some(frozen.map_or(&plan, |frozen| &frozen.plan).clone());
    if shell.json() {
        shell.event_json(
            &serde_json::json!({"event": "planned", "plan": plan.digest, "changes": plan.changes()}),
        )?;
    } else if shell.asks() {
        show_plan(shell, &plan, |line| shell.say(line));
    } else {
        shell.say(&summary(&plan));
    }
    if plan.is_empty() {
        return Ok(Some(RunReport::default()));
    }
    // a plan from a file was agreed to when it was made
    let question = format!("Apply these {} changes to {}?", plan.changes(), plan.cluster);
    if frozen.is_none() && !shell.confirm(&question)? {
        shell.say("nothing was changed");
        return Ok(None);
    }
    files.check_whole_bundle(shell)?;
    let journal = Journal::create(&files.state_dir(), compiled.name())?;
    let record = journal.path().to_owned();
    course.journal = Some(record.clone());
    let (sender, records) = mpsc::unbounded_channel();
    let report = {
        let site = files.site(connected, Events::new(Some(sender), Some(journal)))?;
        let stop = Stop::new();
        let watch = tokio::spawn(stop_on_signal(stop.clone()));
        let strict = shell.asks() || frozen.is_some();
        let new_changes = if strict { NewChanges::Stop } else { NewChanges::Accept };
        let run = Run {
            compiled,
            plan: frozen.map_or(&plan, |frozen| &frozen.plan),
            site: &site,
            options: RunOptions { stop, new_changes, ..Default::default() },
        };
        let (report, told) = tokio::join!(run.execute(), follow(shell, records));
        watch.abort();
        told?;
        report
    };
    report.map(Some).map_err(|error| {
        let next = format!("run the same command again; the journal is {}", record.display());
        let error = anyhow::Error::new(error);
        Failure::new(Exit::of(&error), error.to_string()).next(next).into()
    })
}

/// What `install` would do, under helpers that cannot change anything; on demand with the differences of texts.
pub(crate) async fn only_plan(files: &SiteFiles, differences: bool) -> anyhow::Result<Plan> {
    let connected = Connected::to(&files.cluster, files.folder(), Mode::Plan).await?;
    let compiled = Compiled::new(&Playbook::embedded("install")?, &files.cluster);
    let asked = async {
        let plan = observe(files, &connected, &compiled).await?;
        if !differences {
            return anyhow::Ok(plan);
        }
        Ok(plan.with_differences(&compiled, &files.site(&connected, Events::unheard())?).await?)
    };
    let plan = asked.await;
    connected.close().await;
    plan
}

/// Asks every node, changes nothing.
async fn observe(files: &SiteFiles, connected: &Connected, compiled: &Compiled) -> anyhow::Result<Plan> {
    Ok(Plan::observe(compiled, &files.site(connected, Events::unheard())?).await?)
}

/// Ctrl-C ends a run between two steps; a second one ends the process, as `kill -9` might at any time.
async fn stop_on_signal(stop: Stop) {
    if tokio::signal::ctrl_c().await.is_ok() {
        stop.ask();
        let _ = tokio::signal::ctrl_c().await;
        std::process::exit(Exit::Interrupted as i32);
    }
}
