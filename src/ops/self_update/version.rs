//! Which version may follow which.

use sealift_bundle::Carried;

use super::UNCHANGED;
use super::put::asked;
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
///
/// It is held against the program that runs, and against a sealift that stands where it goes, if that is another.
pub(super) async fn allowed(
    carried: &Carried,
    target: &Target,
    args: &SelfUpdateArgs,
) -> Result<(), Failure> {
    let theirs = &carried.version;
    if args.rollback_to.as_deref() == Some(theirs.to_string().as_str()) {
        return Ok(());
    }
    let ours: semver::Version =
        ours().parse().map_err(|_| Failure::new(Exit::Bug, "sealift has no version"))?;
    let there = if target.is_elsewhere() { there(target).await } else { None };
    let (exit, what, than) = match &there {
        _ if theirs.cmp_precedence(&ours).is_lt() => (Exit::Integrity, "older than this one", &ours),
        Some(there) if theirs.cmp_precedence(there).is_lt() => {
            (Exit::Integrity, "older than what is there", there)
        }
        Some(there) if theirs.cmp_precedence(there).is_eq() => {
            (Exit::Usage, "another build of the same version", there)
        }
        None if theirs.cmp_precedence(&ours).is_eq() && !target.is_elsewhere() => {
            (Exit::Usage, "another build of the same version", &ours)
        }
        _ => return Ok(()),
    };
    let message = format!("the bundle brings sealift {theirs}, {what} ({than}); {UNCHANGED}");
    let next = format!("take a newer bundle; to have this one on purpose, add --rollback-to {theirs}");
    Err(Failure::new(exit, message).next(next))
}

/// The version of the sealift that is there; none when it is something else, or does not say.
async fn there(target: &Target) -> Option<semver::Version> {
    let output = asked(target.file()).await.ok()?.ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    said.trim().strip_prefix("sealift ")?.parse().ok()
}
