//! Who runs this program: what locks and records are signed with.

use sealift_node::Owner;

use super::clock;

/// This process, doing `verb`.
pub(crate) fn owner(verb: &str) -> Owner {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Owner {
        verb: verb.to_owned(),
        pid: std::process::id(),
        host: host.trim().to_owned(),
        started: clock::rfc3339(since.as_secs()),
    }
}
