//! One boot of a node: systemd-nspawn in the node's cgroups and in the scene's namespace.

use std::fs::OpenOptions;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use super::Node;
use crate::cgroup;
use crate::process::Process;
use crate::root::RootKind;

/// nspawn's status when the node asked for a reboot (`--keep-unit` makes it say so and leave the boot to us).
pub(crate) const REBOOT: i32 = 133;

/// Enters the cgroups given as arguments up to `--`, then becomes the rest. It is a shell because a process can only be
/// put into its cgroups from inside, before it turns into nspawn.
const ENTER: &str =
    r#"while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 1; shift; done; shift; exec "$@""#;

const NSPAWN: [&str; 14] = [
    "--boot",
    "--quiet",
    "--register=no",
    "--keep-unit",
    "--console=pipe",
    "--resolv-conf=off",
    "--timezone=off",
    "--link-journal=no",
    "--capability=all",
    // Or a clock set in the node is the host's clock.
    "--drop-capability=CAP_SYS_TIME,CAP_SYS_MODULE",
    "--system-call-filter=add_key keyctl bpf @keyring",
    "--network-bridge=br0",
    "--bind=/dev/kmsg",
    "--bind=/dev/net/tun",
];

/// systemd from 256 on boots under cgroup v1, which is what this host has, only when its command line says so.
const OLD_CGROUPS: &str = "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1";

/// Starts nspawn; the node's console goes to `console.log`.
pub(crate) fn boot(node: &Node) -> Result<Child> {
    cgroup::renew(node.cgroups())?;
    let path = node.dir().join("console.log");
    let console = OpenOptions::new().create(true).append(true).open(&path);
    let console = console.with_context(|| format!("opening {}", path.display()))?;
    let errors = console.try_clone().context("opening the console twice")?;
    let mut command = Command::new("sh");
    command.args(["-c", ENTER, "enter"]).args(node.cgroups()).arg("--");
    command.arg("nsenter").arg(format!("--net={}", node.net.path().display())).arg("--");
    command.arg("systemd-nspawn").arg(format!("--machine={}", node.machine()));
    command.arg(format!("--hostname={}", node.name())).arg("--directory").arg(node.disk()).args(NSPAWN);
    if node.root_kind() == RootKind::Newer {
        command.arg(OLD_CGROUPS);
    }
    command.env("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "1");
    command.stdin(Stdio::null()).stdout(console).stderr(errors);
    command.spawn().with_context(|| format!("starting systemd-nspawn for node {}", node.name()))
}

/// The node's PID 1 among nspawn's descendants: the one that is process 1 in its own namespace.
pub(crate) fn find_leader(nspawn: Process) -> Option<Process> {
    let mut open = nspawn.children();
    while let Some(pid) = open.pop() {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        if is_first_of_its_namespace(&status) {
            return Process::of(pid).ok();
        }
        open.extend(Process::of(pid).map(Process::children).unwrap_or_default());
    }
    None
}

fn is_first_of_its_namespace(status: &str) -> bool {
    status.lines().find_map(|line| line.strip_prefix("NSpid:")).is_some_and(|pids| {
        let pids: Vec<&str> = pids.split_whitespace().collect();
        pids.len() > 1 && pids.last() == Some(&"1")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_process_1_of_an_inner_namespace_is_a_leader() {
        assert!(is_first_of_its_namespace("Name:\tsystemd\nNSpid:\t4711\t1\n"));
        for other in ["NSpid:\t1\n", "NSpid:\t4711\t12\n", "NSpid:\t4711\n", "", "NSpid:\n"] {
            assert!(!is_first_of_its_namespace(other), "{other:?}");
        }
    }
}
