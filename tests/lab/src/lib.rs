//! The lab: builds the programs a cluster is made of, serves them as an "internet" outside the air gap,
//! and boots real Debian machines inside it. A test tool: it prints, and it may use anyhow.

pub mod cache;
pub mod factory;
pub mod image;
pub mod internet;
pub mod packages;
pub mod say;
