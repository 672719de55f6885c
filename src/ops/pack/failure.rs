//! How pack ends when it cannot go on: which code, and what to do next.

use std::path::Path;

use sealift_bundle::PackError;
use sealift_fetch::{FetchError, WorldError};

use crate::ops::{Exit, Failure};

/// An upstream did not answer, or not what was promised.
pub(super) fn fetch(error: &FetchError) -> Failure {
    if error.is_integrity() {
        return Failure::new(Exit::Integrity, error.to_string())
            .next("compare with the upstream's own checksum; a proxy on the way may have changed it");
    }
    match error {
        FetchError::Mirror { .. } | FetchError::Lock(_) => Failure::new(Exit::Usage, error.to_string()),
        _ => Failure::new(Exit::Refused, error.to_string()).next(
            "nothing was packed; run the same command again when the upstream answers, or name a --mirror",
        ),
    }
}

/// The world is not closed, or was not found out.
pub(super) fn world(error: &WorldError) -> Failure {
    match error {
        WorldError::Missing(_) => Failure::new(Exit::Integrity, error.to_string()).next(
            "add the images to the recipe's spec.images, or change the chart's values; nothing was packed",
        ),
        WorldError::NoTool { name } => Failure::new(Exit::Usage, error.to_string())
            .next(format!("add a file named {name} to the recipe, as bundle/core.yaml has it")),
        WorldError::Sealift { .. } => Failure::new(Exit::Usage, error.to_string())
            .next("write the version that it says into the recipe, or name the program that is meant"),
        WorldError::Fetch { source, .. } => {
            let inner = fetch(source);
            let failure = Failure::new(inner.exit, error.to_string());
            match inner.next {
                Some(next) => failure.next(next),
                None => failure,
            }
        }
        _ => Failure::new(Exit::Usage, error.to_string())
            .next("mend what it names, then run the same command again; what was fetched is kept"),
    }
}

/// Two runs over one bundle would be in each other's way.
pub(super) fn busy(scratch: &Path) -> Failure {
    let message = format!("another sealift packs the same, and works in {}", scratch.display());
    Failure::new(Exit::Refused, message).next("wait for it, or end it; what it has fetched is kept")
}

/// The bundle could not be filled.
pub(super) fn pack(error: &PackError) -> Failure {
    let exit = match error {
        PackError::VolumeSize { .. } | PackError::Exists { .. } | PackError::Lock(_) => Exit::Usage,
        error if error.is_integrity() => Exit::Integrity,
        PackError::Worker(_) => Exit::Bug,
        _ => Exit::Refused,
    };
    let failure = Failure::new(exit, with_cause(error));
    match error.hint() {
        Some(hint) => failure.next(hint),
        None => failure,
    }
}

/// The text of an error and of the innermost cause that it does not name itself.
fn with_cause(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}
