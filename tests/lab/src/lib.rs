//! The lab: builds the programs a cluster is made of, serves them as an "internet" outside the air gap,
//! and boots real Debian machines inside it. A test tool: it prints, and it may use anyhow.

pub mod cache;
pub mod cgroup;
pub mod commands;
pub mod egress;
pub mod exe;
pub mod factory;
mod furnish;
pub mod image;
pub mod internet;
pub mod net;
pub mod node;
pub mod packages;
mod parallel;
pub mod process;
pub mod program;
pub mod qemu;
pub mod root;
pub mod say;
pub mod scene;
mod shell;
pub mod state;
