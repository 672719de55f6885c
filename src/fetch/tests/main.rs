//! Fetching from real registries, and from servers that lie.

#![expect(clippy::expect_used, reason = "a test's helper fails the test")]

mod closed_world;
mod hostile;
mod kit;
mod packages;
mod registry;
