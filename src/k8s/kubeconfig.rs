//! What a kubeconfig holds that a connection needs: where, trusted by what, as whom.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::config::Kubeconfig;

use crate::K8sError;

/// PEM text. Its `Debug` prints its length only.
#[derive(Clone, PartialEq, Eq)]
pub struct Pem(pub(crate) Vec<u8>);

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of PEM", self.0.len())
    }
}

/// The current context of a kubeconfig.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Host of the server's URL, which its certificate must name.
    pub server_name: String,
    /// Host and port of the server's URL.
    pub authority: String,
    pub(crate) authority_certificates: Pem,
    pub(crate) client_certificate: Pem,
    pub(crate) client_key: Pem,
}

impl Credentials {
    /// Parses a kubeconfig as kubeadm writes it: certificates and key inside (`*-data`), no plugins.
    pub fn parse(text: &str) -> Result<Self, K8sError> {
        let wrong = |why: &str| K8sError::Kubeconfig { why: why.to_owned() };
        // the parser's own message may quote the text, and with it the key
        let config = Kubeconfig::from_yaml(text).map_err(|_| wrong("it is not a kubeconfig"))?;
        let wanted = config.current_context.as_deref().unwrap_or_default();
        let context = config.contexts.iter().find(|context| context.name == wanted);
        let context =
            context.and_then(|named| named.context.as_ref()).ok_or_else(|| wrong("no current context"))?;
        let cluster = config.clusters.iter().find(|cluster| cluster.name == context.cluster);
        let cluster =
            cluster.and_then(|named| named.cluster.as_ref()).ok_or_else(|| wrong("no such cluster"))?;
        let user = config.auth_infos.iter().find(|user| Some(&user.name) == context.user.as_ref());
        let user = user.and_then(|named| named.auth_info.as_ref()).ok_or_else(|| wrong("no such user"))?;
        let server = cluster.server.as_deref().ok_or_else(|| wrong("the cluster has no server"))?;
        let uri: http::Uri = server.parse().map_err(|_| wrong("the server is not a URL"))?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("https"));
        let authority = authority.ok_or_else(|| wrong("the server is not an https URL"))?;
        let data = |field: Option<&str>, name: &str| {
            let text = field.ok_or_else(|| wrong(&format!("{name} is missing")))?;
            STANDARD.decode(text.trim()).map(Pem).map_err(|_| wrong(&format!("{name} is not base64")))
        };
        let key = user.client_key_data.as_ref().map(kube_secret);
        Ok(Self {
            server_name: authority.host().trim_matches(['[', ']']).to_owned(),
            authority: authority.to_string(),
            authority_certificates: data(
                cluster.certificate_authority_data.as_deref(),
                "certificate-authority-data",
            )?,
            client_certificate: data(user.client_certificate_data.as_deref(), "client-certificate-data")?,
            client_key: data(key, "client-key-data")?,
        })
    }

    /// Takes another name to be checked against the server's certificate, e.g. `127.0.0.1`.
    #[must_use]
    pub fn named(mut self, server_name: &str) -> Self {
        server_name.clone_into(&mut self.server_name);
        self
    }
}

fn kube_secret(secret: &secrecy::SecretString) -> &str {
    secrecy::ExposeSecret::expose_secret(secret)
}
