//! Against a real API server: connecting, applying, comparing, waiting, refusing.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

mod server;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Result;
use sealift_k8s::{Api, Document, K8sError, ObjectRef, Outcome, Seen, Target, Writer, documents};
use server::Server;

const LIMIT: Duration = Duration::from_mins(1);

/// The custom resource stands before its definition and its namespace on purpose.
const MANIFEST: &str = r#"
apiVersion: test.sealift.dev/v1
kind: Crate
metadata: {name: one, namespace: harbour}
spec: {weight: 7}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: harbour}
data: {colour: blue}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: crane, namespace: harbour}
spec:
  replicas: 2
  selector: {matchLabels: {app: crane}}
  template:
    metadata: {labels: {app: crane}}
    spec:
      containers:
      - {name: crane, image: "example.test/crane:1", resources: {limits: {cpu: 1000m, memory: 1024Mi}}, ports: [{containerPort: 80}]}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: crates.test.sealift.dev}
spec:
  group: test.sealift.dev
  names: {kind: Crate, plural: crates}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {weight: {type: integer}}}}}}
---
apiVersion: v1
kind: Namespace
metadata: {name: harbour}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_real_api_server() -> Result<()> {
    let server = Server::start().await?;
    let writer = server.api()?.writer();
    assert_eq!(writer.version().await?, "v1.36.4");
    applied_again_nothing_changes(&writer).await?;
    what_others_changed_is_seen_and_put_right(&writer).await?;
    a_kind_without_definition_is_named(&writer).await?;
    a_webhook_that_does_not_answer_is_waited_for(&writer).await?;
    what_is_wrong_for_good_is_told_at_once(&writer).await?;
    waiting_ends_with_reasons(&writer).await?;
    deleting_twice_is_fine(&writer).await?;
    strangers_are_refused(&server).await
}

async fn apply(writer: &Writer, documents: &[Document]) -> Result<Vec<Outcome>, K8sError> {
    let applied = writer.apply(documents, LIMIT, &|_| {}).await?;
    Ok(applied.into_iter().map(|one| one.outcome).collect())
}

async fn applied_again_nothing_changes(writer: &Writer) -> Result<()> {
    let manifest = documents(MANIFEST, "manifest")?;
    for document in &manifest {
        assert_eq!(writer.compare(document).await?, Seen::Missing, "{document:?}");
    }
    assert_eq!(apply(writer, &manifest).await?, [Outcome::Created; 5]);
    assert_eq!(apply(writer, &manifest).await?, [Outcome::Unchanged; 5]);
    for document in &manifest {
        assert_eq!(writer.compare(document).await?, Seen::Same, "{document:?}");
    }
    Ok(())
}

async fn what_others_changed_is_seen_and_put_right(writer: &Writer) -> Result<()> {
    let settings = documents(MANIFEST, "manifest")?.remove(1);
    writer
        .patch(&settings.object, &serde_json::json!({"data": {"colour": "red", "theirs": "stays"}}))
        .await?;
    assert_eq!(writer.compare(&settings).await?, Seen::Differs(vec!["data.colour".to_owned()]));
    assert_eq!(apply(writer, std::slice::from_ref(&settings)).await?, [Outcome::Changed]);
    let live = writer.get(&settings.object).await?.expect("it is there");
    assert_eq!(live.data["data"], serde_json::json!({"colour": "blue", "theirs": "stays"}));
    Ok(())
}

async fn a_kind_without_definition_is_named(writer: &Writer) -> Result<()> {
    let text = "apiVersion: nowhere.dev/v1\nkind: Ghost\nmetadata: {name: g}\n";
    let ghost = documents(text, "x")?;
    assert_eq!(writer.compare(&ghost[0]).await?, Seen::Missing);
    let error = writer.apply(&ghost, Duration::from_secs(2), &|_| {}).await.expect_err("nobody knows it");
    assert!(matches!(&error, K8sError::UnknownKind { kind, .. } if kind == "Ghost"), "{error}");
    Ok(())
}

