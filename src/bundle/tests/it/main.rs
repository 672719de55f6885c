//! Bundles made, killed, bent, and read by other people's programs.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::cast_possible_truncation, reason = "sizes here are made up and small")]

mod carrier;
mod damage;
mod kill;
mod large;
mod other_programs;
mod pure;
mod signature;
mod sources;
mod support;
