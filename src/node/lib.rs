//! What can be asked of a node and done on it: by system calls on the spot, by a helper from outside.

mod ask;
mod containerd;
mod error;
mod facts;
mod frame;
pub mod helper;
mod host;
mod link;
mod local;
mod mutate;
mod owner;
pub mod paths;
mod probe;
mod refusal;
mod remote;
mod ssh;
mod what;
mod wire;

pub use ask::{
    Action, Answer, BlobTarget, Command, ImageState, JobState, Output, PathKind, Query, Secretless, Stat,
    UnitState,
};
pub use error::HostError;
pub use facts::{Facts, Interface};
pub use host::{BlobReader, BoxDuplex, Duplex, Host};
pub use local::LocalHost;
pub use mutate::Mutate;
pub use owner::Owner;
pub use probe::Probe;
pub use refusal::{Obstacle, SudoRefusal, Unreached};
pub use remote::{HelperBinary, RemoteHost, RemoteOptions};
pub use ssh::{
    Ask, HostKey, Identity, Nobody, Secret, Shared, Target, Wanted, scan_host_key, scan_host_key_like,
};
