//! Node roots: what a freshly installed Debian 12 server looks like, made once by mmdebstrap and kept in the cache.
//!
//! A root is kept as a directory tree, not as a tar: copying the tree takes a quarter of the time of unpacking.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::cache::{Cache, Key};
use crate::program::run_bound;
use crate::say::say;

/// Which programs the freshly installed server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RootKind {
    /// What an administrator's usual installation has: packet filters, conntrack, netplan, curl, socat.
    #[default]
    Full,
    /// Minimal: no iptables, nftables, conntrack, socat, ethtool, netplan, curl.
    Bare,
}

/// udev matters: without it systemd-networkd in a node leaves every link "pending".
const BARE: &str =
    "systemd,systemd-sysv,udev,dbus,openssh-server,iproute2,sudo,kmod,procps,mount,util-linux,e2fsprogs";
const FULL: &str =
    "nftables,iptables,conntrack,ethtool,socat,curl,ca-certificates,iputils-ping,netplan.io,arping";

/// Commands that run in the new root. The apt timers are masked because they ask public names by themselves, at a
/// time of their own: they would hide a leak of the product among the system's.
const HOOKS: [&str; 4] = [
    r#"chroot "$1" useradd -m -s /bin/bash ops"#,
    r#"printf 'ops ALL=(ALL:ALL) NOPASSWD: ALL\n' > "$1/etc/sudoers.d/ops" && chmod 0440 "$1/etc/sudoers.d/ops""#,
    r#"chroot "$1" systemctl mask apt-daily.timer apt-daily-upgrade.timer"#,
    r#"chroot "$1" systemctl enable systemd-networkd.service && rm -f "$1"/etc/ssh/ssh_host_*"#,
];

impl RootKind {
    fn name(self) -> &'static str {
        match self {
            Self::Full => "node-full",
            Self::Bare => "node-bare",
        }
    }

    fn packages(self) -> String {
        match self {
            Self::Full => format!("{BARE},{FULL}"),
            Self::Bare => BARE.to_owned(),
        }
    }

    /// All that decides what is in the root, except the state of Debian's archive on the day.
    fn key(self) -> Key {
        Key::of(1).add("packages", self.packages()).add("hooks", HOOKS.join("\n")).end()
    }
}

/// The tree of this root in the cache; made when it is not there (about one minute).
pub fn ensure(cache: &Cache, kind: RootKind) -> Result<PathBuf> {
    let build = |part: &Path| {
        if !nix::unistd::Uid::effective().is_root() {
            bail!("a node root needs root: run this as root once; it is kept in {}", cache.root().display());
        }
        say(format!("making the node root {} (about a minute, once)", kind.name()));
        let mut argv = vec!["mmdebstrap".to_owned(), "--quiet".into(), "--variant=minbase".into()];
        argv.push(format!("--include={}", kind.packages()));
        argv.extend(HOOKS.iter().map(|hook| format!("--customize-hook={hook}")));
        argv.extend(["bookworm".into(), part.join("tree").display().to_string()]);
        run_bound(&argv).map(drop)
    };
    let (entry, is_new) = cache.entry("roots", kind.name(), &kind.key(), build)?;
    if is_new {
        cache.prune("roots", kind.name(), &kind.key())?;
    }
    Ok(entry.join("tree"))
}

/// A node's own copy of a root.
pub fn copy(tree: &Path, target: &Path) -> Result<()> {
    let (from, to) = (tree.display().to_string(), target.display().to_string());
    run_bound(&["cp", "-a", "--reflink=auto", "-T", &from, &to])
        .map(drop)
        .with_context(|| format!("copying the node root to {}", target.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_roots_have_two_keys_and_a_root_in_the_cache_is_taken_as_it_is() {
        assert_ne!(RootKind::Bare.key(), RootKind::Full.key());
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path()).unwrap();
        let entry = cache.path("roots", RootKind::Bare.name(), &RootKind::Bare.key());
        std::fs::create_dir_all(entry.join("tree")).unwrap();
        assert_eq!(ensure(&cache, RootKind::Bare).unwrap(), entry.join("tree"));
    }
}
