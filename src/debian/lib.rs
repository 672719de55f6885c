//! Debian's own words: versions, relations, control files, and which packages go together.
//!
//! Written here, some two hundred lines, because the crates that know them bring a date library, big numbers and regular
//! expressions into every binary that goes over a site's link.

mod choose;
mod control;
mod package;
mod relation;
mod replace;
mod status;
mod version;

pub use choose::{NoChoice, choose};
pub use control::{Stanza, stanzas};
pub use package::{Package, PackageError};
pub use relation::{Operator, Relation, Relations};
pub use replace::takes_place_of;
pub use status::{Installed, installed, remains};
pub use version::Version;
