//! Who runs this program: what locks and records are signed with.

use std::time::SystemTime;

use sealift_engine::rfc3339_seconds;
use sealift_node::Owner;

/// This process, doing `verb`.
pub(crate) fn owner(verb: &str) -> Owner {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    Owner {
        verb: verb.to_owned(),
        pid: std::process::id(),
        host: host.trim().to_owned(),
        started: rfc3339_seconds(SystemTime::now()),
    }
}
