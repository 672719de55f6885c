//! What is so on the server, asked of its kernel, of systemd and of what runs.

use lab::qemu::Machine;

/// A swap file that a unit of the site's own starts, whatever becomes of fstab and `swap.target`.
pub(super) const UNIT: &str = "/etc/systemd/system/var-spare.swap";
pub(super) const SPARE: &str = "/var/spare";

/// Its administrator gives it more swap, which lasts.
pub(super) fn gets_a_swap_unit(machine: &Machine) {
    let text = format!("[Swap]\nWhat={SPARE}\n[Install]\nWantedBy=multi-user.target");
    ask(machine, &format!("fallocate -l 16M {SPARE} && chmod 600 {SPARE} && mkswap {SPARE}"));
    ask(machine, &format!("printf '{text}\n' > {UNIT} && systemctl enable --now var-spare.swap"));
}

/// What it is called on its label, before anybody makes a cluster of it.
const LABEL: &str = "blade-7";

/// Its administrator calls it after its label.
pub(super) fn gets_a_name(machine: &Machine) {
    ask(
        machine,
        &format!("echo {LABEL} > /etc/hostname && hostname {LABEL} && echo 127.0.1.1 {LABEL} >> /etc/hosts"),
    );
}

/// Its name, now and after the next boot.
fn names(machine: &Machine) -> String {
    ask(machine, "cat /proc/sys/kernel/hostname /etc/hostname")
}

/// Before an installation and after a reset: swap as its administrator set it up, nothing of ours.
pub(super) fn is_as_before(machine: &Machine) {
    assert_eq!(ask(machine, "swapon --show=NAME --noheadings | sort"), format!("/dev/vdb\n{SPARE}"));
    assert_eq!(ask(machine, "systemctl is-enabled swap.target || true"), "static");
    assert_eq!(ask(machine, "stat -fc %T /sys/fs/cgroup"), "cgroup2fs");
    let modules = ask(machine, "cat /proc/modules");
    for module in ["vxlan", "overlay", "br_netfilter"] {
        assert!(!has(&modules, module), "{module} is loaded already, so nothing would be shown:\n{modules}");
    }
    assert_eq!(ask(machine, "cat /proc/sys/net/ipv4/ip_forward"), "0");
    assert_eq!(names(machine), format!("{LABEL}\n{LABEL}"));
    assert!(!ask(machine, "cat /etc/hosts").contains("sealift"));
}

/// While the cluster is there, before and after a reboot.
pub(super) fn is_as_the_playbook_says(machine: &Machine) {
    assert_eq!(ask(machine, "tail -n +2 /proc/swaps"), "", "swap is on");
    assert_eq!(ask(machine, "systemctl is-enabled swap.target || true"), "masked");
    let fstab = ask(machine, "cat /etc/fstab");
    assert!(fstab.contains("\n#sealift-swap# UUID=") && fstab.starts_with("/dev/vda / "), "{fstab}");

    assert_eq!(names(machine), "cp1\ncp1");

    let modules = ask(machine, "cat /proc/modules");
    let wanted = ask(machine, "grep -v '^#' /etc/modules-load.d/sealift.conf");
    assert!(wanted.lines().count() >= 4, "{wanted}");
    for module in wanted.lines() {
        assert!(has(&modules, module), "{module} is not loaded:\n{modules}");
    }
    let values = ask(machine, "grep -v '^#' /etc/sysctl.d/90-sealift.conf");
    assert!(values.lines().count() >= 3, "{values}");
    for line in values.lines() {
        let (name, value) = line.split_once(" = ").unwrap();
        assert_eq!(ask(machine, &format!("sysctl -n {name}")), value, "{name}");
    }

    let kubelet = ask(machine, "cat /var/lib/kubelet/config.yaml");
    for line in ["cgroupDriver: systemd", "failSwapOn: true"] {
        assert!(kubelet.contains(line), "no '{line}' in:\n{kubelet}");
    }
    assert!(ask(machine, "cat /etc/containerd/config.toml").contains("SystemdCgroup = true"));
    // what both agree on is what systemd has: a slice for pods, a scope for each container
    let scopes = ask(machine, "find /sys/fs/cgroup/kubepods.slice -name 'cri-containerd-*.scope' | wc -l");
    assert!(scopes.parse::<usize>().unwrap() > 5, "{scopes} containers in kubepods.slice");
    let failed = ask(machine, "systemctl --failed --no-legend --plain");
    assert_eq!(failed, "");
}

/// Whether /proc/modules has a module.
fn has(modules: &str, name: &str) -> bool {
    modules.lines().any(|line| line.split(' ').next() == Some(name))
}

pub(super) fn ask(machine: &Machine, line: &str) -> String {
    machine.exec(&["sh", "-c", line]).unwrap().trim_end().to_owned()
}
