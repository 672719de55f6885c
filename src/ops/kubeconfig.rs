//! `sealift kubeconfig`: the administrator's kubeconfig, made to work from the operator's machine.

use anyhow::Context as _;

use super::site::SiteFiles;
use super::{Connected, Exit, Failure, Mode, who};
use crate::cli::KubeconfigArgs;
use crate::shell::Shell;

/// Where kubeadm keeps it, and how large it may be.
const ADMIN_CONF: &str = "/etc/kubernetes/admin.conf";
const LIMIT: u64 = 1 << 20;

/// Reads it from the first control plane and prints it.
pub(crate) async fn run(args: &KubeconfigArgs, shell: &Shell) -> anyhow::Result<Exit> {
    let files = SiteFiles::without_bundle(&args.at)?;
    let first = files.cluster.first_control_plane();
    let connected =
        Connected::to_nodes(&[first], files.logins(), Mode::Plan, &who::owner("kubeconfig")).await?;
    let read = connected.read(first.name.as_str(), ADMIN_CONF, LIMIT).await;
    connected.close().await;
    let Some(bytes) = read? else {
        let message =
            format!("{} has no {ADMIN_CONF}: there is no cluster yet; nothing was changed", first.name);
        return Err(Failure::new(Exit::Refused, message).next("sealift install").into());
    };
    let text = String::from_utf8(bytes).context("reading the kubeconfig")?;
    let control = files.cluster.control_plane();
    shell.data(&reachable(&text, &control.endpoint_name, &control.address.to_string(), control.port)?);
    Ok(Exit::Done)
}

/// On a node the API has a name from /etc/hosts; the operator's machine has no such line, so the server
/// becomes an address and the name stays as what the certificate must prove (`tls-server-name`).
fn reachable(text: &str, name: &str, address: &str, port: u16) -> anyhow::Result<String> {
    let mut config: serde_yaml::Value = serde_yaml::from_str(text).context("understanding the kubeconfig")?;
    let clusters = config
        .get_mut("clusters")
        .and_then(serde_yaml::Value::as_sequence_mut)
        .context("the kubeconfig names no cluster")?;
    for cluster in clusters.iter_mut().filter_map(|entry| entry.get_mut("cluster")?.as_mapping_mut()) {
        let host = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
        cluster.insert("server".into(), format!("https://{host}:{port}").into());
        cluster.insert("tls-server-name".into(), name.into());
    }
    Ok(serde_yaml::to_string(&config)?.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::reachable;

    #[test]
    fn the_server_becomes_an_address_and_the_name_is_still_proved() {
        let text = "clusters:\n- name: k\n  cluster:\n    server: https://api.x:6443\n    certificate-authority-data: AA\nusers: []\n";
        let out = reachable(text, "api.x", "10.0.0.1", 6443).unwrap();
        assert!(
            out.contains("server: https://10.0.0.1:6443") && out.contains("tls-server-name: api.x"),
            "{out}"
        );
        assert!(out.contains("certificate-authority-data: AA"));
        assert!(reachable("kind: Config", "a", "b", 1).is_err());
    }
}
