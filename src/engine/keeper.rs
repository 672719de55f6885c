//! Keeps the site's record and a run's journal on every control plane while the run goes on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::join_all;
use sealift_node::{HostError, Mutate, Probe};

use crate::record::{SiteRecord, write_journal};
use crate::{Event, Site};

/// A journal is evidence: a run that has failed because a control plane is gone does not wait long for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The record that a run writes, and the journal that goes with it.
///
/// The record is on every control plane before the first change. The journal follows at the end of each play and at
/// the end of the run, whole every time: a laptop that dies takes at most one play's lines with it.
#[derive(Debug, Clone)]
pub struct Keeper {
    record: SiteRecord,
    journal: Option<PathBuf>,
}

impl Keeper {
    /// Keeps `record`; `journal` is the run's own file on this machine.
    pub fn new(record: SiteRecord, journal: Option<&Path>) -> Self {
        Self { record, journal: journal.map(Path::to_owned) }
    }

    /// Writes the record where it is not as it should be: before a run's first change, or when there is nothing to
    /// change and only the record is old.
    pub async fn write(&self, site: &Site) -> Result<(), HostError> {
        for node in site.cluster.control_planes() {
            let Some(host) = site.hosts.get(node.name.as_str()) else { continue };
            // one that is damaged is replaced as one that is absent
            let known = SiteRecord::read(&Probe::new(host.as_ref())).await.ok().flatten();
            if !known.is_some_and(|known| known.same_site(&self.record)) {
                self.record.write(&Mutate::new(host.as_ref())).await?;
            }
        }
        Ok(())
    }

    /// Sends the journal as it is now. What hinders it is told and hinders nothing else.
    pub(crate) async fn ship(&self, site: &Site) {
        let Some(path) = &self.journal else { return };
        let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else { return };
        let sends = site.cluster.control_planes().filter_map(|node| {
            let host = site.hosts.get(node.name.as_str())?;
            let name = &name;
            Some(async move {
                let send = async {
                    let text = tokio::fs::read(path).await.map_err(|error| error.to_string())?;
                    write_journal(&Mutate::new(host.as_ref()), name, text)
                        .await
                        .map_err(|error| error.to_string())
                };
                let done = tokio::time::timeout(PATIENCE, send).await;
                if let Err(why) = done.unwrap_or_else(|_| Err("no answer within 10 s".to_owned())) {
                    let text = format!("the journal is here and not on this control plane: {why}");
                    site.events.send(Event::StepNote {
                        node: node.name.to_string(),
                        step: "journal".to_owned(),
                        text,
                    });
                }
            })
        });
        join_all(sends).await;
    }

    /// The last act of a run that came to its end.
    pub(crate) async fn finish(&self, site: &Site) -> Result<(), HostError> {
        let finished = SiteRecord { finished: true, ..self.record.clone() };
        Self { record: finished, journal: None }.write(site).await
    }
}
