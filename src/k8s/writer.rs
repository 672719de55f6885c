//! The client that changes a cluster.

use std::ops::Deref;
use std::time::{Duration, Instant};

use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams};
use serde_json::Value;

use crate::document::{Document, ObjectRef};
use crate::order::sorted;
use crate::retry::passes;
use crate::{Api, K8sError, Reader};

/// The field manager under which sealift owns what it applies.
const MANAGER: &str = "sealift";
/// Between attempts.
const PAUSE: Duration = Duration::from_secs(1);

/// Everything a [`Reader`] can, and changes.
#[derive(Clone, Debug)]
pub struct Writer {
    reader: Reader,
    manager: &'static str,
}

/// What an apply did to one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The object.
    pub object: ObjectRef,
    /// What happened to it.
    pub outcome: Outcome,
}

/// What an apply did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there.
    Created,
    /// It was otherwise.
    Changed,
    /// Its content is what it was.
    Unchanged,
}

impl Deref for Writer {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl Writer {
    pub(crate) fn new(api: Api) -> Self {
        Self { reader: Reader::new(api), manager: MANAGER }
    }

    /// The same under another owner's name, for objects that are not sealift's own.
    #[must_use]
    pub fn named(&self, manager: &'static str) -> Self {
        Self { manager, ..self.clone() }
    }

    /// Applies objects of any kind server-side, as owner of their fields: namespaces and definitions first,
    /// custom resources when their definitions are established. What passes by itself (a webhook whose pod
    /// does not run yet, an API that starts) is tried again until `limit` has passed in all;
    /// `on_wait` hears why, once per reason.
    pub async fn apply(
        &self,
        documents: &[Document],
        limit: Duration,
        on_wait: &(dyn Fn(&str) + Sync),
    ) -> Result<Vec<Applied>, K8sError> {
        let started = Instant::now();
        let mut applied = Vec::new();
        let mut unestablished = Vec::new();
        for document in sorted(documents) {
            let definition = document.object.kind == "CustomResourceDefinition";
            if !definition && !unestablished.is_empty() {
                self.established(&std::mem::take(&mut unestablished), started, limit, on_wait).await?;
            }
            let one = || self.apply_one(document);
            applied.push(self.until(&document.object, started, limit, on_wait, one).await?);
            if definition {
                unestablished.push(document.object.clone());
            }
        }
        self.established(&unestablished, started, limit, on_wait).await?;
        Ok(applied)
    }

    async fn apply_one(&self, document: &Document) -> Result<Applied, K8sError> {
        let object = document.object.clone();
        let api = self.reader.api_of(&object).await?;
        let doing = format!("applying {object}");
        let before = self.reader.ask(&doing, api.get_opt(&object.name)).await?;
        let parameters = PatchParams::apply(self.manager).force();
        let after = self
            .reader
            .ask(&doing, api.patch(&object.name, &parameters, &Patch::Apply(&document.body)))
            .await?;
        let outcome = match before.map(content) {
            None => Outcome::Created,
            Some(before) if before == content(after) => Outcome::Unchanged,
            Some(_) => Outcome::Changed,
        };
        Ok(Applied { object, outcome })
    }

    /// Waits until definitions are established: before that their kinds do not exist.
    async fn established(
        &self,
        definitions: &[ObjectRef],
        started: Instant,
        limit: Duration,
        on_wait: &(dyn Fn(&str) + Sync),
    ) -> Result<(), K8sError> {
        for definition in definitions {
            let check = || async move {
                let live = self.reader.get(definition).await?;
                let conditions =
                    live.as_ref().and_then(|live| live.data.pointer("/status/conditions")?.as_array());
                let yes =
                    |condition: &Value| condition["type"] == "Established" && condition["status"] == "True";
                if conditions.is_some_and(|conditions| conditions.iter().any(yes)) {
                    return Ok(());
                }
                Err(K8sError::UnknownKind {
                    object: definition.to_string(),
                    kind: definition.name.clone(),
                    api_version: definition.api_version.clone(),
                })
            };
            self.until(definition, started, limit, on_wait, check).await?;
        }
        Ok(())
    }

    /// Tries until it works, fails for good, or `limit` after `started`.
    async fn until<T, F: Future<Output = Result<T, K8sError>> + Send>(
        &self,
        object: &ObjectRef,
        started: Instant,
        limit: Duration,
        on_wait: &(dyn Fn(&str) + Sync),
        attempt: impl Fn() -> F + Send + Sync,
    ) -> Result<T, K8sError> {
        let mut said = String::new();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let error = match attempt().await {
                Err(error) if passes(&error) => error,
                other => return other,
            };
            let last = error.to_string();
            if started.elapsed() + PAUSE > limit {
                // an unknown kind is an error of its own once waiting did not help
                if matches!(error, K8sError::UnknownKind { .. }) {
                    return Err(error);
                }
                let (object, seconds) = (object.to_string(), started.elapsed().as_secs());
                return Err(K8sError::GaveUp { object, seconds, attempts, last });
            }
            if said != last {
                on_wait(&format!("{object}: trying again: {last}"));
                said = last;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Merges a patch into an object (RFC 7386).
    pub async fn patch(&self, object: &ObjectRef, patch: &Value) -> Result<(), K8sError> {
        let api = self.reader.api_of(object).await?;
        let parameters =
            PatchParams { field_manager: Some(self.manager.to_owned()), ..PatchParams::default() };
        let patch = Patch::Merge(patch);
        let request = api.patch(&object.name, &parameters, &patch);
        self.reader.ask(&format!("patching {object}"), request).await.map(drop)
    }

    /// Deletes an object and, in the background, what it owns; says whether it was there.
    pub async fn delete(&self, object: &ObjectRef) -> Result<bool, K8sError> {
        let api = match self.reader.api_of(object).await {
            Err(K8sError::UnknownKind { .. }) => return Ok(false),
            other => other?,
        };
        let parameters = DeleteParams::background();
        let request = api.delete(&object.name, &parameters);
        match self.reader.ask(&format!("deleting {object}"), request).await {
            Err(error) if error.is_not_found() => Ok(false),
            other => other.map(|_| true),
        }
    }
}

/// An object without the server's book-keeping. The resource version alone would not do: the second apply
/// of a Namespace gets a new one though only the list of field owners settles.
fn content(mut object: DynamicObject) -> DynamicObject {
    object.metadata.resource_version = None;
    object.metadata.managed_fields = None;
    object
}
