//! A byte stream to an SSH server: a TCP connection, or a channel of a jump host.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use russh::ChannelOpenFailure;
use russh::client::Handle;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::channel::Held;
use super::session::{self, Check};
use super::{Target, auth};
use crate::host::Duplex;
use crate::{HostError, Unreached};

/// A closed port or a machine that is not there is told within this.
const CONNECT: Duration = Duration::from_secs(8);

/// The stream that the key exchange goes over.
pub(super) async fn dial(target: &Target) -> Result<Pin<Box<dyn Duplex>>, HostError> {
    match &target.through {
        None => direct(target).await,
        Some(hop) => through(target, hop).await,
    }
}

async fn direct(target: &Target) -> Result<Pin<Box<dyn Duplex>>, HostError> {
    let address = target.socket_address()?;
    let stream = timeout(CONNECT, TcpStream::connect(address)).await;
    let stream = stream.map_err(|_| target.unreachable(Unreached::Silent, "no answer within 8 s"))?;
    let stream = stream.map_err(|error| {
        let kind = match error.kind() {
            io::ErrorKind::ConnectionRefused => Unreached::Refused,
            io::ErrorKind::TimedOut => Unreached::Silent,
            _ => Unreached::NoWay,
        };
        target.unreachable(kind, error)
    })?;
    stream.set_nodelay(true).map_err(|error| target.unreachable(Unreached::NoWay, error))?;
    Ok(Box::pin(stream))
}

/// Not `async`: a chain of jump hosts calls itself.
fn through<'a>(
    target: &'a Target,
    hop: &'a Target,
) -> BoxFuture<'a, Result<Pin<Box<dyn Duplex>>, HostError>> {
    Box::pin(async move {
        let session = hop_session(target, hop).await?;
        let opened =
            session.channel_open_direct_tcpip(target.address.clone(), u32::from(target.port), "127.0.0.1", 0);
        let opened = timeout(CONNECT * 2, opened).await;
        let silent = || target.unreachable(Unreached::Silent, format!("{} has no answer from it", hop.name));
        match opened.map_err(|_| silent())? {
            Ok(channel) => {
                let through = Held { stream: channel.into_stream(), _held: session };
                Ok(Box::pin(through) as Pin<Box<dyn Duplex>>)
            }
            Err(russh::Error::ChannelOpenFailure(ChannelOpenFailure::AdministrativelyProhibited)) => {
                let why = format!("{} forwards nothing (AllowTcpForwarding, PermitOpen)", hop.name);
                Err(target.unreachable(Unreached::Forbidden, why))
            }
            Err(russh::Error::ChannelOpenFailure(_)) => {
                Err(target.unreachable(Unreached::Refused, format!("{} cannot connect to it", hop.name)))
            }
            Err(other) => Err(target.unreachable(Unreached::NoWay, format!("{}: {other}", hop.name))),
        }
    })
}

/// One connection to each jump host for all that are behind it: bastions count connections (`MaxStartups`).
async fn hop_session(target: &Target, hop: &Target) -> Result<Arc<Handle<Check>>, HostError> {
    let entry = {
        let mut hops = target.shared.hops.lock().await;
        Arc::clone(hops.entry(hop.way()).or_default())
    };
    let mut known = entry.lock().await;
    match &*known {
        Some(Ok(session)) if !session.is_closed() => return Ok(Arc::clone(session)),
        Some(Err(refused)) => return Err(refused.clone()),
        _ => {}
    }
    let made = async { Ok(Arc::new(auth::logged_in(hop, session::open(hop).await?).await?)) };
    let made: Result<_, HostError> = made.await;
    let may_pass = made.as_ref().is_err_and(HostError::is_transient);
    *known = Some(made.clone()).filter(|_| !may_pass);
    made
}
