//! Objects in the cluster, from a template.

use std::time::Duration;

use sealift_k8s::{Document, Seen as State, documents};
use sealift_stream::Digest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::act::ClusterAct;
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

/// Puts the digest of the object into it.
fn annotate(body: &mut Value) {
    let digest = Digest::of(body.to_string().as_bytes());
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
        annotations[APPLIED] = json!(digest.to_string());
    }
}

impl ClusterAct for Manifest {
    /// Objects that are not as they should be, by name, and how they are.
    type Seen = Vec<(String, State)>;

    async fn observe(&self, eyes: &ClusterEyes<'_>, ctx: &Ctx<'_>) -> Result<Self::Seen, StepError> {
        let documents = self.documents(ctx)?;
        let Some(api) = &eyes.api else {
            let missing =
                documents.iter().map(|document| (document.object.to_string(), State::Missing)).collect();
            return Err(StepError::NotYet {
                why: "the cluster's API does not answer".to_owned(),
                expect: self.diff(&missing, ctx)?,
            });
        };
        let mut seen = vec![];
        for document in documents {
            let name = document.object.to_string();
            let state =
                api.compare(&document).await.map_err(StepError::below(format!("comparing {name}")))?;
            seen.push((name, state));
        }
        Ok(seen)
    }

    fn diff(&self, seen: &Self::Seen, _ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let after = format!("as in templates/{}", self.template);
        let change = |(name, state): &(String, State)| match state {
            State::Same => None,
            State::Missing => Some(Change::new(name, "absent", &after, "the cluster needs it")),
            State::Differs(fields) => {
                Some(Change::new(name, "otherwise", &after, format!("{} differ", fields.join(", "))))
            }
        };
        Ok(seen.iter().filter_map(change).collect())
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
        _changes: &[Change],
    ) -> Result<(), StepError> {
        let documents = self.documents(ctx)?;
        let applied = hands.api()?.apply(&documents, LIMIT, &|why| ctx.note(why)).await;
        applied.map(drop).map_err(StepError::below(format!("applying templates/{}", self.template)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{APPLIED, annotate};

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
