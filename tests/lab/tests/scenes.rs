//! Scenes on this machine: real namespaces, real machines. Needs root and fails without.

#[path = "scenes/boot.rs"]
mod boot;
#[path = "scenes/egress.rs"]
mod egress;
#[path = "scenes/killed.rs"]
mod killed;
#[path = "scenes/machine.rs"]
mod machine;
#[path = "scenes/place.rs"]
mod place;
