//! A connection whose other end has proved that it is the pinned machine.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::client::{Config, Handle, Handler, connect_stream};
use russh::keys::PublicKeyOrCertificate;
use russh::keys::ssh_key::{Algorithm, PublicKey};
use russh::{Preferred, cipher};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{HostKey, Target};
use crate::HostError;

/// A closed port or a machine that is not there is told within this.
const CONNECT: Duration = Duration::from_secs(8);

/// For the key exchange.
const GREET: Duration = Duration::from_secs(15);

/// Compares the server's key and records what was seen; says yes to the pinned one only.
pub(super) struct Check {
    pinned: Option<HostKey>,
    seen: Arc<Mutex<Option<PublicKey>>>,
}

impl Handler for Check {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else { return Ok(false) };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(key.clone());
        Ok(self.pinned.as_ref().is_some_and(|pinned| pinned.is(key)))
    }
}

/// What russh leaves off by default, and an order of ciphers for machines with AES in hardware.
fn config(algorithms: Option<Vec<Algorithm>>) -> Config {
    let mut preferred = Preferred {
        cipher: Cow::Borrowed(&[
            cipher::AES_256_GCM,
            cipher::CHACHA20_POLY1305,
            cipher::AES_256_CTR,
            cipher::AES_192_CTR,
            cipher::AES_128_CTR,
        ]),
        // Images are compressed already.
        compression: Cow::Borrowed(&[russh::compression::NONE]),
        ..Preferred::DEFAULT
    };
    if let Some(algorithms) = algorithms {
        preferred.key = Cow::Owned(algorithms);
    }
    Config {
        preferred,
        nodelay: true,
        // A dead peer is found out after 20 s of silence.
        keepalive_interval: Some(Duration::from_secs(5)),
        keepalive_max: 3,
        ..Config::default()
    }
}

async fn dial(target: &Target) -> Result<TcpStream, HostError> {
    let address = target.socket_address()?;
    let stream = timeout(CONNECT, TcpStream::connect(address)).await;
    let stream = stream.map_err(|_| target.unreachable("no answer within 8 s"))?;
    let stream = stream.map_err(|error| target.unreachable(error))?;
    stream.set_nodelay(true).map_err(|error| target.unreachable(error))?;
    Ok(stream)
}

/// The key exchange, up to the point where the server's key is known; `Err` holds what it showed.
async fn greet(
    target: &Target,
    stream: TcpStream,
    algorithms: Option<Vec<Algorithm>>,
) -> Result<Result<Handle<Check>, HostKey>, HostError> {
    let seen = Arc::new(Mutex::new(None));
    let check = Check { pinned: target.host_key.clone(), seen: Arc::clone(&seen) };
    let greeted = timeout(GREET, connect_stream(Arc::new(config(algorithms)), stream, check)).await;
    let greeted =
        greeted.map_err(|_| target.unreachable("it accepts connections but no SSH server speaks there"))?;
    match greeted {
        Ok(handle) => Ok(Ok(handle)),
        Err(error) => {
            let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).take();
            let why = match error {
                russh::Error::Disconnect | russh::Error::Version => {
                    "something accepts connections there and speaks no SSH".to_owned()
                }
                other => other.to_string(),
            };
            seen.map(|key| Err(HostKey::new(key))).ok_or_else(|| target.unreachable(why))
        }
    }
}

/// Connects to the pinned machine. Another key, or none pinned, ends it before any credential is sent.
pub(super) async fn open(target: &Target) -> Result<Handle<Check>, HostError> {
    let (host, address) = (target.name.clone(), target.place());
    let Some(pinned) = &target.host_key else {
        let seen = show(target, None).await?.fingerprint();
        return Err(HostError::HostKeyUnknown { host, address, seen });
    };
    let expected = pinned.fingerprint();
    let stream = dial(target).await?;
    match greet(target, stream, Some(pinned.algorithms())).await {
        Ok(Ok(handle)) => Ok(handle),
        Ok(Err(seen)) => Err(HostError::HostKeyChanged { host, address, expected, seen: seen.fingerprint() }),
        // Something is there that has no key of the pinned type at all: see what it has.
        Err(error) => match show(target, None).await {
            Ok(seen) if !seen.algorithms().iter().any(|kind| pinned.algorithms().contains(kind)) => {
                Err(HostError::HostKeyChanged { host, address, expected, seen: seen.fingerprint() })
            }
            _ => Err(error),
        },
    }
}

/// The key a server shows; nothing is ever accepted here, so nothing can follow.
pub(super) async fn show(target: &Target, algorithms: Option<Vec<Algorithm>>) -> Result<HostKey, HostError> {
    let unpinned = Target { host_key: None, ..target.clone() };
    match greet(&unpinned, dial(target).await?, algorithms).await? {
        Err(seen) => Ok(seen),
        Ok(_) => Err(target.unreachable("the server's key was not asked for")),
    }
}
