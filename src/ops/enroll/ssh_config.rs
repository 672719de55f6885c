//! What the operator's own `ssh` is set up to do, by its own words: `ssh -G`. Only it knows `Match` and `Include`.

use std::net::{IpAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sealift_cluster::{Access, Cluster, Login, SshSettings};
use serde::Serialize;

/// Jump hosts may have jump hosts.
const DEPTH: usize = 8;

/// What `ssh -G` says of one host.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    hostname: String,
    user: String,
    port: u16,
    identity_files: Vec<String>,
    jump: Option<String>,
    command: bool,
}

/// A jump host as it goes into the cluster file.
#[derive(Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
struct Hop {
    address: IpAddr,
    user: String,
    port: u16,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identity_file: Vec<String>,
}

/// How `ssh` would reach each node that is not this machine: by its name, where that leads to its address, else by its
/// address. Only what differs from what the file means already.
pub(super) fn settings(cluster: &Cluster, file: Option<&Path>) -> Result<Vec<SshSettings>, String> {
    let mut all = vec![];
    for node in cluster.nodes() {
        let Access::Login(login) = &node.ssh.access else { continue };
        let address = node.ssh.address.to_string();
        let mut said = ask(&[node.name.as_str()], file)?;
        if said.hostname != address {
            said = ask(&[&address], file)?;
        }
        let fields = differing(&said, login, file).map_err(|why| format!("{}: {why}", node.name))?;
        if !fields.is_empty() {
            all.push((node.name.clone(), fields));
        }
    }
    Ok(all)
}

fn differing(said: &Said, login: &Login, file: Option<&Path>) -> Result<Vec<(&'static str, String)>, String> {
    let mut fields = vec![];
    if said.user != login.user {
        fields.push(("user", yaml(&said.user)));
    }
    if said.port != login.port {
        fields.push(("port", said.port.to_string()));
    }
    if !said.identity_files.is_empty() && said.identity_files != login.identity_files {
        fields.push(("identityFile", yaml(&said.identity_files)));
    }
    if said.command && said.jump.is_none() {
        return Err("its ProxyCommand cannot be taken: write `jump` into the cluster file".to_owned());
    }
    if let Some(jump) = &said.jump {
        let hops = chain(jump, file, DEPTH)?;
        let same = hops.len() == login.jump.len()
            && hops.iter().zip(&login.jump).all(|(hop, known)| {
                (hop.address, hop.port, &hop.user) == (known.address, known.port, &known.user)
            });
        if !same {
            fields.push(("jump", yaml(&hops)));
        }
    }
    Ok(fields)
}

/// A value as JSON, which is YAML on one line. Texts, numbers and lists of them: it cannot fail.
fn yaml(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// `ProxyJump`: hosts as they are passed through, each with what `ssh` knows of it, the first one's own before it.
fn chain(jump: &str, file: Option<&Path>, depth: usize) -> Result<Vec<Hop>, String> {
    if depth == 0 {
        return Err(format!("the jump hosts of {jump} do not end"));
    }
    let mut hops = vec![];
    for (at, one) in jump.split(',').enumerate() {
        let (user, rest) = match one.trim().trim_start_matches("ssh://").rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, one.trim().trim_start_matches("ssh://")),
        };
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
            _ => (rest, None),
        };
        let host = host.trim_matches(['[', ']']);
        if host.is_empty() || host.starts_with('-') {
            return Err(format!("the jump host '{one}' is not understood"));
        }
        let mut words = vec![];
        for (option, value) in [("-l", user), ("-p", port)] {
            words.extend(value.into_iter().flat_map(|value| [option, value]));
        }
        words.push(host);
        let said = ask(&words, file)?;
        if let Some(before) = said.jump.as_deref().filter(|_| at == 0) {
            hops.extend(chain(before, file, depth - 1)?);
        }
        let address =
            resolved(&said.hostname, said.port).map_err(|why| format!("the jump host {host}: {why}"))?;
        hops.push(Hop { address, user: said.user, port: said.port, identity_file: said.identity_files });
    }
    Ok(hops)
}

fn resolved(host: &str, port: u16) -> Result<IpAddr, String> {
    if let Ok(address) = host.parse() {
        return Ok(address);
    }
    let found = (host, port).to_socket_addrs().map(|mut all| all.next());
    match found {
        Ok(Some(address)) => Ok(address.ip()),
        _ => Err(format!("its name {host} is not resolved on this machine; write its address in jump")),
    }
}

