//! What is looked at on every node. A check that asks for a path which is not here could never be made.

use sealift_node::paths::{BEGUN, JOURNAL, RECORD};

use crate::family::{LEFT_OTHERS, LEFT_PROGRAMS, LEFT_UNITS};

/// No file of interest is longer; one that is could not be checked.
pub(super) const LIMIT: u64 = 256 * 1024;

/// Kernel modules that checks ask for, as they stand in `modules.dep` and `modules.builtin`.
pub(super) const MODULES: &[&str] = &["/overlay.ko", "/vxlan.ko", "/nf_tables.ko", "/nf_conntrack.ko"];

/// Units that checks ask for, beside the time services.
pub(super) const UNITS: &[&str] = &["firewalld.service", "nftables.service"];

/// Files and folders.
const PATHS: &[&str] = &[
    // the system
    "/etc/os-release",
    "/usr/lib/os-release",
    "/proc/1/comm",
    "/proc/1/limits",
    "/run/systemd/container",
    "/run/reboot-required",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
    "/snap",
    "/var/lib/dpkg/updates",
    "/var/lib/dpkg/info/kubelet.list",
    "/var/lib/dpkg/info/kubeadm.list",
    "/var/lib/dpkg/info/kubectl.list",
    "/var/lib/dpkg/info/cri-o.list",
    "/var/lib/dpkg/info/containerd.list",
    "/var/lib/dpkg/info/containerd.io.list",
    "/usr/bin/unattended-upgrade",
    "/etc/apt/apt.conf.d/*",
    // the kernel
    "/proc/modules",
    "/proc/filesystems",
    "/proc/self/ns",
    "/proc/sys/kernel/seccomp/actions_avail",
    "/proc/sys/kernel/modules_disabled",
    "/proc/sys/kernel/pid_max",
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/fs/file-max",
    "/proc/1/mountinfo",
    "/lib/modules",
    "/lib/modules/*/build",
    "/sys/module/vxlan",
    "/sys/module/nf_tables",
    "/sys/module/nf_conntrack",
    "/sys/module/overlay",
    "/etc/sysctl.conf",
    "/etc/sysctl.d/*",
    "/sys/fs/cgroup/cgroup.controllers",
    "/proc/cgroups",
    // memory and swap
    "/proc/meminfo",
    "/proc/swaps",
    "/sys/devices/system/cpu/online",
    "/etc/fstab",
    "/etc/systemd/system",
    "/etc/systemd/zram-generator.conf",
    "/usr/lib/systemd/zram-generator.conf",
    "/etc/default/zramswap",
    "/etc/cloud/cloud.cfg.d/*",
    // time
    "/sys/class/rtc/rtc0/since_epoch",
    "/run/systemd/timesync/synchronized",
    "/etc/adjtime",
    // names
    "/proc/sys/kernel/hostname",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/machine-id",
    "/var/lib/dbus/machine-id",
    "/sys/class/dmi/id/product_uuid",
    "/etc/ssh/ssh_host_ed25519_key.pub",
    "/etc/ssh/ssh_host_ecdsa_key.pub",
    "/etc/ssh/ssh_host_rsa_key.pub",
    // the network
    "/proc/net/route",
    "/proc/net/ipv6_route",
    "/proc/net/tcp",
    "/proc/net/tcp6",
    "/proc/net/udp",
    "/proc/net/udp6",
    "/proc/net/ip_tables_names",
    "/sys/class/net",
    "/sys/class/net/*/mtu",
    "/sys/class/net/*/speed",
    "/sys/class/net/*/duplex",
    "/run/systemd/netif/leases/*",
    "/etc/resolv.conf",
    "/etc/nsswitch.conf",
    "/etc/ufw/ufw.conf",
    // hardening
    "/sys/fs/selinux/enforce",
    "/sys/module/apparmor/parameters/enabled",
    "/usr/sbin/chronyd",
    "/usr/sbin/apparmor_parser",
    "/sbin/apparmor_parser",
    "/proc/sys/crypto/fips_enabled",
    "/sys/kernel/security/lockdown",
    "/etc/sudoers",
    "/etc/sudoers.d/*",
    // what is left of others, and of ourselves
    JOURNAL,
    BEGUN,
    RECORD,
    "/etc/kubernetes",
    "/etc/cni/net.d",
    "/var/lib/etcd",
    "/var/lib/kubelet",
    "/var/lib/containerd",
    "/usr/lib/systemd/system/containerd.service",
    "/usr/bin/dockerd",
    "/run/docker.sock",
    "/etc/docker/daemon.json",
    "/run/crio/crio.sock",
    "/usr/bin/crio",
    "/usr/bin/containerd",
    "/run/containerd/containerd.sock",
    "/usr/bin/podman",
    // GPUs
    "/sys/bus/pci/devices/*/uevent",
    "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
    "/proc/driver/nvidia/version",
    "/usr/sbin/dkms",
    "/usr/bin/nvidia-container-runtime",
];

/// All of them, with those that a family lists itself.
pub(crate) fn all() -> impl Iterator<Item = &'static str> {
    [PATHS, LEFT_UNITS, LEFT_PROGRAMS, LEFT_OTHERS].into_iter().flatten().copied()
}
