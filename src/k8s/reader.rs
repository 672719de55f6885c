//! The client that can only get and list.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kube::api::{Api as KubeApi, DynamicObject, ListParams};
use kube::core::discovery::{ApiResource, Scope};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::document::{Document, ObjectRef};
use crate::same::{FieldDifference, differences, fields};
use crate::{Api, K8sError};

/// How long one request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// Gets and lists.
#[derive(Clone, Debug)]
pub struct Reader {
    api: Api,
    kinds: Arc<Mutex<HashMap<(String, String), Known>>>,
}

/// A kind as the cluster knows it.
#[derive(Clone, Debug)]
struct Known {
    resource: ApiResource,
    namespaced: bool,
}

/// How an object in the cluster compares with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// It is not there, or its kind is not.
    Missing,
    /// Every field that the document sets has that value.
    Same,
    /// These fields (at most eight) are otherwise.
    Differs(Vec<String>),
}

impl Reader {
    pub(crate) fn new(api: Api) -> Self {
        Self { api, kinds: Arc::default() }
    }

    /// Puts a time limit on a request and its failure into our words.
    pub(crate) async fn ask<T>(
        &self,
        doing: &str,
        request: impl Future<Output = Result<T, kube::Error>> + Send,
    ) -> Result<T, K8sError> {
        let server = &self.api.server;
        match tokio::time::timeout(REQUEST_LIMIT, request).await {
            Ok(answer) => answer.map_err(|error| K8sError::of(doing, server, &error)),
            Err(_) => Err(K8sError::Unreachable {
                doing: doing.to_owned(),
                server: server.clone(),
                why: format!("no answer within {} s", REQUEST_LIMIT.as_secs()),
            }),
        }
    }

    /// Whether the API server says that it is ready (`/readyz`, which it says to everybody). Not being reachable is "no".
    pub async fn ready(&self) -> bool {
        self.path("/readyz").await.is_ok_and(|text| text.trim() == "ok")
    }

    /// Whether it lets us in: kubeadm gives the administrator of its kubeconfig his rights late
    /// (`kubeadm:cluster-admins`), and an init that was cut off before never. Once in, he stays.
    pub async fn lets_in(&self) -> bool {
        self.path("/api/v1/namespaces/kube-system").await.is_ok()
    }

    /// The API server's version, e.g. `v1.36.4`.
    pub async fn version(&self) -> Result<String, K8sError> {
        let version = self.ask("asking for the version", self.api.client.apiserver_version()).await?;
        Ok(version.git_version)
    }

    async fn path(&self, path: &str) -> Result<String, K8sError> {
        let request = http::Request::get(path).body(vec![]).map_err(|error| K8sError::Unreachable {
            doing: format!("getting {path}"),
            server: self.api.server.clone(),
            why: error.to_string(),
        })?;
        self.ask(&format!("getting {path}"), self.api.client.request_text(request)).await
    }

    /// Gets one object; `None` when it, or its kind, is not there.
    pub async fn get(&self, object: &ObjectRef) -> Result<Option<DynamicObject>, K8sError> {
        let api = match self.api_of(object).await {
            Ok(api) => api,
            Err(K8sError::UnknownKind { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        self.ask(&format!("getting {object}"), api.get_opt(&object.name)).await
    }

    /// Lists objects of a kind, in one namespace or in all, by label selector (empty: every one).
    pub async fn list(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
        selector: &str,
    ) -> Result<Vec<DynamicObject>, K8sError> {
        let known = self.kind(&ObjectRef::new(api_version, kind, namespace, "*")).await?;
        let client = self.api.client.clone();
        let api: KubeApi<DynamicObject> = match namespace.filter(|_| known.namespaced) {
            Some(namespace) => KubeApi::namespaced_with(client, namespace, &known.resource),
            None => KubeApi::all_with(client, &known.resource),
        };
        let parameters = ListParams::default().labels(selector);
        Ok(self.ask(&format!("listing {kind}s"), api.list(&parameters)).await?.items)
    }

    /// A document in the namespace in which it will be, when it names none and its kind has one.
    pub async fn placed(&self, mut document: Document, namespace: &str) -> Result<Document, K8sError> {
        if document.object.namespace.is_none() {
            match self.kind(&document.object).await {
                Ok(known) if known.namespaced => document.object.namespace = Some(namespace.to_owned()),
                Ok(_) | Err(K8sError::UnknownKind { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(document)
    }

    /// Compares one document with the cluster; reads only.
    pub async fn compare(&self, document: &Document) -> Result<Seen, K8sError> {
        let Some(live) = self.live(document).await? else { return Ok(Seen::Missing) };
        let found = differences(&document.body, &live);
        Ok(if found.is_empty() { Seen::Same } else { Seen::Differs(found) })
    }

    /// The fields in which the cluster differs from a document, with both values; `None` when the object is not
    /// there.
    pub async fn differences(&self, document: &Document) -> Result<Option<Vec<FieldDifference>>, K8sError> {
        Ok(self.live(document).await?.map(|live| fields(&document.body, &live)))
    }

    async fn live(&self, document: &Document) -> Result<Option<Value>, K8sError> {
        let Some(live) = self.get(&document.object).await? else { return Ok(None) };
        let live = serde_json::to_value(live).map_err(|error| K8sError::Document {
            origin: document.object.to_string(),
            index: 1,
            why: error.to_string(),
        });
        live.map(Some)
    }

    /// The API for an object's kind and namespace.
    pub(crate) async fn api_of(&self, object: &ObjectRef) -> Result<KubeApi<DynamicObject>, K8sError> {
        let known = self.kind(object).await?;
        let client = self.api.client.clone();
        Ok(if known.namespaced {
            let namespace = object.namespace.as_deref().unwrap_or("default");
            KubeApi::namespaced_with(client, namespace, &known.resource)
        } else {
            KubeApi::all_with(client, &known.resource)
        })
    }

    async fn kind(&self, object: &ObjectRef) -> Result<Known, K8sError> {
        let key = (object.api_version.clone(), object.kind.clone());
        if let Some(known) = self.kinds.lock().await.get(&key) {
            return Ok(known.clone());
        }
        let unknown = || K8sError::UnknownKind {
            object: object.to_string(),
            kind: object.kind.clone(),
            api_version: object.api_version.clone(),
        };
        let gvk = object.gvk().ok_or_else(unknown)?;
        let doing = format!("asking what a {} is", object.kind);
        let asked = async {
            match kube::discovery::pinned_kind(&self.api.client, &gvk).await {
                Err(kube::Error::Discovery(_)) => Ok(None),
                other => other.map(Some),
            }
        };
        let found = match self.ask(&doing, asked).await {
            Err(error) if error.is_not_found() => None,
            other => other?,
        };
        let (resource, capabilities) = found.ok_or_else(unknown)?;
        let known = Known { resource, namespaced: capabilities.scope == Scope::Namespaced };
        self.kinds.lock().await.insert(key, known.clone());
        Ok(known)
    }
}
