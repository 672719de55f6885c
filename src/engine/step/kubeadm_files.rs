//! What kubeadm made on a node is as it made it.
//!
//! kubeadm has no verb that says what is wrong with it, and running one only to see is no question. So what it left is
//! kept right after it ended (docs/decisions/0024-what-kubeadm-made.md), and held against what is there.

mod record;

use std::collections::BTreeMap;
use std::time::Duration;

use sealift_k8s::{Seen as Compared, documents};
use sealift_node::{Mutate, PathKind, Probe};
use sealift_stream::Digest;
use serde::{Deserialize, Serialize};

use super::act::NodeAct;
use super::mode::Mode;
use super::{file, kubeadm};
use crate::{Change, Ctx, Difference, StepError};
use record::{Left, Record, server_of};

/// One group of what kubeadm made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KubeadmFiles {
    group: Group,
}

/// Which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Group {
    /// Keys, certificates and kubeconfigs: there, with their modes; whose content is secret it is never kept.
    Credentials,
    /// What kubelet reads at its start, and the cluster's authority.
    Kubelet,
    /// Static pods: exactly these manifests.
    StaticPods,
}

const MANIFESTS: &str = "/etc/kubernetes/manifests";
const PKI: &str = "/etc/kubernetes/pki";
const CA: &str = "/etc/kubernetes/pki/ca.crt";
const KUBELET_CONF: &str = "/etc/kubernetes/kubelet.conf";
const BOOTSTRAP_CONF: &str = "/etc/kubernetes/bootstrap-kubelet.conf";
/// How long a control plane's pod may take until it runs by its mended manifest.
const PATIENCE: Duration = Duration::from_mins(5);

/// What is wrong with a path, and what mends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    path: String,
    before: String,
    after: String,
    mend: Mend,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mend {
    /// Its content, its mode and its owner.
    Write,
    Mode,
    /// A phase of kubeadm makes it again.
    Phase(Vec<String>),
    SetAside,
    /// Nothing here can make it again.
    Lost,
}

pub(crate) enum Seen {
    /// kubeadm has not come to its end: that is for its own steps.
    Before,
    Unrecorded,
    Faults(Vec<Fault>, Record),
}

impl Group {
    fn receipt(self) -> &'static str {
        match self {
            Self::Credentials => "kubeadm-credentials",
            Self::Kubelet => "kubeadm-kubelet",
            Self::StaticPods => "kubeadm-static-pods",
        }
    }

    /// What there is of it on a node.
    async fn paths(self, probe: &Probe<'_>) -> Result<Vec<String>, StepError> {
        let below = async |folder: &str, ending: &str| -> Result<Vec<String>, StepError> {
            let names = probe.list_dir(folder).await?.unwrap_or_default();
            let named = names.into_iter().filter(|name| name.ends_with(ending) && !name.starts_with('.'));
            Ok(named.map(|name| format!("{folder}/{name}")).collect())
        };
        Ok(match self {
            Self::Kubelet => {
                let files = ["config.yaml", "kubeadm-flags.env", "instance-config.yaml"];
                let files = files.iter().map(|name| format!("/var/lib/kubelet/{name}"));
                files.chain([KUBELET_CONF.to_owned(), CA.to_owned()]).collect()
            }
            Self::StaticPods => [vec![MANIFESTS.to_owned()], below(MANIFESTS, "").await?].concat(),
            Self::Credentials => {
                let folders = ["/etc/kubernetes", PKI, "/etc/kubernetes/pki/etcd", "/var/lib/etcd"];
                let mut paths: Vec<String> = folders.iter().map(|path| (*path).to_owned()).collect();
                for ending in [".crt", ".key", ".pub"] {
                    paths.extend(below(PKI, ending).await?);
                    paths.extend(below("/etc/kubernetes/pki/etcd", ending).await?);
                }
                paths.extend(below("/etc/kubernetes", ".conf").await?);
                // the one with the join's token is taken away by kubeadm itself, in its own time
                paths.retain(|path| ![CA, KUBELET_CONF, BOOTSTRAP_CONF].contains(&path.as_str()));
                paths
            }
        })
    }
}

