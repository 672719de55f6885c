//! What can be shown to a server as a key: files, their certificates, and what an agent holds.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::{AgentClient, AgentStream};
use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Certificate, PrivateKey, PublicKey, decode_secret_key};

use super::{Identity, Target};

/// An agent that answers.
pub(super) type Agent = AgentClient<Box<dyn AgentStream + Send + Unpin>>;

/// A key that may be shown.
pub(super) enum Offer {
    /// From a file that is open.
    File { path: PathBuf, key: Arc<PrivateKey>, certificate: Option<Certificate> },
    /// From a file with a passphrase, which is asked for when the server would take the key, or, where nothing tells
    /// the public key, before.
    Locked { path: PathBuf, text: Arc<str>, public: Option<PublicKey>, certificate: Option<Certificate> },
    /// An agent's.
    Agent { identity: AgentIdentity, name: String },
}

impl Offer {
    /// How it is called in messages.
    pub(super) fn name(&self) -> String {
        let with = |certificate: &Option<Certificate>| match certificate {
            Some(certificate) => format!(" with its certificate{}", expired(certificate)),
            None => String::new(),
        };
        match self {
            Self::File { path, certificate, .. } | Self::Locked { path, certificate, .. } => {
                format!("{}{}", path.display(), with(certificate))
            }
            Self::Agent { name, .. } => name.clone(),
        }
    }

    /// Attempts that the server counts when it takes none of it: a certificate, and the key behind it.
    pub(super) fn attempts(&self) -> usize {
        match self {
            Self::File { certificate: Some(_), .. } | Self::Locked { certificate: Some(_), .. } => 2,
            _ => 1,
        }
    }
}

/// What a certificate's own words say against it, for a message.
fn expired(certificate: &Certificate) -> &'static str {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if certificate.valid_before() <= now {
        " (which has expired)"
    } else if certificate.valid_after() > now {
        " (which is not valid yet)"
    } else {
        ""
    }
}

/// What a target may be offered, best first: its files in their order, each by the agent where that holds it, then
/// whatever else the agent has. What cannot be offered is told in `said`.
pub(super) async fn all(target: &Target, said: &mut Vec<String>) -> (Vec<Offer>, Option<Agent>) {
    let (mut agent, mut held) = (None, vec![]);
    for identity in &target.identities {
        if let Identity::Agent(socket) = identity {
            match connect(socket).await {
                Ok((connected, identities)) => {
                    if identities.is_empty() {
                        said.push(format!("the agent at {} holds no key", socket.display()));
                    }
                    (agent, held) = (Some(connected), identities);
                }
                Err(why) => said.push(why),
            }
        }
    }
    let mut offers = vec![];
    for identity in &target.identities {
        let Identity::File(path) = identity else { continue };
        match read(path).await {
            Ok(Offer::Locked { path, text, public, certificate }) => {
                let mine = |one: &AgentIdentity| {
                    public.as_ref().is_some_and(|public| *public.key_data() == data(one))
                };
                let same: Vec<_> = held.extract_if(.., |one| mine(one)).collect();
                let name = format!("{}, which the agent holds", path.display());
                if same.is_empty() {
                    offers.push(Offer::Locked { path, text, public, certificate });
                }
                offers.extend(same.into_iter().map(|identity| Offer::Agent { identity, name: name.clone() }));
            }
            Ok(Offer::File { path, key, certificate }) => {
                held.retain(|one| data(one) != *key.public_key().key_data());
                offers.push(Offer::File { path, key, certificate });
            }
            Ok(other @ Offer::Agent { .. }) => offers.push(other),
            Err(why) => said.push(why),
        }
    }
    offers.extend(held.into_iter().map(|identity| {
        let name = format!("the agent's {}", comment(&identity));
        Offer::Agent { identity, name }
    }));
    (offers, agent)
}

async fn connect(socket: &Path) -> Result<(Agent, Vec<AgentIdentity>), String> {
    let shown = socket.display();
    let agent = AgentClient::connect_uds(socket).await;
    let mut agent = agent.map_err(|error| format!("connecting to the agent at {shown}: {error}"))?.dynamic();
    let held = agent.request_identities().await;
    let held = held.map_err(|error| format!("asking the agent at {shown}: {error}"))?;
    Ok((agent, held))
}

/// The public key, also of a certificate: both are of the same private one.
fn data(identity: &AgentIdentity) -> KeyData {
    identity.public_key().key_data().clone()
}

fn comment(identity: &AgentIdentity) -> String {
    let (AgentIdentity::PublicKey { comment, .. } | AgentIdentity::Certificate { comment, .. }) = identity;
    let comment: String = comment.chars().filter(|c| !c.is_control()).take(60).collect();
    if comment.is_empty() { "key without a name".to_owned() } else { comment }
}

async fn read(path: &Path) -> Result<Offer, String> {
    let shown = path.display();
    let text = tokio::fs::read_to_string(path).await.map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!("there is no {shown} (identityFile is relative to the cluster file)"),
        ErrorKind::InvalidData => format!("{shown} is no key: it is not text"),
        _ => format!("reading {shown}: {error}"),
    })?;
    let certificate = certificate(path).await?;
    match decode_secret_key(&text, None) {
        Ok(key) => Ok(Offer::File { path: path.to_owned(), key: Arc::new(key), certificate }),
        Err(_) if is_locked(&text) => {
            let public = public_of(path, &text).await;
            Ok(Offer::Locked { path: path.to_owned(), text: text.into(), public, certificate })
        }
        Err(_) if text.starts_with("ssh-") || text.starts_with("ecdsa-") || text.starts_with("sk-") => {
            Err(format!("{shown} is a public key, identityFile names the private one"))
        }
        Err(other) => Err(format!("reading {shown}: {other}")),
    }
}

/// Whether it is a passphrase that is missing.
fn is_locked(text: &str) -> bool {
    matches!(decode_secret_key(text, None), Err(russh::keys::Error::KeyIsEncrypted))
        || text.contains("BEGIN ENCRYPTED PRIVATE KEY")
        || text.contains("Proc-Type: 4,ENCRYPTED")
        || PrivateKey::from_openssh(text).is_ok_and(|key| key.is_encrypted())
}

/// The public half, which OpenSSH's format leaves readable; of other formats it is in `FILE.pub`, if at all.
async fn public_of(path: &Path, text: &str) -> Option<PublicKey> {
    if let Ok(key) = PrivateKey::from_openssh(text) {
        return Some(key.public_key().clone());
    }
    let beside = tokio::fs::read_to_string(beside(path, ".pub")).await.ok()?;
    PublicKey::from_openssh(beside.trim()).ok()
}

/// The certificate where `ssh` looks for it, too: `FILE-cert.pub`.
async fn certificate(path: &Path) -> Result<Option<Certificate>, String> {
    let file = beside(path, "-cert.pub");
    let text = match tokio::fs::read_to_string(&file).await {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|error| format!("reading {}: {error}", file.display()))?,
    };
    let read = Certificate::from_openssh(text.trim());
    read.map(Some).map_err(|error| format!("reading the certificate {}: {error}", file.display()))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
