//! A connection whose other end has proved that it is the pinned machine.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use russh::client::{Config, Handle, Handler, connect_stream};
use russh::keys::PublicKeyOrCertificate;
use russh::keys::ssh_key::{Algorithm, PublicKey};
use russh::{Preferred, cipher};
use tokio::time::timeout;

use super::dial::dial;
use super::{HostKey, Target};
use crate::{HostError, Unreached};

/// For the key exchange.
const GREET: Duration = Duration::from_secs(15);

/// Waits between attempts to get as far as the server's key: a machine that boots refuses for a moment, a server with
/// many connections under way drops some (`MaxStartups`), a lossy link swallows a packet too many. What comes after the
/// key is never tried again by itself.
const WAITS: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1200)];

/// Compares the server's key and records what was seen; says yes to the pinned one only.
pub(crate) struct Check {
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

/// Connects, and exchanges keys up to the point where the server's is known; `Err` inside holds what it showed.
async fn greet(
    target: &Target,
    algorithms: Option<Vec<Algorithm>>,
) -> Result<Result<Handle<Check>, HostKey>, HostError> {
    let stream = dial(target).await?;
    let seen = Arc::new(Mutex::new(None));
    let check = Check { pinned: target.host_key.clone(), seen: Arc::clone(&seen) };
    let greeted = timeout(GREET, connect_stream(Arc::new(config(algorithms)), stream, check)).await;
    let failed = |kind, why: &str| target.unreachable(kind, why);
    let greeted = greeted
        .map_err(|_| failed(Unreached::NotSsh, "it accepts connections but no SSH server speaks there"))?;
    match greeted {
        Ok(handle) => Ok(Ok(handle)),
        Err(error) => {
            let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).take();
            seen.map(|key| Err(HostKey::new(key))).ok_or_else(|| match error {
                russh::Error::Version => {
                    failed(Unreached::NotSsh, "something accepts connections there and speaks no SSH")
                }
                russh::Error::NoCommonAlgo { .. } => failed(Unreached::NotSsh, &error.to_string()),
                russh::Error::Disconnect | russh::Error::HUP | russh::Error::IO(_) => failed(
                    Unreached::Dropped,
                    "it accepts connections and ends them before it has shown a key: \
                     no SSH server, or one that has too many under way",
                ),
                other => failed(Unreached::Dropped, &other.to_string()),
            })
        }
    }
}

/// The same, tried again after a while where that may help.
async fn greet_patiently(
    target: &Target,
    algorithms: Option<Vec<Algorithm>>,
) -> Result<Result<Handle<Check>, HostKey>, HostError> {
    let mut waits = WAITS.iter();
    loop {
        let failed = match greet(target, algorithms.clone()).await {
            Err(error) => error,
            greeted => return greeted,
        };
        let HostError::Unreachable { host, kind, .. } = &failed else { return Err(failed) };
        match waits.next() {
            // a jump host that cannot be reached has been tried again already
            Some(wait) if kind.may_pass() && *host == target.name => tokio::time::sleep(*wait).await,
            _ => return Err(failed),
        }
    }
}

/// Connects to the pinned machine. Another key, or none pinned, ends it before any credential is sent. Not `async`:
/// on the way it may have to connect to jump hosts.
pub(super) fn open(target: &Target) -> BoxFuture<'_, Result<Handle<Check>, HostError>> {
    Box::pin(async move {
        let (host, address) = (target.name.clone(), target.place());
        let Some(pinned) = &target.host_key else {
            let seen = show(target, None).await?.fingerprint();
            return Err(HostError::HostKeyUnknown { host, address, seen });
        };
        let expected = pinned.fingerprint();
        match greet_patiently(target, Some(pinned.algorithms())).await {
            Ok(Ok(handle)) => Ok(handle),
            Ok(Err(seen)) => {
                Err(HostError::HostKeyChanged { host, address, expected, seen: seen.fingerprint() })
            }
            Err(error @ HostError::Unreachable { kind: Unreached::NotSsh | Unreached::Dropped, .. }) => {
                // Something is there that has no key of the pinned type at all: see what it has.
                match show(target, None).await {
                    Ok(seen) if !seen.algorithms().iter().any(|kind| pinned.algorithms().contains(kind)) => {
                        Err(HostError::HostKeyChanged { host, address, expected, seen: seen.fingerprint() })
                    }
                    _ => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    })
}

/// The key a server shows; nothing is ever accepted here, so nothing can follow.
pub(super) async fn show(target: &Target, algorithms: Option<Vec<Algorithm>>) -> Result<HostKey, HostError> {
    let unpinned = Target { host_key: None, ..target.clone() };
    match greet_patiently(&unpinned, algorithms).await? {
        Err(seen) => Ok(seen),
        Ok(_) => Err(target.unreachable(Unreached::NotSsh, "the server's key was not asked for")),
    }
}
