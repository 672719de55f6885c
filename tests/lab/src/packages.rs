//! Debian packages the lab stands on: installed when root, else listed.

use std::path::Path;

use anyhow::{Result, bail};

use crate::program;
use crate::say::say;

/// Package -> a file that shows it is there (quicker than asking dpkg, and true for other ways of installing).
const NEEDED: &[(&str, &str)] = &[
    ("arping", "/usr/sbin/arping"),
    ("curl", "/usr/bin/curl"),
    ("docker-registry", "/usr/bin/docker-registry"),
    ("e2fsprogs", "/sbin/mke2fs"),
    ("gcc", "/usr/bin/gcc"),
    ("iproute2", "/sbin/ip"),
    ("jq", "/usr/bin/jq"),
    ("libc6-dev", "/usr/lib/x86_64-linux-gnu/libc.a"),
    ("libseccomp-dev", "/usr/lib/x86_64-linux-gnu/libseccomp.a"),
    ("linux-libc-dev", "/usr/include/linux/if.h"),
    ("minisign", "/usr/bin/minisign"),
    ("mmdebstrap", "/usr/bin/mmdebstrap"),
    ("nftables", "/usr/sbin/nft"),
    ("openssh-client", "/usr/bin/ssh"),
    ("openssh-server", "/usr/sbin/sshd"),
    ("pkg-config", "/usr/bin/pkg-config"),
    ("qemu-system-x86", "/usr/bin/qemu-system-x86_64"),
    ("skopeo", "/usr/bin/skopeo"),
    ("systemd-container", "/usr/bin/systemd-nspawn"),
];

/// Makes sure that every package is there.
pub fn ensure() -> Result<()> {
    let missing = missing(|file| Path::new(file).exists());
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !nix::unistd::Uid::effective().is_root() {
        bail!(
            "the lab needs packages that only root can install: apt-get install --no-install-recommends {list}"
        );
    }
    say(format!("installing {list}"));
    let apt = |words: &[&str]| {
        let mut apt = program::command(&["apt-get"]);
        apt.env("DEBIAN_FRONTEND", "noninteractive").args(words);
        program::finish(apt).map(|_| ())
    };
    apt(&["update", "-qq"])?;
    let mut words = vec!["install", "-y", "-qq", "--no-install-recommends"];
    // Services that packages bring must not start on this machine: the lab starts its own.
    let policy = Path::new("/usr/sbin/policy-rc.d");
    let ours = !policy.exists();
    if ours {
        std::fs::write(policy, "#!/bin/sh\nexit 101\n")?;
        std::fs::set_permissions(policy, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    }
    words.extend(&missing);
    let result = apt(&words);
    if ours {
        std::fs::remove_file(policy)?;
    }
    result
}

fn missing(there: impl Fn(&str) -> bool) -> Vec<&'static str> {
    NEEDED.iter().filter(|(_, file)| !there(file)).map(|(package, _)| *package).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_absent_is_asked_for() {
        assert_eq!(missing(|file| file != "/usr/bin/skopeo"), ["skopeo"]);
        assert!(missing(|_| true).is_empty());
    }
}
