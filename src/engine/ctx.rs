//! What a step knows beside the node it works on.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use sealift_bundle::{Bundle, Verified};
use sealift_cluster::{Cluster, Node};
use sealift_node::{BlobTarget, Mutate};
use sealift_stream::Digest;

use crate::{Change, ClusterEyes, ClusterHands, Event, Late, Site, StepError, blobs};

/// What a step knows beside the node it works on: the cluster file, the bundle, the templates, the values
/// that are bound late, and where to tell how far it is.
pub struct Ctx<'a> {
    pub(crate) site: &'a Site,
    pub(crate) node: Option<&'a Node>,
    pub(crate) step: &'a str,
    pub(crate) why: Option<&'a str>,
    pub(crate) pending: Option<&'a Pending>,
}

/// What earlier steps of a plan would change on one node, or in the cluster.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// By `Change::what`; of a file what it will be, where that is known.
    things: Mutex<BTreeMap<String, Option<Digest>>>,
    /// Whether anything would change, wherever it be.
    anywhere: Arc<AtomicBool>,
}

/// What is at a path, as far as anybody can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Absent,
    Is(Digest),
    Unknown,
}

impl From<Option<Digest>> for Content {
    fn from(seen: Option<Digest>) -> Self {
        seen.map_or(Self::Absent, Self::Is)
    }
}

impl Pending {
    /// One that shares with the others whether anything would change at all.
    pub(crate) fn sharing(anywhere: &Arc<AtomicBool>) -> Self {
        Self { things: Mutex::default(), anywhere: Arc::clone(anywhere) }
    }

    pub(crate) fn add(&self, changes: &[Change], makes: &BTreeMap<String, Digest>) {
        self.anywhere.store(true, Ordering::Relaxed);
        if let Ok(mut things) = self.things.lock() {
            things.extend(changes.iter().map(|one| (one.what.clone(), makes.get(&one.what).copied())));
        }
    }

    fn with<T>(&self, ask: impl FnOnce(&BTreeMap<String, Option<Digest>>) -> T) -> Option<T> {
        self.things.lock().ok().map(|things| ask(&things))
    }
}

impl<'a> Ctx<'a> {
    /// The cluster file, validated.
    pub fn cluster(&self) -> &'a Cluster {
        &self.site.cluster
    }

    /// The node this step works on; none in a cluster step.
    pub fn node(&self) -> Option<&'a Node> {
        self.node
    }

    /// Late-bound values of this run, never in a plan or journal.
    pub fn late(&self) -> &'a Late {
        &self.site.late
    }

    /// The verified bundle; an error when the run has none (a reset).
    pub fn bundle(&self) -> Result<&'a Arc<Bundle<Verified>>, StepError> {
        self.site.bundle.as_ref().ok_or_else(|| StepError::NoBundle { what: format!("step '{}'", self.step) })
    }

    /// Renders an embedded template, e.g. `containerd/config.toml.j2`, with this site's and node's values.
    pub fn render(&self, template: &str) -> Result<String, StepError> {
        Ok(self.site.templates.render(template, &self.site.template_context(self.node))?)
    }

    /// Renders with values of the step's own beside the usual ones, e.g. a join token; `extra` is a map.
    pub fn render_with(&self, template: &str, extra: serde_json::Value) -> Result<String, StepError> {
        let mut context = self.site.template_context(self.node);
        if let (Some(context), serde_json::Value::Object(extra)) = (context.as_object_mut(), extra) {
            context.extend(extra);
        }
        Ok(self.site.templates.render(template, &context)?)
    }

    /// The values templates see, for a step that renders something of its own or merges free maps.
    pub fn template_context(&self) -> serde_json::Value {
        self.site.template_context(self.node)
    }

    /// Whether this is a plan: nothing will be applied after this observation.
    pub fn planning(&self) -> bool {
        self.pending.is_some()
    }

    /// In a plan: whether an earlier step on this node would change the thing named so (`Change::what`). In a
    /// run always false: there what has changed is seen.
    pub fn will_change(&self, what: &str) -> bool {
        self.pending.and_then(|pending| pending.with(|things| things.contains_key(what))).unwrap_or(false)
    }

    /// In a plan: whether an earlier step would change anything on this node.
    pub fn will_change_here(&self) -> bool {
        self.pending.and_then(|pending| pending.with(|things| !things.is_empty())).unwrap_or(false)
    }

    /// In a plan: whether any earlier step would change anything anywhere.
    pub fn will_change_anywhere(&self) -> bool {
        self.pending.is_some_and(|pending| pending.anywhere.load(Ordering::Relaxed))
    }

    /// What a file will be when the earlier steps of a plan are done; `is` when none of them touches it.
    pub(crate) fn will_be(&self, path: &str, is: Option<Digest>) -> Content {
        match self.pending.and_then(|pending| pending.with(|things| things.get(path).copied())).flatten() {
            None => is.into(),
            Some(None) => Content::Unknown,
            Some(Some(digest)) => Content::Is(digest),
        }
    }

    /// Tells how far a long step is, in bytes or things.
    pub fn progress(&self, done: u64, total: u64) {
        let (node, step) = (self.lane().to_owned(), self.step.to_owned());
        self.site.events.send(Event::StepProgress { node, step, done, total });
    }

    /// Does what may be left at any moment, e.g. waiting: it ends when somebody asks the run to.
    pub async fn leave_when_asked<T>(
        &self,
        work: impl Future<Output = Result<T, StepError>>,
    ) -> Result<T, StepError> {
        tokio::select! {
            done = work => done,
            _ = self.site.stop.wait() => Err(StepError::Stopped),
        }
    }

    /// Sends blobs of the bundle to the node: those it has are left out, an interrupted one goes on where it
    /// was cut, progress is told in bytes. Returns when every one of them is whole there.
    pub async fn send_blobs(&self, mutate: &Mutate<'_>, targets: &[BlobTarget]) -> Result<(), StepError> {
        blobs::send(self, mutate, targets).await
    }

    /// Tells something worth a line.
    pub fn note(&self, text: impl Into<String>) {
        let (node, step) = (self.lane().to_owned(), self.step.to_owned());
        self.site.events.send(Event::StepNote { node, step, text: text.into() });
    }

    /// The reason of a change: the playbook's `why` for this step, or else what was seen.
    pub fn because(&self, seen: String) -> String {
        self.why.map_or(seen, str::to_owned)
    }

    /// The node's name, or `cluster`.
    pub fn lane(&self) -> &'a str {
        self.node.map_or(crate::plan::CLUSTER_LANE, |node| node.name.as_str())
    }

    /// Reading eyes on the cluster: the API through the first control plane (`None` inside while there is
    /// none that answers) and a probe of that node. For node steps that must know what the API knows.
    pub async fn eyes(&self) -> Result<ClusterEyes<'a>, StepError> {
        self.site.eyes().await
    }

    /// Hands on the cluster, for a node step that needs the first control plane (a join token). Only who
    /// already holds a `Mutate`, which is to say an `apply`, can have them (law 4).
    pub async fn hands(&self, _witness: &Mutate<'_>) -> Result<ClusterHands<'a>, StepError> {
        self.site.hands().await
    }
}
