//! The helper: sealift itself on a node, as root, for the time of one run.
//!
//! `start` (once, through sudo) makes it a transient unit; `serve` is that unit; `attach` (unprivileged, one
//! for every SSH channel) bridges standard input and output to its socket.

mod attach;
mod connection;
mod fetch;
mod journal;
mod life;
mod lock;
mod put;
mod serve;
mod start;
mod unit;

use serde::{Deserialize, Serialize};

pub(crate) use attach::ATTACHED;
pub use attach::attach;
pub(crate) use life::BEAT;
pub use serve::serve;
pub use start::start;

/// Undoes the network that is being tried on this machine: what its timer starts.
pub fn undo_network() -> Result<(), HostError> {
    crate::local::network::undo()
}

use std::net::{IpAddr, SocketAddr};

use crate::relay::{Giver, RelayKey};
use crate::{Action, Answer, BlobTarget, HostError, Measure, Owner, Query};

/// What a helper may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Only answer queries; the unit could not write if it tried (`ProtectSystem=strict`).
    Plan,
    /// Answer queries and measure; the unit can write where it measures a disk, and nowhere else.
    Preflight,
    /// Everything; holds the node's lock.
    Run,
}

/// How a helper becomes a process of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Starter {
    /// A transient unit. The only way on a real node.
    #[default]
    SystemdRun,
    /// A plain background process: for tests, on machines without systemd. No sandbox for a plan.
    Direct,
}

/// What `start` is told on standard input, and `serve` in a file of mode 0600: it holds the token.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Config {
    /// The node's name in the cluster file.
    pub(crate) node: String,
    /// The run, and a part that makes this helper's unit and socket its own.
    pub(crate) run: String,
    pub(crate) id: String,
    pub(crate) mode: Mode,
    /// Whose run it is.
    pub(crate) owner: Owner,
    pub(crate) token: String,
    /// Who may connect, besides root.
    pub(crate) peer_uid: u32,
    pub(crate) starter: Starter,
    /// A directory that stands for the machine, in tests.
    pub(crate) root: Option<String>,
    /// The helper's own directory, removed when a plan that uploaded it is over.
    pub(crate) remove_binary: Option<String>,
    /// Seconds without a connection after which it ends itself.
    pub(crate) idle_s: u64,
}

impl Config {
    fn place(&self, path: &str) -> std::path::PathBuf {
        std::path::PathBuf::from(format!("{}{path}", self.root.as_deref().unwrap_or("")))
    }

    pub(crate) fn socket(&self) -> std::path::PathBuf {
        self.place(crate::paths::RUN).join(format!("{}.sock", self.id))
    }

    fn file(&self) -> std::path::PathBuf {
        self.place(crate::paths::RUN).join(format!("{}.json", self.id))
    }

    fn failed(&self) -> std::path::PathBuf {
        self.place(crate::paths::RUN).join(format!("{}.failed", self.id))
    }
}

/// What `start` says on standard output.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Started {
    /// The helper listens here. `previous` held the node's lock and did not end by itself.
    Listening { socket: String, previous: Option<Owner> },
    /// It does not.
    Failed(HostError),
}

/// The first frame of a connection.
#[derive(Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) token: String,
    pub(crate) wish: Wish,
}

/// What a connection is for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Wish {
    /// Requests and their replies, one after another.
    Ask,
    /// One blob: raw bytes follow [`Reply::Ready`].
    Put { target: BlobTarget, offset: u64 },
    /// One blob that this node takes from another; [`Reply::Came`] follows [`Reply::Ready`].
    Fetch { target: BlobTarget, giver: Giver },
    /// A raw stream to a TCP address.
    Dial { address: String },
    /// Bytes, each of which says that the operator is alive.
    Beat,
    /// From another helper: end yourself if your operator is gone.
    Yield,
    /// From the operator: end yourself.
    End,
}

/// A request on an [`Wish::Ask`] connection.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Request {
    Query(Query),
    Act(Action),
    Measure(Measure),
    Offset(BlobTarget),
    /// Give blobs away on this address to whoever knows the key.
    Give {
        address: IpAddr,
        key: RelayKey,
    },
}

/// What the helper sends.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reply {
    /// The wish is granted.
    Ready,
    /// Still at it; sent every few seconds so that silence means a dead link.
    Working,
    Answer(Answer),
    Offset(u64),
    /// Where blobs are given away.
    Giving(SocketAddr),
    /// Bytes that have come of a blob so far; a sign of life, too.
    Came(u64),
    /// The giver does not have the blob any more.
    Gone,
    Done,
    Failed(HostError),
    /// The answer to [`Wish::Yield`]: my operator is alive, and was heard so many milliseconds ago.
    Busy {
        heard_ms: u64,
    },
}
