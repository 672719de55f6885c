//! A Helm chart of the bundle, installed by the bundle's helm on the first control plane.

use std::time::Duration;

use sealift_bundle::{ChartItem, Item, ItemKind};
use sealift_k8s::{Document, ObjectRef, Reader, Seen as State};
use sealift_node::{Command, JobState, Mutate, Probe};
use sealift_stream::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::act::ClusterAct;
use super::binary::kept;
use super::{kubeadm, manifest, release};
use crate::filters::merge;
use crate::{Change, ClusterEyes, ClusterHands, Ctx, Job, StepError, blobs};

/// A chart, as a release of the same name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chart {
    /// Its name in the bundle.
    name: String,
    /// A template of values laid over the recipe's.
    #[serde(default)]
    values: Option<String>,
}

/// A label of helm's release record: what the release was made from. helm keeps it with every revision, so that the
/// cluster itself says whether chart and values are ours, whoever ran helm last.
const INPUTS: &str = "sealift.dev/inputs";
const DIR: &str = "/var/lib/sealift/charts";
/// helm and its client library keep caches below it.
const HOME: &str = "/var/lib/sealift/helm";
const SECONDS: u64 = 900;
/// helm's field manager: its program's name.
const HELM: &str = "helm";
/// How long to try while the cluster comes up, e.g. until a webhook's pod runs.
const LIMIT: Duration = Duration::from_mins(5);

/// helm's newest record of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Release {
    revision: u32,
    status: String,
    inputs: Option<String>,
    /// The record's own name, a Secret.
    record: String,
}

/// What there is of a chart: helm's record, its objects as they are, and what a cut run left on the first control plane.
pub(crate) struct Seen {
    release: Option<Release>,
    /// Of a release that is ours and whole, the objects that are not as helm made them.
    objects: Vec<(Document, State)>,
    left: Vec<String>,
}

struct Wanted<'a> {
    item: &'a Item,
    chart: &'a ChartItem,
    values: Value,
    inputs: String,
}

impl Chart {
    fn wanted<'a>(&self, ctx: &Ctx<'a>) -> Result<Wanted<'a>, StepError> {
        let item = ctx.bundle()?.item(ItemKind::Chart, &self.name);
        let (item, chart) =
            item.and_then(|item| Some((item, item.chart.as_ref()?))).ok_or_else(|| StepError::Refused {
                what: format!("chart {}", self.name),
                why: "is not in the bundle".to_owned(),
                next: Some("add it to the recipe's charts and pack again".to_owned()),
            })?;
        let mut values = if chart.values.is_null() { serde_json::json!({}) } else { chart.values.clone() };
        if let Some(template) = &self.values {
            let over = serde_yaml::from_str(&ctx.render(template)?)
                .map_err(StepError::below(format!("reading templates/{template}")))?;
            merge(&mut values, over);
        }
        let whole = format!("{} {} {values}", item.digest, chart.namespace);
        let inputs = Digest::of(whole.as_bytes()).to_string();
        // a label's value has at most 63 characters, and no colon
        let inputs = inputs.rsplit(':').next().unwrap_or_default().chars().take(40).collect();
        Ok(Wanted { item, chart, values, inputs })
    }

    fn job(&self) -> String {
        format!("helm-{}", self.name)
    }
}

impl ClusterAct for Chart {
    type Seen = Seen;

    fn own_unit(&self) -> Option<Job> {
        Some(Job { unit: format!("sealift-job-{}", self.job()), limit: SECONDS })
    }

