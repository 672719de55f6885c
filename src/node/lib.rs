//! What can be asked of a node and done on it: by system calls on the spot, by a helper from outside.

mod arp;
mod ask;
mod containerd;
mod error;
mod facts;
mod frame;
pub mod helper;
mod host;
mod link;
mod local;
mod measure;
mod mutate;
mod owner;
pub mod paths;
mod patient;
mod probe;
mod refusal;
mod relay;
mod remote;
mod sight;
mod ssh;
mod trial;
mod what;
mod wire;

pub use ask::{
    Action, Answer, BlobTarget, Command, Holder, ImageState, JobState, Output, PathKind, Query, Secretless,
    Stat, UnitState,
};
pub use error::HostError;
pub use facts::{Facts, Interface};
pub use host::{BlobReader, BoxDuplex, Duplex, Host};
pub use local::LocalHost;
pub use measure::{Gauge, Measure, Measured, Neighbour, Ping, Port, Proto, Reached, Timing, TryPort};
pub use mutate::Mutate;
pub use owner::Owner;
pub use probe::Probe;
pub use refusal::{Obstacle, SudoRefusal, Unreached};
pub use relay::{Came, Giver, RelayKey};
pub use remote::{HelperBinary, RemoteHost, RemoteOptions};
pub use sight::{Room, Sight};
pub use ssh::{
    Ask, HostKey, Identity, Nobody, Secret, Shared, Target, Wanted, scan_host_key, scan_host_key_like,
};
pub use trial::{FileBefore, Trial, TrialFile, TrialRecord, TrialState};
