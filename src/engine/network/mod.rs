//! A node's own network: what is wanted, fitted to what the node has, in the files of whatever manages it there.
//!
//! Everything in here is pure; the step `network` asks the node before and has it tried afterwards.

pub(crate) mod ifupdown;
pub(crate) mod ini;
pub(crate) mod live;
pub(crate) mod manager;
pub(crate) mod netplan;
pub(crate) mod networkd;
mod renderer;
pub(crate) mod resolv;
mod wanted;

pub use renderer::table;
pub(crate) use renderer::{Renderer, features, owner};
pub(crate) use wanted::{Base, Link, Nic, Picked, holder, resolve};

use crate::StepError;

/// A no, with what it is about and what to do.
fn refused(what: impl Into<String>, why: impl Into<String>, next: impl Into<String>) -> StepError {
    StepError::Refused { what: what.into(), why: why.into(), next: Some(next.into()) }
}

/// A file that makes a network last, and the one that a reboot forgets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// Below `/etc`.
    pub(crate) lasting: String,
    /// Below `/run`.
    pub(crate) volatile: String,
    pub(crate) text: String,
    pub(crate) mode: u32,
}

/// What makes a renderer take the files of a trial, and what makes it go back when they are gone.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Commands {
    pub(crate) take: Vec<Vec<String>>,
    /// Empty: the same.
    pub(crate) back: Vec<Vec<String>>,
}

/// A program with its arguments.
fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}
