//! Everything a plan or a run works with.

use std::collections::BTreeMap;
use std::sync::Arc;

use sealift_bundle::{Bundle, ItemKind, Verified};
use sealift_cluster::{Cluster, Node};
use sealift_node::{Host, Mutate, Probe};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::access::Access;
use crate::relay::Relay;
use crate::silence::WITH_THE_API;
use crate::{ClusterEyes, ClusterHands, Events, Late, StepError, Stop, TemplateError, Templates};

/// Connections to the nodes, by name.
pub type Hosts = BTreeMap<String, Arc<dyn Host>>;

/// Everything a plan or a run works with: the cluster as it should be, the bundle, the nodes, where to tell.
pub struct Site {
    pub(crate) cluster: Cluster,
    pub(crate) bundle: Option<Arc<Bundle<Verified>>>,
    pub(crate) hosts: Hosts,
    pub(crate) events: Events,
    pub(crate) late: Late,
    pub(crate) stop: Stop,
    pub(crate) templates: Templates,
    pub(crate) relay: Relay,
    images: Value,
    access: Mutex<Option<Access>>,
}

impl Site {
    /// Gathers them. `bundle` may be left out for a playbook that needs none (reset).
    pub fn new(
        cluster: Cluster,
        bundle: Option<Arc<Bundle<Verified>>>,
        hosts: Hosts,
        events: Events,
    ) -> Result<Self, TemplateError> {
        let images = images_by_role(bundle.as_deref());
        Ok(Self {
            cluster,
            bundle,
            hosts,
            events,
            late: Late::default(),
            stop: Stop::new(),
            templates: Templates::embedded()?,
            relay: Relay::new(),
            images,
            access: Mutex::new(None),
        })
    }

    /// Has whatever runs on this site end when `stop` asks for it.
    #[must_use]
    pub fn stopped_by(mut self, stop: &Stop) -> Self {
        self.stop = stop.clone();
        self
    }

    /// Has every blob go over the operator's link; nodes open no port for each other.
    #[must_use]
    pub fn without_relay(self) -> Self {
        self.relay.off();
        self
    }

    pub(crate) fn host(&self, node: &str) -> Result<&dyn Host, StepError> {
        self.hosts.get(node).map(AsRef::as_ref).ok_or_else(|| StepError::NoHost { node: node.to_owned() })
    }

    fn first(&self) -> Result<&dyn Host, StepError> {
        self.host(self.cluster.first_control_plane().name.as_str())
    }

    /// What templates see: `cluster` (the cluster file, normalised), `node` (none in a cluster step),
    /// `kubernetes.version`, `images` (by role, see [`images_by_role`]).
    pub(crate) fn template_context(&self, node: Option<&Node>) -> Value {
        let kubernetes = self.bundle.as_ref().map(|bundle| bundle.manifest().kubernetes.version.clone());
        let mut context = json!({
            "cluster": self.cluster,
            "kubernetes": { "version": kubernetes },
            "images": self.images,
        });
        if let (Some(node), Some(map)) = (node, context.as_object_mut()) {
            map.insert("node".to_owned(), json!(node));
        }
        context
    }

    pub(crate) async fn eyes(&self) -> Result<ClusterEyes<'_>, StepError> {
        let api = self.api().await?.map(|access| access.reader);
        Ok(ClusterEyes { api, probe: Probe::new(self.first()?) })
    }

    pub(crate) async fn hands(&self) -> Result<ClusterHands<'_>, StepError> {
        let api = self.api().await?.map(|access| access.writer);
        Ok(ClusterHands { api, mutate: Mutate::new(self.first()?) })
    }

    /// The API through the first control plane. One that does not answer (yet) is `None`, an observation; a
    /// node that does not is an error. One that has answered in this run is waited for.
    async fn api(&self) -> Result<Option<Access>, StepError> {
        let answered = self.access.lock().await.is_some();
        let found = WITH_THE_API.outlast(answered, &self.stop, || self.answering()).await?;
        if found.is_some() {
            return Ok(found);
        }
        let mut cached = self.access.lock().await;
        // somebody else may have found it just now
        if let Some(access) = cached.as_ref()
            && access.reader.ready().await
        {
            return Ok(cached.clone());
        }
        // whoever asks next need not wait again
        *cached = None;
        Ok(None)
    }

    /// The access that is known or, where it leads nowhere, a new one: a reset and a second init bring new certificates.
    async fn answering(&self) -> Result<Option<Access>, StepError> {
        let known = self.access.lock().await.clone();
        if let Some(access) = known
            && access.reader.ready().await
        {
            return Ok(Some(access));
        }
        // from here one asks for all
        let mut cached = self.access.lock().await;
        if let Some(access) = cached.as_ref()
            && access.reader.ready().await
        {
            return Ok(cached.clone());
        }
        let found = self.new_access().await?;
        if found.is_some() {
            cached.clone_from(&found);
        }
        Ok(found)
    }

    async fn new_access(&self) -> Result<Option<Access>, StepError> {
        let name = self.cluster.first_control_plane().name.as_str();
        let host = self.hosts.get(name).ok_or_else(|| StepError::NoHost { node: name.to_owned() })?;
        let Some(access) = Access::open(host).await? else { return Ok(None) };
        let lets_us_in = access.reader.ready().await && access.reader.lets_in().await;
        Ok(lets_us_in.then_some(access))
    }
}

/// Image names by role, the last part of their repository: `images.pause` is
/// `registry.k8s.io/pause:3.10.2`. A role that two images would share is left out, so that a template that
/// uses it fails instead of guessing.
fn images_by_role(bundle: Option<&Bundle<Verified>>) -> Value {
    let mut roles: BTreeMap<String, Option<String>> = BTreeMap::new();
    for item in bundle.iter().flat_map(|bundle| &bundle.manifest().items) {
        if item.kind == ItemKind::Image {
            let repository = item.name.split('@').next().unwrap_or_default();
            let last = repository.rsplit('/').next().unwrap_or_default();
            let role = last.split(':').next().unwrap_or_default().to_owned();
            roles.entry(role).and_modify(|name| *name = None).or_insert_with(|| Some(item.name.clone()));
        }
    }
    roles
        .into_iter()
        .filter_map(|(role, name)| name.map(|name| (role, Value::String(name))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
