//! Preflight: whether these servers can become this cluster, told before anything is changed.
//!
//! Facts are gathered first (`gather`), through handles that cannot change a node; then every check judges them
//! (`family`), a pure function each. A check is data too ([`Check`]): the report, `explain` and the reference are all
//! made from one table.

mod check;
mod facts;
mod family;
mod gather;
mod parse;
mod reference;
mod report;
mod site;
mod view;

pub use check::{Check, Class, Scope, Severity, check, checks};
pub use facts::{Absence, Clock, Facts, Offer};
pub use gather::{Depth, Member, gather};
pub use reference::table;
pub use report::{Counts, Outcome, Report, Verdict};
pub use site::{Selection, Site};

#[cfg(test)]
mod tests;
