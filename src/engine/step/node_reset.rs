//! A node as it was before sealift.
//!
//! What stays until the next boot, and why: the values of kernel parameters and loaded modules (others may have come
//! to need them), the addresses that the interfaces have (the files are the old ones again), empty base chains of iptables (kubelet's doing, without effect). The journal stays.

use sealift_node::{Command, FileBefore, Mutate, Probe, Secretless, paths};
use serde::{Deserialize, Serialize};

use super::act::NodeAct;
use super::footprint::{EMPTIED, LINKS, TABLES, TREES, UNITS};
use super::program::well;
use super::{clock, hostname, hosts, packages, swap, sysctl};
use crate::{Change, Ctx, StepError};

/// Takes away Kubernetes, its runtime and all that sealift put on the node.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NodeReset {}

const HOSTS: &str = "/etc/hosts";
const FSTAB: &str = "/etc/fstab";
const LIMIT: u64 = 1 << 20;
/// Its files are in it in base64.
const NETWORK_LIMIT: u64 = 16 << 20;
/// A pod has some ten mounts of 200 bytes.
const MOUNTS_LIMIT: u64 = 8 << 20;
const KUBEADM: &str = "/usr/local/bin/kubeadm";

/// Takes our part out of a file.
type Strip = fn(&str) -> String;

pub(crate) struct Seen {
    /// Of [`TREES`], those that are there.
    trees: Vec<&'static str>,
    /// Network devices that are there.
    links: Vec<&'static str>,
    /// Files with a part of ours in them, and how they are without it.
    edits: Vec<(String, String)>,
    /// Files of the node's own network as they were.
    network: Vec<FileBefore>,
    /// Whether another network is being tried.
    trial: bool,
    /// What becomes of the system's packages.
    packages: Vec<Change>,
}

/// Of every change.
const REASON: &str = "a reset leaves the node as it was before sealift";

impl NodeAct for NodeReset {
    type Seen = Seen;

    async fn observe(&self, probe: &Probe<'_>, _ctx: &Ctx<'_>) -> Result<Seen, StepError> {
        let (mut trees, mut links, mut edits) = (vec![], vec![], vec![]);
        let mounts = probe.read_file("/proc/1/mountinfo", MOUNTS_LIMIT).await?.unwrap_or_default();
        let mounts = String::from_utf8_lossy(&mounts).into_owned();
        for path in TREES {
            if probe.stat(path).await?.is_some() && !is_empty_mount(probe, &mounts, path).await? {
                trees.push(*path);
            }
        }
        for link in LINKS {
            if probe.stat(&format!("/sys/class/net/{link}")).await?.is_some() {
                links.push(*link);
            }
        }
        let fixed: [(String, Strip); 2] =
            [(HOSTS.to_owned(), hosts::without_block), (FSTAB.to_owned(), swap_back_on)];
        let parameters =
            sysctl::foreign_files(probe).await?.into_iter().map(|path| (path, values_back as Strip));
        for (path, strip) in fixed.into_iter().chain(parameters) {
            let bytes = probe.read_file(&path, LIMIT).await?.unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let stripped = strip(&text);
            if stripped != text {
                edits.push((path, stripped));
            }
        }
        let network = match probe.read_file(paths::BEFORE, NETWORK_LIMIT).await? {
            Some(text) => {
                let doing = StepError::below(format!("reading {}", paths::BEFORE));
                serde_json::from_slice(&text).map_err(doing)?
            }
            None => vec![],
        };
        let packages = packages::to_give_back(probe, REASON).await?;
        Ok(Seen { trees, links, edits, network, trial: probe.trial().await?.is_some(), packages })
    }

    fn diff(&self, seen: &Seen, _ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let reason = REASON;
        let trees = seen.trees.iter().map(|path| Change::new(*path, "present", "absent", reason));
        let links =
            seen.links.iter().map(|link| Change::new(format!("link {link}"), "present", "absent", reason));
        let edits = seen
            .edits
            .iter()
            .map(|(path, _)| Change::new(path, "with lines of sealift", "without them", reason));
        let network = seen.network.iter().map(|file| {
            let after = if file.was.is_some() { "as it was before" } else { "absent" };
            Change::new(
                &file.path,
                "as sealift wrote it",
                after,
                "the old addresses come back with the next boot",
            )
        });
        let trial =
            seen.trial.then(|| Change::new("network of the node", "being tried", "as it was", reason));
        let packages = seen.packages.iter().cloned();
        Ok(trees.chain(links).chain(edits).chain(network).chain(packages).chain(trial).collect())
    }

