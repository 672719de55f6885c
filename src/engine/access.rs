//! Eyes and hands on the cluster: its API, and its first control plane, which is the way to it (law 9).

use std::sync::Arc;

use sealift_k8s::{Api, Reader, Writer};
use sealift_node::{Host, Mutate, Probe};

use crate::StepError;

/// Where kubeadm puts the administrator's kubeconfig on a control plane.
const ADMIN_CONF: &str = "/etc/kubernetes/admin.conf";
/// A kubeconfig is a few KiB.
const KUBECONFIG_LIMIT: u64 = 1 << 20;
/// The API server as its own node sees it; the certificate is checked under the name in the kubeconfig.
const API_ADDRESS: &str = "127.0.0.1:6443";

/// For observing: can only ask.
pub struct ClusterEyes<'a> {
    /// The API, when it is ready; `None` while there is no cluster.
    pub api: Option<Arc<Reader>>,
    /// The first control plane's node.
    pub probe: Probe<'a>,
}

/// For applying.
pub struct ClusterHands<'a> {
    /// The API, when it is ready.
    pub api: Option<Arc<Writer>>,
    /// The first control plane's node.
    pub mutate: Mutate<'a>,
}

impl ClusterHands<'_> {
    /// The API, or an error that says that it does not answer.
    pub fn api(&self) -> Result<&Writer, StepError> {
        self.api.as_deref().ok_or_else(|| StepError::not_yet("the cluster's API is not ready"))
    }
}

/// A way to the API. Reader and writer are kept: they remember what kinds the cluster knows.
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) reader: Arc<Reader>,
    pub(crate) writer: Arc<Writer>,
}

impl Access {
    /// Prepares it with the kubeconfig on that control plane; `None` when there is none.
    pub(crate) async fn open(host: &Arc<dyn Host>) -> Result<Option<Self>, StepError> {
        let Some(bytes) = Probe::new(host.as_ref()).read_file(ADMIN_CONF, KUBECONFIG_LIMIT).await? else {
            return Ok(None);
        };
        let kubeconfig = String::from_utf8_lossy(&bytes);
        let host = Arc::clone(host);
        let dial = move || {
            let host = Arc::clone(&host);
            async move { host.dial(API_ADDRESS.to_owned()).await.map_err(std::io::Error::other) }
        };
        // one that leads nowhere is no way to the API; what is wrong with it is told by the step that looks at it
        let Ok(api) = Api::connect(&kubeconfig, dial) else { return Ok(None) };
        Ok(Some(Self { reader: Arc::new(api.reader()), writer: Arc::new(api.writer()) }))
    }
}
