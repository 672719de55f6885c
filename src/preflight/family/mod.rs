//! The checks, one file per family. Their order is the report's.

use crate::check::Check;

mod between;
mod cgroup;
mod connection;
mod disk;
mod firewall;
mod gpu;
mod identity;
mod kernel;
mod leftovers;
mod machine;
mod mounts;
mod names;
mod network;
mod pools;
mod ports;
mod release;
mod resolver;
mod runtime;
mod security;
mod swap;
mod system;
mod time;

pub(crate) use disk::needs;
pub(crate) use leftovers::{OTHERS as LEFT_OTHERS, PROGRAMS as LEFT_PROGRAMS, UNITS as LEFT_UNITS};
pub(crate) use mounts::PATHS as MOUNTED;
pub(crate) use network::VXLAN;
pub(crate) use ports::{BALANCER, CLOCK, CONTROL_PLANE_SHARED, ETCD_SHARED, NETWORK, NODE_SHARED};
pub(crate) use time::SERVICES as TIME_SERVICES;

/// All families.
pub(crate) const ALL: &[&[Check]] = &[
    connection::CHECKS,
    system::CHECKS,
    kernel::CHECKS,
    cgroup::CHECKS,
    swap::CHECKS,
    time::CHECKS,
    machine::CHECKS,
    disk::CHECKS,
    mounts::CHECKS,
    names::CHECKS,
    identity::CHECKS,
    network::CHECKS,
    resolver::CHECKS,
    leftovers::CHECKS,
    runtime::CHECKS,
    ports::CHECKS,
    firewall::CHECKS,
    security::CHECKS,
    gpu::CHECKS,
    between::CHECKS,
    pools::CHECKS,
    release::CHECKS,
];

/// Checks that are about connections alone.
#[cfg(test)]
pub(crate) fn connection_ids() -> Vec<&'static str> {
    connection::CHECKS.iter().map(|check| check.id).collect()
}