    async fn apply(&self, mutate: &Mutate<'_>, ctx: &Ctx<'_>, _changes: &[Change]) -> Result<(), StepError> {
        if mutate.trial().await?.is_some() {
            mutate.undo_network().await?;
        }
        stop_pods(mutate, ctx).await?;
        clear_packet_filter(mutate, ctx).await?;
        for unit in UNITS {
            quietly(mutate, &["systemctl", "disable", "--now", unit]).await?;
        }
        for link in self.observe(mutate, ctx).await?.links {
            run(mutate, &["ip", "link", "delete", link]).await?;
        }
        for name in mutate.list_dir("/run/netns").await?.unwrap_or_default() {
            if name.starts_with("cni-") {
                mutate.remove(&format!("/run/netns/{name}")).await?;
            }
        }
        give_swap_back(mutate).await?;
        hostname::give_back(mutate, ctx).await?;
        packages::give_back(mutate, ctx).await?;
        clock::give_back(mutate).await?;
        let seen = self.observe(mutate, ctx).await?;
        for file in seen.network {
            match file.was {
                Some((Secretless(content), mode)) => mutate.write_file(&file.path, content, mode).await?,
                None => mutate.remove(&file.path).await?,
            }
        }
        for (path, text) in seen.edits {
            let mode = mutate.stat(&path).await?.map_or(0o644, |stat| stat.mode & 0o777);
            mutate.write_file(&path, text.into_bytes(), mode).await?;
        }
        for path in seen.trees {
            mutate.remove(path).await?;
        }
        for path in EMPTIED {
            if mutate.list_dir(path).await?.is_some_and(|names| names.is_empty()) {
                mutate.remove(path).await?;
            }
        }
        run(mutate, &["systemctl", "daemon-reload"]).await?;
        quietly(mutate, &["systemctl", "reset-failed"]).await?;
        farewell(mutate).await
    }
}

/// Whether a file system of the site's own is mounted there, with nothing in it any more: as far as a reset goes.
async fn is_empty_mount(probe: &Probe<'_>, mountinfo: &str, path: &str) -> Result<bool, StepError> {
    // field 5 (proc(5)); none of these paths has a character that is escaped there
    if !mountinfo.lines().any(|line| line.split(' ').nth(4) == Some(path)) {
        return Ok(false);
    }
    let names = probe.list_dir(path).await?.unwrap_or_default();
    Ok(names.iter().all(|name| name == "lost+found"))
}

/// Has the helper's own directory removed when the helper has ended; until then new channels need it. So does another
/// helper that has been started from there meanwhile, which then does it itself.
async fn farewell(mutate: &Mutate<'_>) -> Result<(), StepError> {
    // read by the helper, so this names the helper's unit; here on this machine there is none
    let cgroup = mutate.read_file("/proc/self/cgroup", LIMIT).await?.unwrap_or_default();
    let cgroup = String::from_utf8_lossy(&cgroup).into_owned();
    let Some(unit) = cgroup
        .lines()
        .filter_map(|line| line.rsplit('/').next())
        .find(|unit| unit.starts_with("sealift-helper-"))
    else {
        return Ok(());
    };
    let script = format!(
        "while systemctl is-active --quiet {unit}; do sleep 0.1; done; \
         for other in /run/sealift/*.json; do [ ! -e $other ] || exit 0; done; \
         rm -rf /var/lib/sealift/helper; rmdir --ignore-fail-on-non-empty /var/lib/sealift /run/sealift"
    );
    run(mutate, &["systemd-run", "--quiet", "--collect", "--unit=sealift-farewell", "/bin/sh", "-c", &script])
        .await
}

/// kubeadm ends every pod through containerd, which must run for that.
async fn stop_pods(mutate: &Mutate<'_>, ctx: &Ctx<'_>) -> Result<(), StepError> {
    if mutate.stat(KUBEADM).await?.is_none() || mutate.stat("/usr/local/bin/containerd").await?.is_none() {
        return Ok(());
    }
    quietly(mutate, &["systemctl", "start", "containerd.service"]).await?;
    // with it kubeadm would first wait for an API that other nodes may have taken away already, and then for etcd
    mutate.remove("/etc/kubernetes/admin.conf").await?;
    let argv = [KUBEADM, "reset", "--force", "--cri-socket", "unix:///run/containerd/containerd.sock"];
    let command = Command::new(argv).timeout(600);
    let output = mutate.job("kubeadm-reset", command.clone()).await?;
    if output.status != 0 {
        let error = StepError::program(&command.argv, &output);
        ctx.note(format!("going on without it: {error}"));
    }
    Ok(())
}

