//! The commented file that `sealift init` writes.

use std::net::IpAddr;

use serde_json::json;

use crate::decode::{key_path, user_name};
use crate::model::Role;
use crate::name::{Label, NodeName};
use crate::range::AddressRange;
use crate::wrong::Wrong;

/// What only the person in front of the servers knows; the rest of a small site's file is the same everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// The site's name.
    pub name: Label,
    /// Who logs in.
    pub user: UserName,
    /// The private key; `None`: the agent's keys only.
    pub identity_file: Option<KeyPath>,
    /// The servers, in the order in which they are written.
    pub nodes: Vec<Server>,
    /// Addresses for services of type `LoadBalancer`; `None`: no MetalLB.
    pub pool: Option<AddressRange>,
}

/// A server: what it is called, what it does, where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name.
    pub name: NodeName,
    /// Its role.
    pub role: Role,
    /// Its address.
    pub address: IpAddr,
}

/// A login name that a cluster file takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserName(String);

/// A path of a private key that a cluster file takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPath(String);

impl std::str::FromStr for UserName {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        user_name(text).map(Self)
    }
}

impl std::str::FromStr for KeyPath {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        key_path(text).map(Self)
    }
}

/// A small site with made-up addresses, for a file whose author fills in the real ones.
impl Answers {
    /// Two servers and a pool, as in the documentation.
    pub fn example(name: Label) -> Self {
        let example = |text: &str| text.parse().ok();
        let server = |name: &str, role, address: [u8; 4]| {
            Some(Server { name: name.parse().ok()?, role, address: IpAddr::from(address) })
        };
        let nodes =
            [server("cp1", Role::ControlPlane, [10, 77, 0, 11]), server("w1", Role::Worker, [10, 77, 0, 21])];
        Self {
            name,
            user: UserName("root".to_owned()),
            identity_file: Some(KeyPath("~/.ssh/id_ed25519".to_owned())),
            nodes: nodes.into_iter().flatten().collect(),
            pool: example("10.77.0.240-10.77.0.250"),
        }
    }
}

/// A commented cluster file that parses as it stands.
pub fn template(answers: &Answers) -> String {
    let pools = answers.pool.map_or_else(
        || "pools: []".to_owned(),
        |pool| format!("pools:\n      - {{name: default, addresses: [{pool}]}}"),
    );
    let identity = answers.identity_file.as_ref().map_or_else(String::new, |KeyPath(path)| {
        // a path may hold what means something to YAML
        let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"~/._-+@".contains(&b));
        let path = if plain { path.clone() } else { json!(path).to_string() };
        format!(", identityFile: {path}")
    });
    let nodes: Vec<String> =
        answers.nodes.iter().enumerate().map(|(i, server)| node(server, i == 0)).collect();
    include_str!("template.yaml")
        .replace("$NAME", answers.name.as_str())
        .replace("$POOLS", &pools)
        .replace("$NODES", nodes.concat().trim_end())
        // last: a path may hold any of the others' marks
        .replace("$SSH", &format!("{{user: {}{identity}}}", answers.user.0))
}

/// One node; the first one shows what else may be said of a node.
fn node(server: &Server, first: bool) -> String {
    let Server { name, role, address } = server;
    let gpu = if *role == Role::Worker { "      #| gpu: auto\n" } else { "" };
    let role = if *role == Role::Worker { "worker" } else { "control-plane" };
    let network = if first {
        format!(
            "      # Static addresses; without this block the server's network stays as it is.\n      \
             #| network:\n      #|   interface: {{mac: \"52:54:00:00:00:11\"}}\n      \
             #|   addresses: [{address}/24]\n      #|   nameservers: []\n"
        )
    } else {
        String::new()
    };
    let key = if first { "        # hostKey is written here by `sealift enroll`\n" } else { "" };
    let local = if first {
        format!(
            "      # No laptop: when sealift runs on this very server, `ssh: local` and `address: {address}` instead.\n"
        )
    } else {
        String::new()
    };
    format!(
        "    - name: {name}\n      role: {role}\n{gpu}{local}      ssh:\n        address: {address}\n{key}{network}"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Answers, template};
    use crate::Cluster;

    fn parse(text: &str) -> Cluster {
        Cluster::parse(text, "cluster.yaml", None).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
    }

    #[test]
    fn the_template_parses_itself() {
        let answers = Answers::example("plant-7".parse().unwrap());
        let cluster = parse(&template(&answers));
        assert_eq!(cluster.name().as_str(), "plant-7");
        assert_eq!(cluster.nodes().len(), 2);
        assert_eq!(cluster.not_yet(), None, "what init writes can be installed");
    }

    #[test]
    fn every_line_that_is_commented_out_parses_too() {
        let cluster = parse(&template(&Answers::example("plant-7".parse().unwrap())).replace("#| ", ""));
        assert!(cluster.nodes()[0].network.is_some(), "the commented lines were taken");
    }

    #[test]
    fn answers_come_back_out_of_the_file() {
        let mut answers = Answers::example("p".parse().unwrap());
        answers.user = "ops".parse().unwrap();
        answers.identity_file = Some("keys/a: {b} # c".parse().unwrap());
        answers.pool = None;
        answers.nodes.truncate(1);
        let cluster = parse(&template(&answers));
        let ssh = &serde_json::to_value(&cluster).unwrap()["nodes"][0]["ssh"];
        assert_eq!((&ssh["user"], &ssh["identityFile"]), (&json!("ops"), &json!(["keys/a: {b} # c"])));
        assert!(cluster.load_balancer().pools.is_empty());
    }
}