/// Keeps how kubeadm left all groups.
pub(crate) async fn record_all(mutate: &Mutate<'_>) -> Result<(), StepError> {
    for group in [Group::Credentials, Group::Kubelet, Group::StaticPods] {
        Record::write(mutate, group).await?;
    }
    Ok(())
}

/// The phase of `kubeadm init` that makes a file again from the authorities that are there; none for the authorities
/// themselves and for the key that signs the accounts' tokens.
fn phase(path: &str) -> Option<Vec<String>> {
    let name = path.strip_prefix("/etc/kubernetes/")?;
    let words = if let Some(name) = name.strip_suffix(".conf").filter(|name| *name != "kubelet") {
        ["kubeconfig".to_owned(), name.to_owned()]
    } else {
        let name = name.strip_prefix("pki/")?.rsplit_once('.')?.0.replace('/', "-");
        if name == "sa" || name.ends_with("ca") {
            return None;
        }
        ["certs".to_owned(), name]
    };
    Some(words.into())
}

/// What is wrong with one path.
async fn fault(probe: &Probe<'_>, path: &str, left: &Left) -> Result<Option<Fault>, StepError> {
    let fault =
        |before: String, after: String, mend| Some(Fault { path: path.to_owned(), before, after, mend });
    let mode = Mode::of(left.mode);
    if let Some(content) = &left.content {
        let seen = file::Seen::of(probe, path).await?;
        let wrong = seen.against(path, Digest::of(content.as_bytes()), mode, true)?;
        return Ok(wrong.and_then(|(before, after)| fault(before, after, Mend::Write)));
    }
    let again = phase(path).map_or(Mend::Lost, Mend::Phase);
    let kind = if left.folder { PathKind::Dir } else { PathKind::File };
    Ok(match probe.stat(path).await? {
        None => fault("absent".to_owned(), "made again".to_owned(), again),
        Some(stat) if stat.kind != kind => fault("something else".to_owned(), "made again".to_owned(), again),
        Some(stat) if (stat.mode, stat.uid, stat.gid) != (left.mode, 0, 0) => fault(
            format!("mode {:04o}, owner {}:{}", stat.mode, stat.uid, stat.gid),
            format!("mode {mode}, owner 0:0"),
            Mend::Mode,
        ),
        Some(_) => match &left.server {
            None => None,
            Some(server) => {
                let leads = server_of(probe, path).await?;
                let wrong = leads != *server;
                wrong
                    .then(|| fault(format!("leads to {leads}"), format!("leads to {server}"), again))
                    .flatten()
            }
        },
    })
}

impl NodeAct for KubeadmFiles {
    type Seen = Seen;

