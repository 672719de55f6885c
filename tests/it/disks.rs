//! What lies on the machines' disks, before and after.

use lab::node::listing::Listing;

/// Each machine's name, and what lies on its disk.
pub(super) type Disks = Vec<(String, Listing)>;

/// Fails the test unless all disks are as they were before `what`.
#[track_caller]
pub(super) fn same(before: &Disks, after: &Disks, what: &str) {
    same_but(before, after, what, &[]);
}

/// The same, but for differences in whose line one of `besides` is.
#[track_caller]
pub(super) fn same_but(before: &Disks, after: &Disks, what: &str, besides: &[&str]) {
    for ((name, before), (_, after)) in before.iter().zip(after) {
        let lines = before.differences(after).into_iter().map(|difference| difference.to_string());
        let left: Vec<String> =
            lines.filter(|line| !besides.iter().any(|known| line.contains(known))).collect();
        assert!(left.is_empty(), "{what} left on {name}:\n{}", left.join("\n"));
    }
}
