//! Bundles made, killed, bent, and read by other people's programs.

mod damage;
mod kill;
mod large;
mod other_programs;
mod pure;
mod signature;
mod sources;
mod support;
