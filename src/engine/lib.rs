//! Playbooks, steps, plans and runs: what should be, what is, what would change and why, and doing it.
//!
//! [`Playbook::embedded`] gives a story, [`Compiled::new`] fits it to a site, [`Plan::observe`] asks every node and
//! freezes what would change, [`Run::execute`] does it and journals it.

mod access;
mod blobs;
mod change;
mod compile;
mod ctx;
mod difference;
mod embedded;
mod errors;
mod estimate;
mod events;
mod filters;
mod journal;
mod keeper;
mod late;
mod lock;
mod meter;
mod network;
mod plan;
mod playbook;
mod record;
mod relay;
mod run;
mod schedule;
mod selector;
mod silence;
mod site;
mod step;
mod stop;
mod template;
mod time;

#[cfg(test)]
mod rendered;
#[cfg(test)]
mod testkit;

pub use access::{ClusterEyes, ClusterHands};
pub use change::{Certainty, Change};
pub use compile::Compiled;
pub use ctx::Ctx;
pub use difference::Difference;
pub use errors::StepError;
pub use estimate::{Estimate, History};
pub use events::{Event, Events, Outcome, Overridden, Record};
pub use journal::{Journal, JournalError};
pub use keeper::Keeper;
pub use late::{Late, Secret};
pub use lock::{LockError, RunLock};
pub use network::table as network_table;
pub use plan::{Basis, Later, Moved, Plan, PlanError, PlannedPlay, PlannedStep};
pub use playbook::{Playbook, PlaybookError};
pub use record::{RecordError, RecordedJournal, Release, SiteRecord, WrittenFile, cluster_begun, journals};
pub use run::{Failure, NewChanges, Run, RunError, RunOptions, RunReport, StepTime};
pub use site::{Hosts, Site};
pub use stop::{AtWork, Job, Stop};
pub use template::{TemplateError, Templates};
pub use time::{rfc3339_seconds, unix_seconds};
