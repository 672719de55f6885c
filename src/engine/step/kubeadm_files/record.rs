//! What kubeadm left on a node, kept right after it: the content of what is no secret, mode and place of what is.

use std::collections::BTreeMap;

use sealift_node::{Mutate, PathKind, Probe};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::receipt;
use super::group::Group;
use crate::StepError;

/// A manifest or a kubeconfig has some KiB.
const LIMIT: u64 = 1 << 20;

/// What kubeadm left of one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    schema: u32,
    pub(super) files: BTreeMap<String, Left>,
}

/// A file or folder as kubeadm left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Left {
    pub(super) folder: bool,
    pub(super) mode: u32,
    /// What is in it, where that is no secret and nothing else rightly changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<String>,
    /// Of a kubeconfig with keys in it: where it leads. Its certificate may be renewed, its server may not change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) server: Option<String>,
}

impl Record {
    /// The record of a group; none on a node that was made before there were any.
    pub(super) async fn read(probe: &Probe<'_>, group: Group) -> Result<Option<Self>, StepError> {
        receipt::read(probe, group.receipt()).await
    }

    /// Keeps how a group is now.
    pub(super) async fn write(mutate: &Mutate<'_>, group: Group) -> Result<(), StepError> {
        let mut files = BTreeMap::new();
        for path in group.paths(mutate).await? {
            if let Some(left) = Left::of(mutate, &path).await? {
                files.insert(path, left);
            }
        }
        receipt::write_private(mutate, group.receipt(), &Self { schema: receipt::SCHEMA, files }).await
    }
}

impl Left {
    async fn of(probe: &Probe<'_>, path: &str) -> Result<Option<Self>, StepError> {
        let Some(stat) = probe.stat(path).await? else { return Ok(None) };
        let mut left =
            Self { folder: stat.kind == PathKind::Dir, mode: stat.mode, content: None, server: None };
        if stat.kind != PathKind::File || !is_text_of_interest(path) {
            return Ok(Some(left));
        }
        let text = probe.read_file(path, LIMIT).await?.and_then(|bytes| String::from_utf8(bytes).ok());
        if text.as_ref().is_some_and(|text| holds_a_key(text)) {
            left.server = text.as_deref().and_then(server);
        } else {
            left.content = text;
        }
        Ok(Some(left))
    }
}

/// Not keys, and not certificates that are renewed.
fn is_text_of_interest(path: &str) -> bool {
    [".yaml", ".env", ".conf", "ca.crt"].iter().any(|ending| path.ends_with(ending))
}

fn holds_a_key(text: &str) -> bool {
    text.contains("client-key-data") || text.contains("PRIVATE KEY") || text.contains("token:")
}

/// Where a kubeconfig leads; none when it is none.
fn server(text: &str) -> Option<String> {
    let kubeconfig: Value = serde_yaml::from_str(text).ok()?;
    kubeconfig.pointer("/clusters/0/cluster/server")?.as_str().map(str::to_owned)
}

/// Where the kubeconfig at a path leads; `nowhere` for one that cannot be read as one.
pub(super) async fn server_of(probe: &Probe<'_>, path: &str) -> Result<String, StepError> {
    let bytes = probe.read_file(path, LIMIT).await?.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let whole = holds_a_key(&text).then(|| server(&text)).flatten();
    Ok(whole.unwrap_or_else(|| "nowhere".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Record, holds_a_key, is_text_of_interest, server};
    use crate::step::receipt::tests::found;

    #[tokio::test]
    async fn the_receipt_of_the_first_schema_is_read_for_ever() {
        let text = include_str!("../receipts_v1/kubeadm-files.json");
        let files = found::<Record>(text).await.unwrap().unwrap().files;
        assert!(files["/etc/kubernetes/pki"].folder);
        assert!(files["/etc/kubernetes/admin.conf"].server.is_some());
        assert!(files["/etc/kubernetes/pki/ca.crt"].content.is_some());
    }

    #[test]
    fn keys_are_never_kept() {
        for path in
            ["/etc/kubernetes/pki/ca.key", "/etc/kubernetes/pki/apiserver.crt", "/etc/kubernetes/pki/sa.pub"]
        {
            assert!(!is_text_of_interest(path), "{path}");
        }
        for path in ["/etc/kubernetes/pki/etcd/ca.crt", "/var/lib/kubelet/kubeadm-flags.env"] {
            assert!(is_text_of_interest(path), "{path}");
        }
        let text = "clusters:\n- cluster: {server: 'https://api:6443'}\n  name: c\nusers:\n- user: {client-key-data: aGk=}\n";
        assert!(holds_a_key(text) && server(text).as_deref() == Some("https://api:6443"));
        assert!(!holds_a_key(
            "users:\n- user: {client-key: /var/lib/kubelet/pki/kubelet-client-current.pem}\n"
        ));
        assert_eq!(server("rubbish"), None);
    }
}
