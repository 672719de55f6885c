//! The cluster file: a site as it should be.
//!
//! Text becomes a tree with positions (`tree`), a profile is laid under it (`merge`), every value is typed
//! on its own (`decode`), then compared with the others (`check`). All problems come back at once.

mod address;
mod catalogue;
mod check;
mod cidr;
mod cluster;
mod decode;
mod difference;
mod enroll;
mod fields;
mod host_key;
mod identity;
mod merge;
mod model;
mod name;
mod plain;
mod problem;
mod range;
mod settings;
mod sink;
mod source;
mod suggest;
mod template;
mod tree;
mod wrong;

pub use catalogue::{
    Absent, Effect, FieldDoc, Found, Kind, Ours, Standing, field, fields, find, schema, table,
};
pub use cidr::{Cidr, InterfaceAddress};
pub use cluster::{Cluster, identity_path};
pub use decode::reachable;
pub use difference::Difference;
pub use enroll::{EnrollError, Pin, with_host_keys};
pub use host_key::HostKey;
pub use identity::{NewLogin, with_login};
pub use model::{
    Access, Bond, Containerd, ControlPlane, Dns, Gpu, Hostname, Interface, Jump, Kubernetes, LoadBalancer,
    Login, Network, Node, NodeLink, NodeNetwork, Os, Pool, Preflight, Role, Route, Ssh, Swap, Time,
};
pub use name::{DomainName, Label, NodeName};
pub use problem::{Place, Problem, Problems};
pub use range::AddressRange;
pub use settings::{SshSettings, with_ssh_settings};
pub use source::{ReadError, read};
pub use template::{Answers, KeyPath, Server, UserName, template};
pub use wrong::Wrong;

#[cfg(test)]
mod tests;