async fn a_webhook_that_does_not_answer_is_waited_for(writer: &Writer) -> Result<()> {
    let hook = documents(
        "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: deaf}\n\
         webhooks:\n- name: deaf.test.sealift.dev\n  clientConfig: {url: \"https://127.0.0.1:1/\"}\n  \
         rules: [{apiGroups: [\"\"], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]\n  \
         sideEffects: None\n  admissionReviewVersions: [v1]\n",
        "hook",
    )?;
    assert_eq!(apply(writer, &hook).await?, [Outcome::Created]);
    assert_eq!(writer.compare(&hook[0]).await?, Seen::Same);
    let map = documents(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: late, namespace: harbour}\ndata: {a: b}\n",
        "x",
    )?;
    // the API server takes a moment to hear of a new webhook: try on fresh names until it is asked
    let started = Instant::now();
    loop {
        let error = writer.apply(&map, Duration::from_secs(3), &|_| {}).await;
        match error {
            Err(K8sError::GaveUp { last, attempts, .. }) => {
                assert!(last.contains("failed calling webhook") && attempts > 1, "{attempts}: {last}");
                break;
            }
            other => assert!(started.elapsed() < LIMIT, "the webhook was never asked: {other:?}"),
        }
        writer.delete(&map[0].object).await?;
    }
    let said = Mutex::new(Vec::new());
    let hear = |text: &str| said.lock().expect("one hearer").push(text.to_owned());
    let (applied, removed) = tokio::join!(writer.apply(&map, LIMIT, &hear), async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        writer.delete(&hook[0].object).await
    });
    assert!(removed?);
    assert_eq!(applied?[0].outcome, Outcome::Created);
    let said = said.into_inner()?;
    assert!(said.len() == 1 && said[0].contains("failed calling webhook"), "said once: {said:?}");
    Ok(())
}

async fn what_is_wrong_for_good_is_told_at_once(writer: &Writer) -> Result<()> {
    let wrong = documents("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NOT_A_NAME}\n", "x")?;
    let started = Instant::now();
    let error = writer.apply(&wrong, LIMIT, &|_| {}).await.expect_err("a wrong name");
    assert!(matches!(error, K8sError::Refused { code: 422, .. }), "{error}");
    assert!(started.elapsed() < Duration::from_secs(5), "it was not tried again");
    Ok(())
}

async fn waiting_ends_with_reasons(writer: &Writer) -> Result<()> {
    // nothing runs controllers here, so the Deployment stays as it is and its pod is ours
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: crane-1, namespace: harbour, labels: {app: crane}}\n\
               spec: {containers: [{name: crane, image: \"example.test/crane:1\"}]}\n---\n\
               apiVersion: v1\nkind: Event\nmetadata: {name: e, namespace: harbour}\ntype: Warning\nreason: FailedScheduling\n\
               message: no nodes available\ninvolvedObject: {kind: Pod, name: crane-1, namespace: harbour}\n---\n\
               apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n";
    apply(writer, &documents(pod, "pod")?).await?;
    let targets =
        [Target::deployment("harbour", "crane"), Target::Nodes(vec!["n1".to_owned(), "n2".to_owned()])];
    let progress = Mutex::new(0);
    let hear = |_: &[sealift_k8s::Stuck]| *progress.lock().expect("one hearer") += 1;
    let error =
        writer.wait_ready(&targets, Duration::from_secs(3), &hear).await.expect_err("nothing is ready");
    let text = error.to_string();
    for part in [
        "Deployment harbour/crane: its controller has not seen it yet",
        "pod crane-1 (no node yet): phase Pending",
        "last warning: FailedScheduling: no nodes available",
        "Node n1: has reported no condition yet",
        "Node n2: not there yet",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert_eq!(progress.into_inner()?, 1, "progress is told when it changes, not each second");
    writer.wait_ready(&[], Duration::from_secs(3), &|_| {}).await?;
    Ok(())
}

async fn deleting_twice_is_fine(writer: &Writer) -> Result<()> {
    let object = ObjectRef::new("v1", "ConfigMap", Some("harbour"), "settings");
    assert!(writer.delete(&object).await?);
    assert!(!writer.delete(&object).await?);
    assert!(!writer.delete(&ObjectRef::new("nowhere.dev/v1", "Ghost", None, "g")).await?);
    assert!(writer.get(&object).await?.is_none());
    Ok(())
}

/// A server under another CA is not believed, and a client of another CA is not let in.
async fn strangers_are_refused(server: &Server) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let other = server::authority()?;
    let (certificate, key) = server::issue(folder.path(), &other, "admin", "admin")?;
    let line = |text: &str, field: &str| {
        let found = text.lines().find(|line| line.trim_start().starts_with(field)).unwrap_or_default();
        found.to_owned()
    };
    let theirs = server::kubeconfig(1, &other.pem(), &certificate, &key);
    let mixed =
        |field: &str| server.kubeconfig.replace(&line(&server.kubeconfig, field), &line(&theirs, field));

    let api = Api::connect(&mixed("certificate-authority-data"), server.dial())?;
    let error = api.reader().version().await.expect_err("not our server");
    assert!(matches!(&error, K8sError::Unreachable { why, .. } if why.contains("certificate")), "{error}");

    let stranger = mixed("client-certificate-data");
    let stranger = stranger.replace(&line(&stranger, "client-key-data"), &line(&theirs, "client-key-data"));
    let error = Api::connect(&stranger, server.dial())?.reader().version().await.expect_err("not one of us");
    assert!(
        matches!(&error, K8sError::Refused { code: 401 | 403, .. } | K8sError::Unreachable { .. }),
        "{error}"
    );
    Ok(())
}
