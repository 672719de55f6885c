//! Node roots: what a freshly installed Debian server looks like, made once by mmdebstrap and kept in the cache.
//!
//! A root is kept as a directory tree, not as a tar: copying the tree takes a quarter of the time of unpacking.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::cache::{Cache, Key, KeyBuilder};
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
    /// The usual installation, its addresses set by ifupdown as Debian's installer does it.
    Ifupdown,
    /// The usual installation, its addresses set by NetworkManager.
    Managed,
    /// The usual installation of the Debian before: an older C library, systemd, sudo and SSH server, its addresses set
    /// by ifupdown.
    Older,
    /// Minimal, of the Debian after: nothing but systemd, an SSH server and sudo.
    Newer,
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
    /// By its word on the command line.
    pub(crate) fn of(word: &str) -> Option<Self> {
        let kinds = [Self::Full, Self::Bare, Self::Ifupdown, Self::Managed, Self::Older, Self::Newer];
        kinds.into_iter().find(|kind| kind.name().strip_prefix("node-") == Some(word))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Full => "node-full",
            Self::Bare => "node-bare",
            Self::Ifupdown => "node-ifupdown",
            Self::Managed => "node-managed",
            Self::Older => "node-older",
            Self::Newer => "node-newer",
        }
    }

    fn recipe(self) -> Recipe {
        match self {
            Self::Full => Recipe::usual("bookworm"),
            Self::Bare => Recipe::minimal("bookworm"),
            Self::Ifupdown => Recipe::usual("bookworm").with("ifupdown"),
            Self::Managed => Recipe::usual("bookworm").with("network-manager"),
            Self::Older => Recipe::usual("bullseye").with("ifupdown"),
            Self::Newer => Recipe::minimal("trixie"),
        }
    }
}

/// What a root is made of.
#[derive(Debug)]
pub(crate) struct Recipe {
    suite: &'static str,
    packages: String,
}

impl Recipe {
    /// An administrator's usual installation of a Debian.
    pub(crate) fn usual(suite: &'static str) -> Self {
        Self { suite, packages: format!("{BARE},{FULL}") }
    }

    /// A Debian with an SSH server and little else.
    fn minimal(suite: &'static str) -> Self {
        Self { suite, packages: BARE.to_owned() }
    }

    /// More packages beside those.
    pub(crate) fn with(mut self, packages: &str) -> Self {
        self.packages.push(',');
        self.packages.push_str(packages);
        self
    }

    /// All that decides what is in the root, except the state of Debian's archive on the day.
    pub(crate) fn key(&self) -> KeyBuilder {
        let hooks = HOOKS.join("\n");
        Key::of(2).add("suite", self.suite).add("packages", &self.packages).add("hooks", hooks)
    }

    /// Makes the root (about a minute).
    pub(crate) fn make(&self, cache: &Cache, name: &str, tree: &Path) -> Result<()> {
        if !nix::unistd::Uid::effective().is_root() {
            bail!("a node root needs root: run this as root once; it is kept in {}", cache.root().display());
        }
        say(format!("making the node root {name} (about a minute, once)"));
        let mut argv = vec!["mmdebstrap".to_owned(), "--quiet".into(), "--variant=minbase".into()];
        argv.push(format!("--include={}", self.packages));
        argv.extend(HOOKS.iter().map(|hook| format!("--customize-hook={hook}")));
        argv.extend([self.suite.into(), tree.display().to_string()]);
        run_bound(&argv).map(drop)
    }
}

/// The tree of this root in the cache; made when it is not there.
pub fn ensure(cache: &Cache, kind: RootKind) -> Result<PathBuf> {
    let (recipe, name) = (kind.recipe(), kind.name());
    let key = recipe.key().end();
    let build = |part: &Path| recipe.make(cache, name, &part.join("tree"));
    let (entry, is_new) = cache.entry("roots", name, &key, build)?;
    if is_new {
        cache.prune("roots", name, &key)?;
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
    fn every_root_has_a_key_of_its_own_and_a_root_in_the_cache_is_taken_as_it_is() {
        let key = |kind: RootKind| kind.recipe().key().end();
        assert_ne!(key(RootKind::Bare), key(RootKind::Full));
        assert_ne!(key(RootKind::Older), key(RootKind::Full));
        assert_ne!(key(RootKind::Newer), key(RootKind::Bare));
        assert_ne!(Recipe::usual("bookworm").with("linux-image-amd64").key().end(), key(RootKind::Full));
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path()).unwrap();
        let entry = cache.path("roots", RootKind::Bare.name(), &key(RootKind::Bare));
        std::fs::create_dir_all(entry.join("tree")).unwrap();
        assert_eq!(ensure(&cache, RootKind::Bare).unwrap(), entry.join("tree"));
    }
}
