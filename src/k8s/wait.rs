//! Waiting until something is ready, and saying what is not when the time is up.

mod explain;
mod state;

use std::fmt;
use std::time::{Duration, Instant};

use crate::document::ObjectRef;
use crate::{K8sError, Reader};

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Something that can be ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// These nodes are there and Ready.
    Nodes(Vec<String>),
    /// A `Deployment`, `DaemonSet` or `StatefulSet` runs its newest revision everywhere it should.
    Workload(ObjectRef),
    /// A Service of type `LoadBalancer` has an address.
    LoadBalancer {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

impl Target {
    /// A Deployment.
    pub fn deployment(namespace: &str, name: &str) -> Self {
        Self::Workload(ObjectRef::new("apps/v1", "Deployment", Some(namespace), name))
    }

    /// A `DaemonSet`.
    pub fn daemon_set(namespace: &str, name: &str) -> Self {
        Self::Workload(ObjectRef::new("apps/v1", "DaemonSet", Some(namespace), name))
    }
}

/// Something that is not ready, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    /// What was waited for, e.g. `Deployment metallb-system/controller`.
    pub what: String,
    /// Its state, e.g. `1 of 2 pods ready`.
    pub state: String,
    /// Reasons: pods with their containers' waiting reasons, and their last warnings.
    pub reasons: Vec<String>,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.state)?;
        self.reasons.iter().try_for_each(|reason| write!(f, "\n    {reason}"))
    }
}

impl Reader {
    /// Looks once: which targets are not ready. Reasons are left empty; see [`Self::wait_ready`].
    pub async fn not_ready(&self, targets: &[Target]) -> Result<Vec<Stuck>, K8sError> {
        let mut stuck = Vec::new();
        for target in targets {
            stuck.extend(self.look(target).await?);
        }
        Ok(stuck)
    }

    /// Waits until all targets are ready. `on_progress` hears what is not, each time that changes. An API
    /// that does not answer is waited for like everything else.
    pub async fn wait_ready(
        &self,
        targets: &[Target],
        limit: Duration,
        on_progress: &(dyn Fn(&[Stuck]) + Sync),
    ) -> Result<(), K8sError> {
        let started = Instant::now();
        let mut told = Vec::new();
        loop {
            let looked = self.not_ready(targets).await;
            let over = started.elapsed() + PAUSE > limit;
            match looked {
                Ok(stuck) if stuck.is_empty() => return Ok(()),
                Ok(stuck) if over => {
                    let stuck = self.explain(stuck, targets).await;
                    return Err(K8sError::NotReady { seconds: started.elapsed().as_secs(), stuck });
                }
                Ok(stuck) => {
                    if stuck != told {
                        on_progress(&stuck);
                        told = stuck;
                    }
                }
                Err(error) if !crate::retry::passes(&error) => return Err(error),
                Err(error) if over && told.is_empty() => return Err(error),
                // what was not ready when it last answered says more than that it is silent now
                Err(error) if over => {
                    if let Some(last) = told.last_mut() {
                        last.reasons.push(format!("as it was a moment ago; now {error}"));
                    }
                    return Err(K8sError::NotReady { seconds: started.elapsed().as_secs(), stuck: told });
                }
                Err(_) => {}
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn look(&self, target: &Target) -> Result<Vec<Stuck>, K8sError> {
        let stuck = |what: String, state: String| Stuck { what, state, reasons: vec![] };
        match target {
            Target::Nodes(names) => {
                let nodes = self.list("v1", "Node", None, "").await?;
                let state = |name: &String| {
                    let node = nodes.iter().find(|node| node.metadata.name.as_ref() == Some(name));
                    node.map_or_else(|| Some("not there yet".to_owned()), |node| state::node(&node.data))
                };
                Ok(names
                    .iter()
                    .filter_map(|name| Some(stuck(format!("Node {name}"), state(name)?)))
                    .collect())
            }
            Target::Workload(object) => {
                let live = self.get(object).await?;
                let state = live.map_or_else(
                    || Some("not there".to_owned()),
                    |live| state::workload(&object.kind, live.metadata.generation, &live.data),
                );
                Ok(state.map(|state| stuck(object.to_string(), state)).into_iter().collect())
            }
            Target::LoadBalancer { namespace, name } => {
                let object = ObjectRef::new("v1", "Service", Some(namespace), name);
                let live = self.get(&object).await?;
                let has = live.is_some_and(|live| state::load_balancer(&live.data));
                Ok((!has)
                    .then(|| stuck(object.to_string(), "has no address".to_owned()))
                    .into_iter()
                    .collect())
            }
        }
    }
}