    async fn observe(&self, probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<Seen, StepError> {
        if !kubeadm::finished(probe, ctx).await? {
            return Ok(Seen::Before);
        }
        let Some(record) = Record::read(probe, self.group).await? else { return Ok(Seen::Unrecorded) };
        let mut faults = vec![];
        for (path, left) in &record.files {
            faults.extend(fault(probe, path, left).await?);
        }
        if self.group == Group::StaticPods {
            let strangers = self.group.paths(probe).await?.into_iter();
            for path in strangers.filter(|path| !record.files.contains_key(path)) {
                let (before, after) = ("somebody else's".to_owned(), "set aside beside it".to_owned());
                faults.push(Fault { path, before, after, mend: Mend::SetAside });
            }
        }
        Ok(Seen::Faults(faults, record))
    }

    fn diff(&self, seen: &Seen, ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let faults = match seen {
            Seen::Before => return Ok(vec![]),
            Seen::Unrecorded => {
                let path = super::receipt_path(self.group.receipt());
                let reason = "nothing says how kubeadm left it; it is taken as it is now, to find what changes from here on";
                return Ok(vec![Change::new(path, "absent", "written", reason)]);
            }
            Seen::Faults(faults, _) => faults,
        };
        if let Some(lost) = faults.iter().find(|fault| fault.mend == Mend::Lost) {
            return Err(StepError::Refused {
                what: lost.path.clone(),
                why: format!("is {}, and nothing on this site can make it again", lost.before),
                next: Some("bring it back from a backup of this node; nothing was touched".to_owned()),
            });
        }
        let change = |fault: &Fault| {
            let reason = match fault.mend {
                Mend::SetAside => "kubelet runs every manifest in this folder",
                Mend::Mode => "kubeadm left it so; with another mode others may read or change it",
                _ => "it is not as kubeadm left it",
            };
            Change::new(&fault.path, &fault.before, &fault.after, ctx.because(reason.to_owned()))
        };
        Ok(faults.iter().map(change).collect())
    }

    async fn differences(&self, probe: &Probe<'_>, ctx: &Ctx<'_>) -> Result<Vec<Difference>, StepError> {
        let Seen::Faults(faults, record) = self.observe(probe, ctx).await? else { return Ok(vec![]) };
        let mut found = vec![];
        for fault in faults {
            match record.files.get(&fault.path).map(|left| left.content.clone()) {
                Some(Some(content)) => found.extend(Difference::of_file(probe, &fault.path, content).await?),
                Some(None) if matches!(fault.mend, Mend::Phase(_)) => {
                    found.push(Difference::secret(&fault.path))
                }
                _ => {}
            }
        }
        Ok(found)
    }

    async fn makes(&self, probe: &Probe<'_>, _ctx: &Ctx<'_>) -> Result<BTreeMap<String, Digest>, StepError> {
        let Some(record) = Record::read(probe, self.group).await? else { return Ok(BTreeMap::new()) };
        let known = record.files.into_iter();
        Ok(known.filter_map(|(path, left)| Some((path, Digest::of(left.content?.as_bytes())))).collect())
    }

    async fn apply(&self, mutate: &Mutate<'_>, ctx: &Ctx<'_>, _changes: &[Change]) -> Result<(), StepError> {
        let (faults, record) = match self.observe(mutate, ctx).await? {
            Seen::Before => return Ok(()),
            Seen::Unrecorded => return Record::write(mutate, self.group).await,
            Seen::Faults(faults, record) => (faults, record),
        };
        for fault in faults {
            let Some(left) = record.files.get(&fault.path) else {
                mutate.set_aside(&fault.path).await?;
                continue;
            };
            match (&fault.mend, &left.content) {
                (Mend::Write, Some(content)) => {
                    let (path, mode) = (&fault.path, Mode::of(left.mode));
                    let digest = Digest::of(content.as_bytes());
                    if file::keeps_content(mutate, path, digest, mode).await? {
                        continue;
                    }
                    mutate.write_file(path, content.clone(), left.mode).await?;
                    if self.group == Group::StaticPods {
                        ctx.leave_when_asked(runs(ctx, content)).await?;
                    }
                }
                (Mend::Mode, _) => mutate.set_mode(&fault.path, left.mode).await?,
                (Mend::Phase(words), _) => make_again(mutate, ctx, &fault.path, words).await?,
                _ => {}
            }
        }
        Ok(())
    }
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

#[cfg(test)]
mod tests {
    use super::phase;

    #[test]
    fn only_what_the_authorities_can_sign_again_is_made_again() {
        let of = |path: &str| phase(&format!("/etc/kubernetes/{path}")).map(|words| words.join(" "));
        for (path, words) in [
            ("admin.conf", "kubeconfig admin"),
            ("controller-manager.conf", "kubeconfig controller-manager"),
            ("pki/apiserver.crt", "certs apiserver"),
            ("pki/etcd/healthcheck-client.key", "certs etcd-healthcheck-client"),
        ] {
            assert_eq!(of(path).as_deref(), Some(words));
        }
        for path in ["kubelet.conf", "pki/ca.key", "pki/sa.pub", "pki/etcd/ca.crt", "pki/front-proxy-ca.key"]
        {
            assert_eq!(of(path), None, "{path}");
        }
        assert_eq!(phase("/var/lib/etcd"), None);
    }
}
