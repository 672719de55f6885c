//! What mends a path of kubeadm's: its content or mode as they were, or the phase of kubeadm that makes it.

use std::time::Duration;

use sealift_k8s::{Seen as Compared, documents};
use sealift_node::Mutate;
use sealift_stream::Digest;

use super::super::mode::Mode;
use super::super::{file, kubeadm};
use super::fault::{Fault, Mend};
use super::group::Group;
use super::record::Left;
use crate::{Ctx, StepError};

/// How long a control plane's pod may take until it runs by its mended manifest.
const PATIENCE: Duration = Duration::from_mins(5);

/// Mends one fault; `left` is how kubeadm left the path, none when it is not one of kubeadm's.
pub(super) async fn mend(
    mutate: &Mutate<'_>,
    ctx: &Ctx<'_>,
    group: Group,
    fault: &Fault,
    left: Option<&Left>,
) -> Result<(), StepError> {
    let path = &fault.path;
    let Some(left) = left else { return Ok(mutate.set_aside(path).await?) };
    match (&fault.mend, &left.content) {
        (Mend::Write, Some(content)) => {
            let digest = Digest::of(content.as_bytes());
            if file::keeps_content(mutate, path, digest, Mode::of(left.mode)).await? {
                return Ok(());
            }
            mutate.write_file(path, content.clone(), left.mode).await?;
            if group == Group::StaticPods {
                ctx.leave_when_asked(runs(ctx, content)).await?;
            }
        }
        (Mend::Mode, _) => mutate.set_mode(path, left.mode).await?,
        (Mend::Phase(words), _) => make_again(mutate, ctx, path, words).await?,
        _ => {}
    }
    Ok(())
}

/// Has kubeadm make a file again. It keeps what is there, and of a certificate it wants both halves or none.
async fn make_again(
    mutate: &Mutate<'_>,
    ctx: &Ctx<'_>,
    path: &str,
    phase: &[String],
) -> Result<(), StepError> {
    let stem = path.strip_suffix(".crt").or(path.strip_suffix(".key"));
    let gone = stem.map_or(vec![path.to_owned()], |stem| vec![format!("{stem}.crt"), format!("{stem}.key")]);
    for path in gone {
        mutate.remove(&path).await?;
    }
    kubeadm::phase(mutate, ctx, &phase.iter().map(String::as_str).collect::<Vec<_>>()).await
}

/// Waits until the pod of a manifest runs by it: one after another, so that what is asked through it answers again.
async fn runs(ctx: &Ctx<'_>, manifest: &str) -> Result<(), StepError> {
    let found = documents(manifest, "the manifest").map_err(StepError::below("reading a manifest"))?;
    let Some(mut pod) = found.into_iter().next() else { return Ok(()) };
    // kubelet shows a static pod to the API under the node's name
    pod.object.name = format!("{}-{}", pod.object.name, ctx.lane());
    if let Some(metadata) = pod.body["metadata"].as_object_mut() {
        metadata.insert("name".to_owned(), pod.object.name.clone().into());
        // older kubeadms write the empty field of the type
        metadata.shift_remove("creationTimestamp");
    }
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(api) = ctx.eyes().await?.api
            && api.compare(&pod).await.is_ok_and(|compared| compared == Compared::Same)
            && api.get(&pod.object).await.is_ok_and(|live| live.is_some_and(|live| is_ready(&live.data)))
        {
            return Ok(());
        }
        if tokio::time::Instant::now() >= until {
            return Err(StepError::Refused {
                what: pod.object.to_string(),
                why: format!("does not run by its manifest {} s after that was mended", PATIENCE.as_secs()),
                next: Some("look at `journalctl -u kubelet` and /var/log/pods there".to_owned()),
            });
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn is_ready(pod: &serde_json::Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(serde_json::Value::as_array);
    conditions.is_some_and(|all| all.iter().any(|one| one["type"] == "Ready" && one["status"] == "True"))
}