    async fn observe(&self, eyes: &ClusterEyes<'_>, ctx: &Ctx<'_>) -> Result<Seen, StepError> {
        let wanted = self.wanted(ctx)?;
        let left = left(&eyes.probe, &wanted).await?;
        let Some(api) = &eyes.api else {
            let expect = self.diff(&Seen { release: None, objects: vec![], left }, ctx)?;
            return Err(kubeadm::cannot_be_asked(&eyes.probe, ctx, kubeadm::SILENT, expect).await);
        };
        let selector = format!("owner=helm,name={}", self.name);
        let records = api.list("v1", "Secret", Some(&wanted.chart.namespace), &selector).await;
        let records =
            records.map_err(StepError::below(format!("asking for helm's record of {}", self.name)))?;
        let releases = records.iter().filter_map(|record| {
            let labels = record.metadata.labels.as_ref()?;
            let release = Release {
                revision: labels.get("version")?.parse().ok()?,
                status: labels.get("status")?.clone(),
                inputs: labels.get(INPUTS).cloned(),
                record: record.metadata.name.clone()?,
            };
            Some((release, &record.data))
        });
        let newest = releases.max_by_key(|(release, _)| release.revision);
        let objects = match &newest {
            Some((release, record)) if release.is(&wanted) => {
                let objects = release::objects(record, &self.name)?;
                otherwise(api, objects, &wanted.chart.namespace).await?
            }
            _ => vec![],
        };
        Ok(Seen { release: newest.map(|(release, _)| release), objects, left })
    }

    fn diff(&self, seen: &Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let wanted = self.wanted(ctx)?;
        let (before, reason) = match &seen.release {
            None => ("absent".to_owned(), "the playbook installs it"),
            Some(release) if release.status.starts_with("pending") => (
                format!("revision {}, {}", release.revision, release.status),
                "helm was cut off while it worked on it",
            ),
            Some(release) if release.status != "deployed" => {
                (format!("revision {}, {}", release.revision, release.status), "helm did not finish it")
            }
            Some(release) if !release.is(&wanted) => {
                (format!("revision {}", release.revision), "it was made from another chart or other values")
            }
            Some(_) => {
                let after = format!("as in chart {} {}", self.name, wanted.item.version);
                let objects = seen.objects.iter().filter_map(|(document, state)| {
                    manifest::change(&document.object.to_string(), state, &after)
                });
                let reason = "a run was cut after helm had finished";
                let left = seen.left.iter().map(|path| Change::new(path, "left behind", "absent", reason));
                return Ok(objects.chain(left).collect());
            }
        };
        let after = format!("{} in {}", wanted.item.version, wanted.chart.namespace);
        Ok(vec![Change::new(self.what(), before, after, reason)])
    }

    async fn apply(
        &self,
        hands: &ClusterHands<'_>,
        ctx: &Ctx<'_>,
        changes: &[Change],
    ) -> Result<(), StepError> {
        let wanted = self.wanted(ctx)?;
        let mutate = &hands.mutate;
        if !changes.iter().any(|change| change.what == self.what()) {
            self.mend_objects(hands, ctx).await?;
            return clean(mutate, &wanted).await;
        }
        let probe: &Probe<'_> = mutate;
        if probe.job_state(&self.job()).await? == Some(JobState::Running) {
            // an earlier run's: whatever it makes of the release is looked at when it has ended
            probe.job_end(&self.job()).await?;
            return clean(mutate, &wanted).await;
        }
        self.drop_unfinished(hands, ctx, &wanted).await?;
        let archive = format!("{DIR}/{}-{}.tgz", self.name, wanted.item.version);
        let values = format!("{DIR}/{}.values.yaml", self.name);
        let text = serde_yaml::to_string(&wanted.values)
            .map_err(StepError::below(format!("writing values of {}", self.name)))?;
        blobs::send_file(ctx, mutate, wanted.item.digest, wanted.item.size).await?;
        mutate.install_blob(wanted.item.digest, &archive, 0o644).await?;
        mutate.write_file(&values, text.into_bytes(), 0o600).await?;
        let label = format!("{INPUTS}={}", wanted.inputs);
        let argv = [
            "/usr/local/bin/helm",
            "upgrade",
            "--install",
            &self.name,
            &archive,
            "--namespace",
            &wanted.chart.namespace,
            "--create-namespace",
            "--values",
            &values,
            "--labels",
            &label,
        ];
        let command = Command::new(argv)
            .env("HOME", HOME)
            .env("KUBECONFIG", "/etc/kubernetes/admin.conf")
            .timeout(SECONDS);
        let output = mutate.job(&self.job(), command.clone()).await?;
        if output.status != 0 {
            return Err(StepError::program(&command.argv, &output));
        }
        clean(mutate, &wanted).await
    }
}

