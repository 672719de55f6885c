//! The groups of what kubeadm makes on a node, and where their files lie.

use sealift_node::Probe;
use serde::{Deserialize, Serialize};

use crate::StepError;

/// Which of what kubeadm made.
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

pub(super) const MANIFESTS: &str = "/etc/kubernetes/manifests";
const PKI: &str = "/etc/kubernetes/pki";
const CA: &str = "/etc/kubernetes/pki/ca.crt";
const KUBELET_CONF: &str = "/etc/kubernetes/kubelet.conf";
const BOOTSTRAP_CONF: &str = "/etc/kubernetes/bootstrap-kubelet.conf";

impl Group {
    pub(super) fn receipt(self) -> &'static str {
        match self {
            Self::Credentials => "kubeadm-credentials",
            Self::Kubelet => "kubeadm-kubelet",
            Self::StaticPods => "kubeadm-static-pods",
        }
    }

    /// What there is of it on a node.
    pub(super) async fn paths(self, probe: &Probe<'_>) -> Result<Vec<String>, StepError> {
        let below = async |folder: &str, ending: &str| -> Result<Vec<String>, StepError> {
            let names = probe.list_dir(folder).await?.unwrap_or_default();
            let wanted = names.into_iter().filter(|name| name.ends_with(ending) && !name.starts_with('.'));
            Ok(wanted.map(|name| format!("{folder}/{name}")).collect())
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