/// Asks `ssh -G`, which connects to nothing.
fn ask(words: &[&str], file: Option<&Path>) -> Result<Said, String> {
    let mut command = Command::new("ssh");
    command.arg("-G");
    if let Some(file) = file {
        command.arg("-F").arg(file);
    }
    let output = command.args(words).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("running ssh -G: {error}; it is OpenSSH's client"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("ssh -G {}: {}", words.join(" "), said.trim()));
    }
    let home = std::env::var_os("HOME").map(PathBuf::from);
    Ok(understood(&String::from_utf8_lossy(&output.stdout), home.as_deref()))
}

/// Lines of a keyword and its value. Of the identity files those that are there: ssh names all its defaults.
fn understood(text: &str, home: Option<&Path>) -> Said {
    let mut said = Said { port: 22, ..Said::default() };
    for line in text.lines() {
        let Some((keyword, value)) = line.split_once(' ') else { continue };
        match keyword {
            "hostname" => value.clone_into(&mut said.hostname),
            "user" => value.clone_into(&mut said.user),
            "port" => said.port = value.parse().unwrap_or(22),
            "identityfile" => {
                let path = match (value.strip_prefix("~/"), home) {
                    (Some(rest), Some(home)) => home.join(rest),
                    _ => PathBuf::from(value),
                };
                if path.is_file() {
                    said.identity_files.push(value.to_owned());
                }
            }
            "proxyjump" if value != "none" => said.jump = Some(value.to_owned()),
            "proxycommand" if value != "none" => said.command = true,
            _ => {}
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use sealift_cluster::Cluster;

    use super::settings;

    #[test]
    fn what_the_real_ssh_says_becomes_fields() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        std::fs::write(path("key"), "").unwrap();
        let config = format!(
            "Include {}\nHost cp1\n  HostName 10.0.0.1\n  ProxyJump a,j@10.9.0.2:2200\nMatch host 10.0.0.2\n  Port 2222\n  IdentityFile {}\n\
             Host a\n  HostName 10.9.0.1\n  ProxyJump 10.9.0.9\nHost *\n  User ops\n",
            path("more"),
            path("key")
        );
        std::fs::write(path("config"), config).unwrap();
        std::fs::write(path("more"), "Host 10.9.0.9\n  User far\n").unwrap();
        let file = |nodes: &str| {
            let text = format!(
                "apiVersion: sealift.dev/v1\nkind: Cluster\nmetadata: {{name: p}}\nspec:\n  nodes:\n{nodes}"
            );
            Cluster::parse(&text, "c", None).unwrap()
        };
        let cluster = file(
            "    - {name: cp1, role: control-plane, ssh: {address: 10.0.0.1}}\n    \
             - {name: w1, role: worker, ssh: {address: 10.0.0.2, user: ops}}\n",
        );
        let found = settings(&cluster, Some(path("config").as_ref())).unwrap();
        let of = |at: usize, field: &str| {
            found[at].1.iter().find(|(name, _)| *name == field).map(|(_, value)| value.clone())
        };
        assert_eq!(of(0, "user").as_deref(), Some("\"ops\""));
        let jump: serde_json::Value = serde_json::from_str(&of(0, "jump").unwrap()).unwrap();
        let hops: Vec<_> = jump
            .as_array()
            .unwrap()
            .iter()
            .map(|hop| {
                format!(
                    "{}@{}:{}",
                    hop["user"].as_str().unwrap(),
                    hop["address"].as_str().unwrap(),
                    hop["port"]
                )
            })
            .collect();
        assert_eq!(hops, ["far@10.9.0.9:22", "ops@10.9.0.1:22", "j@10.9.0.2:2200"]);
        assert_eq!(of(1, "port").as_deref(), Some("2222"));
        assert_eq!(of(1, "identityFile"), Some(format!("[\"{}\"]", path("key"))));
        assert_eq!((of(1, "user"), of(1, "jump")), (None, None));
        std::fs::write(path("config"), "Host *\n  ProxyCommand nc %h %p\n").unwrap();
        assert!(settings(&cluster, Some(path("config").as_ref())).unwrap_err().contains("ProxyCommand"));
        // one that is to be reached through itself is ssh's own complaint, a circle of two is ours
        let refused = |config: &str| {
            std::fs::write(path("config"), config).unwrap();
            settings(&cluster, Some(path("config").as_ref())).unwrap_err()
        };
        assert!(refused("Host *\n  ProxyJump 10.9.0.1\n").contains("jumphost loop via 10.9.0.1"));
        let circle = "Host 10.9.0.1\n  ProxyJump 10.9.0.2\nHost 10.9.0.2\n  ProxyJump 10.9.0.1\nHost 10.0.0.1\n  ProxyJump 10.9.0.1\n";
        assert!(refused(circle).contains("do not end"));
    }
}