impl Chart {
    fn what(&self) -> String {
        format!("chart {}", self.name)
    }

    /// Makes objects that somebody changed or deleted what helm made them, under helm's own name, so that its next
    /// upgrade finds no other owner. The release stays the revision that it is.
    async fn mend_objects(&self, hands: &ClusterHands<'_>, ctx: &Ctx<'_>) -> Result<(), StepError> {
        let seen = self.observe(&ctx.eyes().await?, ctx).await?;
        let documents: Vec<Document> = seen.objects.into_iter().map(|(document, _)| document).collect();
        let applied = hands.api()?.named(HELM).apply(&documents, LIMIT, &|why| ctx.note(why)).await;
        applied.map(drop).map_err(StepError::below(format!("mending objects of chart {}", self.name)))
    }

    /// helm refuses to work on a release that says it is being worked on. Nobody works on it (no job runs), so the
    /// record is what a kill left behind. Objects that were made already carry the release's name and are taken over.
    async fn drop_unfinished(
        &self,
        hands: &ClusterHands<'_>,
        ctx: &Ctx<'_>,
        wanted: &Wanted<'_>,
    ) -> Result<(), StepError> {
        let eyes = ctx.eyes().await?;
        if let Some(release) =
            self.observe(&eyes, ctx).await?.release.filter(|release| release.status.starts_with("pending"))
        {
            ctx.note(format!(
                "{} was cut off in revision {}; its record is dropped",
                self.name, release.revision
            ));
            let record = ObjectRef::new("v1", "Secret", Some(&wanted.chart.namespace), &release.record);
            hands
                .api()?
                .delete(&record)
                .await
                .map_err(StepError::below(format!("dropping helm's record of {}", self.name)))?;
        }
        Ok(())
    }
}

impl Release {
    /// Whether it is whole and made from what is wanted.
    fn is(&self, wanted: &Wanted<'_>) -> bool {
        self.status == "deployed" && self.inputs.as_deref() == Some(&wanted.inputs)
    }
}

/// Of a release's objects those that are not in the cluster as helm made them.
async fn otherwise(
    api: &Reader,
    objects: Vec<Document>,
    namespace: &str,
) -> Result<Vec<(Document, State)>, StepError> {
    let mut found = vec![];
    for document in objects {
        let name = document.object.to_string();
        let comparing = || StepError::below(format!("comparing {name}"));
        let document = api.placed(document, namespace).await.map_err(comparing())?;
        let plain = Document { body: release::without_bundles(document.body.clone()), ..document.clone() };
        match api.compare(&plain).await.map_err(comparing())? {
            State::Same => {}
            state => found.push((document, state)),
        }
    }
    Ok(found)
}

/// Of what helm's job needs there, what is still there.
async fn left(probe: &Probe<'_>, wanted: &Wanted<'_>) -> Result<Vec<String>, StepError> {
    let mut left = vec![];
    for path in [kept(wanted.item), DIR.to_owned(), HOME.to_owned()] {
        if probe.stat(&path).await?.is_some() {
            left.push(path);
        }
    }
    Ok(left)
}

async fn clean(mutate: &Mutate<'_>, wanted: &Wanted<'_>) -> Result<(), StepError> {
    mutate.drop_blobs(vec![wanted.item.digest]).await?;
    mutate.remove(DIR).await?;
    Ok(mutate.remove(HOME).await?)
}
