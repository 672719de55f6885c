//! What a run met on its way, as far as it came: what a report is made from.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use futures::future::join_all;
use sealift_engine::Plan;
use sealift_node::{Facts, ImageState, Probe};
use sealift_stream::Digest;
use serde::Serialize;

use super::Connected;
use crate::cli::ClusterArgs;

/// A node that does not answer after a run is written down as not asked.
const PATIENCE: Duration = Duration::from_secs(15);

/// A file that the operator gave.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Input {
    /// As it was typed.
    path: PathBuf,
    /// None when it could not be read; then the run has ended for that reason.
    digest: Option<Digest>,
}

/// What a run met. Filled while it goes on, so that it is as whole as the run when that fails.
#[derive(Debug)]
pub(crate) struct Course {
    /// Whether anything will be made from it: otherwise no node is asked for its sake.
    on_paper: bool,
    pub(crate) began: SystemTime,
    pub(crate) inputs: Vec<Input>,
    pub(crate) facts: BTreeMap<String, Facts>,
    pub(crate) images: BTreeMap<String, Vec<ImageState>>,
    pub(crate) plan: Option<Plan>,
    pub(crate) journal: Option<PathBuf>,
}

impl Course {
    /// Begins now, with the files that are given now.
    pub(crate) fn begin(at: &ClusterArgs, on_paper: bool) -> Self {
        let input = |path: &PathBuf| {
            let digest = std::fs::read(path).ok().map(|bytes| Digest::of(&bytes));
            Input { path: path.clone(), digest }
        };
        Self {
            on_paper,
            began: SystemTime::now(),
            inputs: std::iter::once(&at.cluster).chain(&at.profile).map(input).collect(),
            facts: BTreeMap::new(),
            images: BTreeMap::new(),
            plan: None,
            journal: None,
        }
    }

    /// Asks every node what it is.
    pub(crate) async fn meet(&mut self, connected: &Connected) {
        if !self.on_paper {
            return;
        }
        let asked = join_all(connected.hosts().into_iter().map(|(name, host)| async move {
            let facts = tokio::time::timeout(PATIENCE, Probe::new(host.as_ref()).facts()).await.ok()?.ok()?;
            Some((name, facts))
        }));
        self.facts = asked.await.into_iter().flatten().collect();
    }

    /// Asks every node which images it has, when all is over.
    pub(crate) async fn look_again(&mut self, connected: &Connected) {
        if !self.on_paper {
            return;
        }
        let asked = join_all(connected.hosts().into_iter().map(|(name, host)| async move {
            let images =
                tokio::time::timeout(PATIENCE, Probe::new(host.as_ref()).images()).await.ok()?.ok()??;
            Some((name, images))
        }));
        self.images = asked.await.into_iter().flatten().collect();
    }
}
