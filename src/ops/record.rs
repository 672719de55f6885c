//! The site's record as verbs use it.

use sealift_engine::{RecordError, SiteRecord};

use super::{Exit, Failure};
use crate::shell::Shell;

/// A record that was read. A damaged one is as good as none, and told; one of a later sealift stops us, for we would
/// write over what we do not understand.
pub(crate) fn understood(
    read: Result<Option<SiteRecord>, RecordError>,
    shell: &Shell,
) -> anyhow::Result<Option<SiteRecord>> {
    match read {
        Ok(record) => Ok(record),
        Err(RecordError::Host(error)) => Err(error.into()),
        Err(error @ RecordError::Damaged { .. }) => {
            shell.warn(&error.to_string());
            Ok(None)
        }
        Err(error @ RecordError::TooNew { .. }) => Err(Failure::new(Exit::Refused, error.to_string())
            .next(
                "sealift self-update BUNDLE --trust KEY.pub, with the newest bundle that was installed here",
            )
            .into()),
    }
}
