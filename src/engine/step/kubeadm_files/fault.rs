//! What is wrong with one path of kubeadm's, and what mends it.

use sealift_node::{PathKind, Probe};
use sealift_stream::Digest;

use super::super::file;
use super::super::mode::Mode;
use super::record::{Left, server_of};
use crate::StepError;

/// What is wrong with a path, and what mends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(super) path: String,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) mend: Mend,
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

/// What is wrong with one path.
pub(super) async fn fault(probe: &Probe<'_>, path: &str, left: &Left) -> Result<Option<Fault>, StepError> {
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
