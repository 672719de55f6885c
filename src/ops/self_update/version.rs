//! Which version may follow which.

use sealift_bundle::Carried;

use super::UNCHANGED;
use super::target::Target;
use crate::cli::SelfUpdateArgs;
use crate::ops::{Exit, Failure};

/// The version of the program that runs.
pub(super) fn ours() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// A later one may come by itself. An older one takes mended holes back, whoever brings it: it must be meant, by its
/// number, so that a script does not go on meaning the next older stick. The same number over again is another build of
/// it, and to be meant too; as a copy at another place it is no step back.
pub(super) fn allowed(carried: &Carried, target: &Target, args: &SelfUpdateArgs) -> Result<(), Failure> {
    let theirs = &carried.version;
    if args.rollback_to.as_deref() == Some(theirs.to_string().as_str()) {
        return Ok(());
    }
    let ours: semver::Version =
        ours().parse().map_err(|_| Failure::new(Exit::Bug, "sealift has no version"))?;
    let (exit, what) = match theirs.cmp_precedence(&ours) {
        std::cmp::Ordering::Greater => return Ok(()),
        std::cmp::Ordering::Equal if target.is_elsewhere() => return Ok(()),
        std::cmp::Ordering::Equal => (Exit::Usage, "another build of the same version"),
        std::cmp::Ordering::Less => (Exit::Integrity, "older than this one"),
    };
    let message = format!("the bundle brings sealift {theirs}, {what} ({ours}); {UNCHANGED}");
    let next = format!("take a newer bundle; to have this one on purpose, add --rollback-to {theirs}");
    Err(Failure::new(exit, message).next(next))
}
