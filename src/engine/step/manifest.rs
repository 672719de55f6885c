//! Objects in the cluster, from a template.

use std::time::Duration;

use sealift_k8s::{Document, Seen as State, Writer, documents};
use sealift_stream::Digest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::act::ClusterAct;
use super::kubeadm;
use crate::{Change, ClusterEyes, ClusterHands, Ctx, Difference, StepError};

/// The objects of a template, applied server-side.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    template: String,
}

/// How long to try while the cluster comes up, e.g. until a webhook's pod runs.
const LIMIT: Duration = Duration::from_mins(5);
/// Digest of an object as it was rendered. A field that a newer template no longer sets is seen by nothing else.
const APPLIED: &str = "sealift.dev/applied";
/// In a pod template: digest of the configuration that its pods read at their start.
const READS: &str = "sealift.dev/config";
/// On a workload whose pods are to be started anew.
const ROLL: &str = "sealift.dev/roll";
/// In a pod template: the generation at which it was started anew.
const ROLLED: &str = "sealift.dev/rolled";
/// Before the workload's name in a change.
const PODS: &str = "pods of ";

impl Manifest {
    fn documents(&self, ctx: &Ctx<'_>) -> Result<Vec<Document>, StepError> {
        let name = format!("templates/{}", self.template);
        let mut documents = documents(&ctx.render(&self.template)?, &name)
            .map_err(StepError::below(format!("reading {name}")))?;
        for document in &mut documents {
            annotate(&mut document.body);
        }
        Ok(documents)
    }
}

async fn mark(api: &Writer, one: &Document, patch: Value) -> Result<(), StepError> {
    api.patch(&one.object, &patch)
        .await
        .map_err(StepError::below(format!("starting pods of {} anew", one.object)))
}

/// What is to change about an object; none when it is as it should be.
pub(super) fn change(name: &str, state: &State, after: &str) -> Option<Change> {
    match state {
        State::Same => None,
        State::Missing => Some(Change::new(name, "absent", after, "the cluster needs it")),
        State::Differs(fields) => {
            Some(Change::new(name, "otherwise", after, format!("{} differ", fields.join(", "))))
        }
    }
}

/// Puts the digest of the object into it.
fn annotate(body: &mut Value) {
    let digest = Digest::of(body.to_string().as_bytes());
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
        annotations[APPLIED] = json!(digest.to_string());
    }
}

/// What there is of a template's objects.
#[derive(Default)]
pub(crate) struct Seen {
    objects: Vec<(Document, State)>,
    /// Workloads that a cut run was about to start anew.
    marked: Vec<String>,
}

impl Seen {
    /// Workloads whose pods may run with what a `ConfigMap` of this template was, and should not be any more. Where their
    /// own template changes with it, they are started anew by that.
    fn to_roll(&self) -> impl Iterator<Item = &Document> {
        let wrong = |(document, state): &(Document, State)| {
            document.object.kind == "ConfigMap" && matches!(state, State::Differs(_) | State::Missing)
        };
        let any = self.objects.iter().any(wrong);
        self.objects.iter().filter_map(move |(document, state)| {
            let rolls_itself = match state {
                State::Same => false,
                State::Missing => true,
                State::Differs(fields) => fields.iter().any(|field| field.ends_with(READS)),
            };
            let marked = self.marked.contains(&document.object.to_string());
            (reads_at_start(document) && (marked || any && !rolls_itself)).then_some(document)
        })
    }
}

/// Whether a workload's pods read a `ConfigMap` of the same template when they start, and only then.
fn reads_at_start(document: &Document) -> bool {
    let annotations = document.body.pointer("/spec/template/metadata/annotations");
    annotations.is_some_and(|annotations| annotations.get(READS).is_some())
}

impl ClusterAct for Manifest {
    type Seen = Seen;

    async fn observe(&self, eyes: &ClusterEyes<'_>, ctx: &Ctx<'_>) -> Result<Self::Seen, StepError> {
        let documents = self.documents(ctx)?;
        let Some(api) = &eyes.api else {
            let objects = documents.into_iter().map(|document| (document, State::Missing)).collect();
            let expect = self.diff(&Seen { objects, marked: vec![] }, ctx)?;
            return Err(kubeadm::cannot_be_asked(&eyes.probe, ctx, kubeadm::SILENT, expect).await);
        };
        let mut seen = Seen::default();
        for document in documents {
            let name = document.object.to_string();
            let comparing = || StepError::below(format!("comparing {name}"));
            let state = api.compare(&document).await.map_err(comparing())?;
            if reads_at_start(&document) {
                let live = api.get(&document.object).await.map_err(comparing())?;
                let annotations = live.and_then(|live| live.metadata.annotations).unwrap_or_default();
                seen.marked.extend(annotations.contains_key(ROLL).then(|| name.clone()));
            }
            seen.objects.push((document, state));
        }
        Ok(seen)
    }

