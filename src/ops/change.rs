//! What verbs that work by a plan share: the plan alone, or plan, show, ask, run, follow.

use sealift_engine::{
    Compiled, Events, Journal, Keeper, NewChanges, Overridden, Plan, Playbook, Run, RunOptions, RunReport,
    SiteRecord, Stop,
};
use sealift_node::Owner;
use tokio::sync::mpsc;

use super::before::Before;
use super::course::Course;
use super::frozen::Frozen;
use super::signals::{Signals, unless_stopped};
use super::site::SiteFiles;
use super::{Connected, Exit, Failure, Mode, preflight, who};
use crate::shell::{Shell, follow, show_plan, summary};

/// A change of a site on its way.
struct Change<'a> {
    files: &'a SiteFiles,
    connected: &'a Connected,
    owner: &'a Owner,
    stop: &'a Stop,
    /// A plan from a file, which was agreed to when it was made.
    frozen: Option<&'a Frozen>,
    /// Checks of preflight that somebody answers for.
    skip: &'a [String],
    shell: &'a Shell,
}

/// Lock, connect, plan, ask, run: the way of every verb that changes a site. The verb is its playbook's name too.
pub(crate) async fn change_site(
    verb: &str,
    files: &SiteFiles,
    frozen: Option<&Frozen>,
    skip: &[String],
    course: &mut Course,
    shell: &Shell,
) -> anyhow::Result<Option<RunReport>> {
    let stop = Stop::new();
    let _signals = Signals::listen(&stop, shell)?;
    let owner = who::owner(verb);
    let lock = files.lock(&owner, shell)?;
    let connect = Connected::to(&files.cluster, files.logins(), Mode::Run, &owner);
    let connected = unless_stopped(&stop, connect).await?;
    connected.tell_taken_over(&lock, shell);
    course.meet(&connected).await;
    let compiled = Compiled::new(&Playbook::embedded(verb)?, &files.cluster);
    let change = Change { files, connected: &connected, owner: &owner, stop: &stop, frozen, skip, shell };
    let done = change.plan_and_run(&compiled, course).await;
    course.look_again(&connected).await;
    connected.close().await;
    drop(lock);
    done
}

impl Change<'_> {
    /// Plans, asks and runs. `None` when the operator said no.
    async fn plan_and_run(
        &self,
        compiled: &Compiled,
        course: &mut Course,
    ) -> anyhow::Result<Option<RunReport>> {
        let (files, shell) = (self.files, self.shell);
        let overridden = self.preflight().await?;
        let plan = unless_stopped(self.stop, observe(files, self.connected, compiled, shell)).await?;
        if let Some(frozen) = self.frozen {
            frozen.check(&plan, compiled, &files.cluster)?;
        }
        course.plan = Some(self.agreed_to(&plan).clone());
        if shell.json() {
            shell.event_json(
                &serde_json::json!({"event": "planned", "plan": plan.digest, "changes": plan.changes()}),
            )?;
        } else if shell.asks() {
            show_plan(shell, &plan, |line| shell.say(line));
        } else {
            shell.say(&summary(&plan));
        }
        let record = files.record(self.owner)?;
        if plan.is_empty() {
            self.keep_up(record).await?;
            return Ok(Some(RunReport::default()));
        }
        if !self.agreed(&plan).await? {
            shell.say("nothing was changed");
            return Ok(None);
        }
        // a slow stick takes minutes, in which somebody may think better of it
        unless_stopped(self.stop, files.check_whole_bundle(shell)).await?;
        self.run(compiled, self.agreed_to(&plan), record, overridden, course).await.map(Some)
    }

    /// What can be read is held against what install needs; a verb that brings nothing needs nothing.
    async fn preflight(&self) -> anyhow::Result<Vec<Overridden>> {
        if self.files.bundle().is_none() {
            return Ok(vec![]);
        }
        let asked = preflight::guard(self.files, self.connected, self.skip, self.shell);
        unless_stopped(self.stop, asked).await
    }

    /// What was agreed to: the plan from a file, where there is one.
    fn agreed_to<'a>(&'a self, plan: &'a Plan) -> &'a Plan {
        self.frozen.map_or(plan, |frozen| &frozen.plan)
    }

    /// Asks the person, who may also answer with Ctrl-C.
    async fn agreed(&self, plan: &Plan) -> anyhow::Result<bool> {
        if self.frozen.is_some() {
            return Ok(true);
        }
        let question = format!("Apply these {} changes to {}?", plan.changes(), plan.cluster);
        let shell = self.shell.clone();
        let asked = async { tokio::task::spawn_blocking(move || shell.confirm(&question)).await? };
        unless_stopped(self.stop, asked).await
    }

    async fn run(
        &self,
        compiled: &Compiled,
        plan: &Plan,
        record: Option<SiteRecord>,
        overridden: Vec<Overridden>,
        course: &mut Course,
    ) -> anyhow::Result<RunReport> {
        let (files, shell) = (self.files, self.shell);
        let journal = Journal::create(&files.state_dir(), compiled.name())?;
        let written = journal.path().to_owned();
        course.journal = Some(written.clone());
        let (sender, records) = mpsc::unbounded_channel();
        let report = {
            let events = Events::new(Some(sender), Some(journal));
            let site = files.site(self.connected, events)?.stopped_by(self.stop);
            let strict = shell.asks() || self.frozen.is_some();
            let new_changes = if strict { NewChanges::Stop } else { NewChanges::Accept };
            let keeper = record.map(|record| Keeper::new(record, Some(&written)));
            let options = RunOptions { new_changes, keeper, overridden, ..Default::default() };
            let run = Run { compiled, plan, site: &site, options };
            let (report, told) = tokio::join!(run.execute(), follow(shell, records));
            told?;
            report
        };
        report.map_err(|error| {
            let next = format!("run the same command again; the journal is {}", written.display());
            let error = anyhow::Error::new(error);
            Failure::new(Exit::of(&error), error.to_string()).next(next).into()
        })
    }

    /// A site on which nothing is to change has a record all the same, also of what changes nothing: a comment in the
    /// cluster file, another stick with the same content.
    async fn keep_up(&self, record: Option<SiteRecord>) -> anyhow::Result<()> {
        let Some(record) = record else { return Ok(()) };
        let record = SiteRecord { finished: true, ..record };
        let site = self.files.site(self.connected, Events::unheard())?;
        Ok(Keeper::new(record, None).write(&site).await?)
    }
}

/// What `install` would do, under helpers that cannot change anything; on demand with the differences of texts.
pub(crate) async fn only_plan(files: &SiteFiles, differences: bool, shell: &Shell) -> anyhow::Result<Plan> {
    let owner = who::owner("plan");
    let connected = Connected::to(&files.cluster, files.logins(), Mode::Plan, &owner).await?;
    let compiled = Compiled::new(&Playbook::embedded("install")?, &files.cluster);
    let asked = async {
        let plan = observe(files, &connected, &compiled, shell).await?;
        if !differences {
            return anyhow::Ok(plan);
        }
        Ok(plan.with_differences(&compiled, &files.site(&connected, Events::unheard())?).await?)
    };
    let plan = asked.await;
    connected.close().await;
    plan
}

/// Asks every node, changes nothing. First of all what the site was before.
async fn observe(
    files: &SiteFiles,
    connected: &Connected,
    compiled: &Compiled,
    shell: &Shell,
) -> anyhow::Result<Plan> {
    if let Some(before) = Before::read(files, connected, shell).await? {
        before.check(files, shell)?;
    }
    Ok(Plan::observe(compiled, &files.site(connected, Events::unheard())?).await?)
}