/// Removes the tables that are ours alone, with the node's own `nft` or, on a node without one, with kube-proxy's.
async fn clear_packet_filter(mutate: &Mutate<'_>, ctx: &Ctx<'_>) -> Result<(), StepError> {
    // adding first makes deleting one that is not there no error, on every kernel
    let script: Vec<String> =
        TABLES.iter().map(|table| format!("add table {table}; delete table {table}")).collect();
    let script = script.join("; ");
    if mutate.stat("/usr/sbin/nft").await?.is_some() {
        run(mutate, &["/usr/sbin/nft", &script]).await?;
    } else if let Some(image) = kube_proxy_image(mutate).await? {
        // of a reset that was cut in there
        for words in [["tasks", "rm", "--force"].as_slice(), &["containers", "rm"], &["snapshots", "rm"]] {
            let argv = ["/usr/local/bin/ctr", "-n", "k8s.io"].into_iter().chain(words.iter().copied());
            quietly(mutate, &argv.chain(["sealift-reset"]).collect::<Vec<_>>()).await?;
        }
        // not --privileged: that asks for capabilities which a node that is a container itself may lack
        let argv = [
            "/usr/local/bin/ctr",
            "-n",
            "k8s.io",
            "run",
            "--rm",
            "--net-host",
            "--cap-add",
            "CAP_NET_ADMIN",
            &image,
            "sealift-reset",
            "nft",
            &script,
        ];
        run(mutate, &argv).await?;
    } else {
        ctx.note(
            "nothing here can clear the packet filter; what kube-proxy left in it goes at the next boot",
        );
    }
    if mutate.stat("/usr/sbin/iptables").await?.is_some() {
        for program in ["/usr/sbin/iptables", "/usr/sbin/ip6tables"] {
            for chain in ["INPUT", "OUTPUT"] {
                quietly(mutate, &[program, "-w", "-D", chain, "-j", "KUBE-FIREWALL"]).await?;
            }
            for (table, chain) in [
                ("filter", "KUBE-FIREWALL"),
                ("filter", "KUBE-KUBELET-CANARY"),
                ("nat", "KUBE-KUBELET-CANARY"),
                ("mangle", "KUBE-KUBELET-CANARY"),
                ("mangle", "KUBE-IPTABLES-HINT"),
            ] {
                quietly(mutate, &[program, "-w", "-t", table, "-F", chain]).await?;
                quietly(mutate, &[program, "-w", "-t", table, "-X", chain]).await?;
            }
        }
    }
    Ok(())
}

async fn kube_proxy_image(probe: &Probe<'_>) -> Result<Option<String>, StepError> {
    let images = probe.images().await?.unwrap_or_default();
    Ok(images.into_iter().map(|image| image.name).find(|name| name.contains("/kube-proxy:")))
}

/// fstab with the swap lines that we switched off switched on again.
fn swap_back_on(fstab: &str) -> String {
    without(fstab, swap::MARK)
}

/// A file of kernel parameters with the lines that we switched off switched on again.
fn values_back(text: &str) -> String {
    without(text, sysctl::MARK)
}

fn without(text: &str, mark: &str) -> String {
    text.split_inclusive('\n').map(|line| line.strip_prefix(mark).unwrap_or(line)).collect()
}

/// Unmasks what starts swap where we masked it; what fstab names comes back with the next boot.
async fn give_swap_back(mutate: &Mutate<'_>) -> Result<(), StepError> {
    for unit in swap::masked(mutate).await? {
        let mask = format!("/etc/systemd/system/{unit}");
        if mutate.read_link(&mask).await?.as_deref() == Some("/dev/null") {
            run(mutate, &["systemctl", "unmask", &unit]).await?;
        }
    }
    Ok(())
}

async fn run(mutate: &Mutate<'_>, argv: &[&str]) -> Result<(), StepError> {
    well(mutate, Command::new(argv.iter().copied()).timeout(180)).await.map(drop)
}

/// For what may rightly be gone already; what matters of it is looked at afterwards.
async fn quietly(mutate: &Mutate<'_>, argv: &[&str]) -> Result<(), StepError> {
    mutate.run(Command::new(argv.iter().copied()).timeout(180)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::swap, swap_back_on};

    #[test]
    fn fstab_comes_back_as_it_was() {
        let fstab =
            "# a comment\nUUID=1 / ext4 defaults 0 1\n/swapfile none swap sw 0 0\n\tLABEL=s none swap sw 0 0";
        let off = swap::switched_off(fstab).unwrap();
        assert_ne!(off, fstab);
        assert_eq!(swap_back_on(&off), fstab);
        assert_eq!(swap_back_on(fstab), fstab);
    }
}
