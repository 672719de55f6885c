//! Every place on a node where sealift itself keeps something.

/// State that must outlive a reboot. 0755; what is below decides who reads it.
pub const STATE: &str = "/var/lib/sealift";

/// The helper's binary: `helper/<first 12 digits of its digest>/sealift`; of one that only looks, and takes it away
/// again, `helper/<digits>-<its id>/sealift`. Not below `/run` or `/tmp`: both
/// are mounted `noexec` on hardened servers (`/run` already is on Debian), and a user must not own the file
/// that root will start.
pub const HELPERS: &str = "/var/lib/sealift/helper";

/// Blobs kept until a step has installed them: `sha256/<hex>`, `sha256/<hex>.part` while they arrive.
pub const BLOBS: &str = "/var/lib/sealift/blobs";

/// Jobs: `<name>/{started,stdin,stdout,stderr,status}`, root's alone.
pub const JOBS: &str = "/var/lib/sealift/jobs";

/// What helpers changed: `<run>.jsonl`, root's alone, of the last runs that changed something.
pub const JOURNAL: &str = "/var/lib/sealift/journal";

/// The site's record and the journals of its runs, on control planes; root's alone.
pub const SITE: &str = "/var/lib/sealift/site";

/// The record itself: what the cluster is made of.
pub const RECORD: &str = "/var/lib/sealift/site/record.json";

/// The receipt of kubeadm: from then on there is (half of) a cluster, which has what cannot change.
pub const BEGUN: &str = "/var/lib/sealift/receipts/kubeadm.json";

/// Files of the node's own network as they were before sealift, root's alone.
pub const BEFORE: &str = "/var/lib/sealift/network/before.json";

/// The network that is being tried (`trial.json`) and its lock, root's alone.
pub const TRIAL: &str = "/run/sealift/network";

/// Sockets, configurations and the lock of helpers: gone with a reboot, as the helpers are.
pub const RUN: &str = "/run/sealift";

/// Held (flock) by the one helper that may change this node; its content says who that is.
pub const LOCK: &str = "/run/sealift/lock";

/// containerd's socket.
pub const CONTAINERD: &str = "/run/containerd/containerd.sock";
