//! Logging in.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use russh::client::Handle;
use russh::keys::agent::client::AgentClient;
use russh::keys::{PrivateKeyWithHashAlg, decode_secret_key};
use tokio::time::timeout;

use super::session::Check;
use super::{Identity, Target};
use crate::HostError;

/// For all identities together; PAM may be slow to refuse.
const LIMIT: Duration = Duration::from_mins(1);

/// Tries one identity after another; what was wrong with each is told when none will do.
pub(super) async fn login(target: &Target, session: &mut Handle<Check>) -> Result<(), HostError> {
    let failed =
        |why: String| HostError::AuthFailed { host: target.name.clone(), user: target.user.clone(), why };
    let mut reasons = vec![];
    let tries = async {
        for identity in &target.identities {
            let tried = match identity {
                Identity::File(path) => by_file(target, session, path).await,
                Identity::Agent(path) => by_agent(target, session, path).await,
            };
            match tried {
                Ok(()) => return true,
                Err(why) => reasons.push(why),
            }
        }
        false
    };
    match timeout(LIMIT, tries).await {
        Ok(true) => Ok(()),
        Ok(false) if reasons.is_empty() => Err(failed("no identity is configured".to_owned())),
        Ok(false) => Err(failed(reasons.join("; "))),
        Err(_) => Err(failed("no answer within 60 s".to_owned())),
    }
}

async fn by_file(target: &Target, session: &mut Handle<Check>, path: &Path) -> Result<(), String> {
    let shown = path.display();
    let text = tokio::fs::read_to_string(path).await.map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!("there is no {shown} (identityFile is relative to the cluster file)"),
        ErrorKind::InvalidData => format!("{shown} is no key: it is not text"),
        _ => format!("reading {shown}: {error}"),
    })?;
    let key = decode_secret_key(&text, None).map_err(|error| match error {
        russh::keys::Error::KeyIsEncrypted => {
            format!(
                "{shown} has a passphrase, which is not asked for yet: load it into an agent, ssh-add {shown}"
            )
        }
        _ if text.starts_with("ssh-") || text.starts_with("ecdsa-") => {
            format!("{shown} is a public key, identityFile names the private one")
        }
        other => format!("reading {shown}: {other}"),
    })?;
    let hash = if key.algorithm().is_rsa() {
        session.best_supported_rsa_hash().await.map_err(|error| error.to_string())?.flatten()
    } else {
        None
    };
    let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
    let result =
        session.authenticate_publickey(&target.user, key).await.map_err(|error| error.to_string())?;
    if result.success() {
        Ok(())
    } else {
        Err(format!("the server does not take {shown}: not in authorized_keys there, or another user"))
    }
}

async fn by_agent(target: &Target, session: &mut Handle<Check>, path: &Path) -> Result<(), String> {
    let shown = path.display();
    let agent = AgentClient::connect_uds(path).await;
    let mut agent = agent.map_err(|error| format!("connecting to the agent at {shown}: {error}"))?;
    let keys =
        agent.request_identities().await.map_err(|error| format!("asking the agent at {shown}: {error}"))?;
    let count = keys.len();
    for key in keys {
        let key = key.public_key().into_owned();
        let hash = if key.algorithm().is_rsa() {
            session.best_supported_rsa_hash().await.map_err(|error| error.to_string())?.flatten()
        } else {
            None
        };
        let result = session.authenticate_publickey_with(&target.user, key, hash, &mut agent).await;
        match result {
            Ok(result) if result.success() => return Ok(()),
            // An agent that does not sign (asks its owner, who says no) is not the last word: the next key.
            Ok(_) | Err(_) => {}
        }
    }
    Err(format!("the server takes none of the {count} keys of the agent at {shown}"))
}