    fn diff(&self, seen: &Self::Seen, _ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let after = format!("as in templates/{}", self.template);
        let objects =
            seen.objects.iter().filter_map(|(one, state)| change(&one.object.to_string(), state, &after));
        let reason = "they read their configuration at the start only, and it was another one";
        let roll = |one: &Document| {
            Change::new(format!("{PODS}{}", one.object), "started before", "started anew", reason)
        };
        Ok(objects.chain(seen.to_roll().map(roll)).collect())
    }

    async fn differences(&self, eyes: &ClusterEyes<'_>, ctx: &Ctx<'_>) -> Result<Vec<Difference>, StepError> {
        let mut found = vec![];
        for document in self.documents(ctx)? {
            let what = document.object.to_string();
            let fields = match &eyes.api {
                None => None,
                Some(api) => {
                    let asked = api.differences(&document).await;
                    asked.map_err(StepError::below(format!("comparing {what}")))?
                }
            };
            match fields {
                Some(fields) if fields.is_empty() => {}
                Some(fields) => found.push(Difference::Fields { what, fields }),
                None if document.object.kind == "Secret" => found.push(Difference::secret(&what)),
                None => {
                    let text = serde_yaml::to_string(&document.body);
                    let after = text.map_err(StepError::below(format!("writing {what}")))?;
                    found.push(Difference::Text { what, before: None, after });
                }
            }
        }
        Ok(found)
    }

    async fn apply(
        &self,
        hands: &ClusterHands<'_>,
        ctx: &Ctx<'_>,
        changes: &[Change],
    ) -> Result<(), StepError> {
        let api = hands.api()?;
        let all = self.documents(ctx)?;
        let wanted = |what: &str| changes.iter().any(|change| change.what == what);
        let (rolled, documents): (Vec<&Document>, Vec<Document>) = (
            all.iter().filter(|one| wanted(&format!("{PODS}{}", one.object))).collect(),
            all.iter().filter(|one| wanted(&one.object.to_string())).cloned().collect(),
        );
        // a run that is cut between the two finds the mark
        for one in &rolled {
            mark(api, one, json!({"metadata": {"annotations": {ROLL: "wanted"}}})).await?;
        }
        let applied = api.apply(&documents, LIMIT, &|why| ctx.note(why)).await;
        applied.map_err(StepError::below(format!("applying templates/{}", self.template)))?;
        for one in rolled {
            let live =
                api.get(&one.object).await.map_err(StepError::below(format!("asking for {}", one.object)))?;
            let generation = live.and_then(|live| live.metadata.generation).unwrap_or_default().to_string();
            let template = json!({"metadata": {"annotations": {ROLLED: generation}}});
            let patch = json!({"metadata": {"annotations": {ROLL: null}}, "spec": {"template": template}});
            mark(api, one, patch).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use sealift_k8s::{Document, ObjectRef, Seen as State};
    use serde_json::{Value, json};

    use super::{APPLIED, READS, Seen, annotate};

    fn of(kind: &str, body: Value) -> Document {
        Document { object: ObjectRef::new("v1", kind, Some("n"), "x"), body }
    }

    #[test]
    fn pods_that_read_a_mended_configuration_are_started_anew_unless_they_are_anyhow() {
        let reads =
            || of("Deployment", json!({"spec": {"template": {"metadata": {"annotations": {READS: "1"}}}}}));
        let differs = |field: &str| State::Differs(vec![field.to_owned()]);
        let rolls = |map: State, workload: State| {
            let objects = vec![
                (of("ConfigMap", json!({})), map),
                (reads(), workload),
                (of("Deployment", json!({})), State::Same),
            ];
            Seen { objects, marked: vec![] }.to_roll().count()
        };
        assert_eq!(rolls(State::Same, State::Same), 0);
        assert_eq!(rolls(differs("data.Corefile"), State::Same), 1);
        assert_eq!(rolls(State::Missing, differs("spec.replicas")), 1);
        assert_eq!(rolls(State::Missing, State::Missing), 0, "it is made after its configuration");
        let template = format!("spec.template.metadata.annotations.{READS}");
        assert_eq!(
            rolls(differs("data.Corefile"), differs(&template)),
            0,
            "it is started anew by its template"
        );
        let cut = Seen { objects: vec![(reads(), State::Same)], marked: vec!["Deployment n/x".to_owned()] };
        assert_eq!(cut.to_roll().count(), 1);
    }

    #[test]
    fn the_annotation_changes_with_the_content_only() {
        let annotated = |data: i32| {
            let mut body = json!({"metadata": {"name": "x", "annotations": {"other": "kept"}}, "data": data});
            annotate(&mut body);
            assert_eq!(body["metadata"]["annotations"]["other"], "kept");
            body["metadata"]["annotations"][APPLIED].clone()
        };
        assert_eq!(annotated(1), annotated(1));
        assert_ne!(annotated(1), annotated(2));
    }
}
