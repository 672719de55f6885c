//! The way to a node's helper: over SSH, or none at all when the node is this very machine.

use tokio::io::AsyncRead;
use tokio::net::UnixStream;

use crate::host::BoxDuplex;
use crate::ssh::{self, Links, Script, Told};
use crate::{Command, Host as _, HostError, LocalHost, SudoRefusal};

/// A connection to the helper.
pub(crate) type Channel = BoxDuplex;

/// What starts the helper may take: it waits for the node's lock.
const STARTING: u64 = 180;

/// Both ways end at the same helper, with its unit, its lock, its heartbeat and the sandbox of a plan. This
/// machine gets no shortcut: what is promised of a node would have to be kept twice.
pub(crate) enum Link {
    /// An SSH server.
    Ssh(Box<Links>),
    /// This machine.
    Here(LocalHost),
}

impl Link {
    /// The node's name in the cluster file.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Ssh(links) => &links.target.name,
            Self::Here(host) => host.name(),
        }
    }

    /// The error of a user whom sudo does not let become root.
    pub(crate) fn no_root(&self, refusal: SudoRefusal, why: String) -> HostError {
        let host = self.name().to_owned();
        match self {
            Self::Ssh(links) => {
                HostError::SudoRefused { host, user: links.target.user.clone(), refusal, why }
            }
            Self::Here(_) => HostError::NotRoot { host, why },
        }
    }

    /// Whether somebody can be asked on the way: on this machine, whose own shell is fed at once, nobody can.
    pub(crate) fn talks(&self) -> bool {
        matches!(self, Self::Ssh(_))
    }

    /// What opens a channel to the helper in `dir` that listens on `socket`.
    pub(crate) fn attach(&self, dir: &str, socket: &str) -> String {
        match self {
            Self::Ssh(_) => format!("{dir}/sealift attach --socket {socket}"),
            Self::Here(_) => socket.to_owned(),
        }
    }

    /// A connection to the helper, by what [`attach`](Self::attach) gave.
    pub(crate) async fn channel(&self, attach: &str) -> Result<Channel, HostError> {
        match self {
            Self::Ssh(links) => Ok(Box::pin(links.channel(attach).await?)),
            Self::Here(_) => {
                let stream = UnixStream::connect(attach).await;
                Ok(Box::pin(stream.map_err(|error| self.lost("connecting to the helper", error))?))
            }
        }
    }

    /// Runs a line for the shell, feeding it `stdin` when it is ready for it.
    pub(crate) async fn exec(
        &self,
        script: Script<'_>,
        stdin: impl AsyncRead + Unpin,
        doing: &str,
    ) -> Result<Told, HostError> {
        match self {
            Self::Ssh(links) => ssh::exec(links, script, stdin, doing).await,
            Self::Here(host) => {
                // The shell of our own is the only reader: nothing has to be waited for.
                let shell = Command::new(["/bin/sh", "-c", script.line]).timeout(STARTING);
                let output = host.run_fed(&shell, stdin).await?;
                let ready = output.stdout.contains(script.ready);
                Ok(Told { output, ready, again: false, withheld: None })
            }
        }
    }

    /// The error of a connection that has ended or stands still.
    pub(crate) fn lost(&self, doing: &str, why: impl std::fmt::Display) -> HostError {
        HostError::LinkLost { host: self.name().to_owned(), doing: doing.to_owned(), why: why.to_string() }
    }
}
