//! What provokes each check: one change of a clean site.

use sealift_node::{HostError, Interface, Neighbour, Owner, Port, Proto, Reached, Unreached};

use super::world::{NOW, World};
use crate::facts::Clock;
use crate::parse::filter::Filter;

type Provoke = fn(&mut World);

fn unreachable(kind: Unreached) -> HostError {
    HostError::Unreachable { host: "w1".into(), address: "10.77.0.21:22".into(), kind, why: "as told".into() }
}

fn gpu(world: &mut World, driver: &str) {
    let text = format!("{driver}PCI_CLASS=30200\nPCI_ID=10DE:20B5\n");
    world.put("w1", "/sys/bus/pci/devices/0000:41:00.0/uevent", &text);
}

fn chain(world: &mut World, name: &str, hook: &str) {
    let text = format!("*filter\n:{name} {hook} [0:0]\n");
    world.node("cp1").filter = Ok(Some(Filter::parse(&text).unwrap()));
}

fn ear(world: &mut World, name: &str, table: &str, port: u16) {
    let state = if table == "udp" { "07" } else { "0A" };
    world.add(
        name,
        &format!("/proc/net/{table}"),
        &format!("   9: 00000000:{port:04X} 00000000:0000 {state}\n"),
    );
}

fn shut(world: &mut World, proto: Proto, number: u16) {
    let ports = world.link("w1", "cp1").ports.as_mut().unwrap();
    ports.push(sealift_node::TryPort { port: Port { proto, number }, reached: Reached::Silent });
}

fn lost(world: &mut World, sizes: &[u32]) {
    let pings = world.link("cp1", "w1").pings.as_mut().unwrap();
    pings.iter_mut().filter(|ping| sizes.contains(&ping.size)).for_each(|ping| ping.micros = None);
}

fn answers(world: &mut World, address: &str, macs: &[&str]) {
    let one = Neighbour {
        address: address.parse().unwrap(),
        macs: macs.iter().map(|mac| (*mac).to_owned()).collect(),
        unasked: None,
    };
    world.node("cp1").neighbours.as_mut().unwrap().push(one);
}

pub(super) const CASES: &[(&str, Provoke)] = &[
    // connections
    ("ssh-refused", |w| w.lose("w1", unreachable(Unreached::Refused))),
    ("ssh-silent", |w| w.lose("w1", unreachable(Unreached::Silent))),
    ("ssh-host-key", |w| {
        let seen = "SHA256:x".to_owned();
        w.lose("w1", HostError::HostKeyUnknown { host: "w1".into(), address: "a".into(), seen });
    }),
    ("ssh-login", |w| {
        w.lose(
            "w1",
            HostError::AuthFailed {
                host: "w1".into(),
                user: "ops".into(),
                offered: "publickey".into(),
                why: "no key".into(),
            },
        );
    }),
    ("sudo-refused", |w| {
        let why = "a password is required".to_owned();
        w.lose(
            "w1",
            HostError::SudoRefused {
                host: "w1".into(),
                user: "ops".into(),
                refusal: sealift_node::SudoRefusal::PasswordNeeded,
                why,
            },
        );
    }),
    ("node-busy", |w| {
        let owner = Owner { verb: "install".into(), pid: 1, host: "other".into(), started: "now".into() };
        w.lose("w1", HostError::Busy { host: "w1".into(), owner: Box::new(owner), heard_s: 2 });
    }),
    ("helper-failed", |w| {
        w.lose("w1", HostError::refused("w1", "starting the helper", "No space left on device"));
    }),
    // system
    ("os-supported", |w| {
        w.put("cp1", "/etc/os-release", "PRETTY_NAME=\"Ubuntu 20.04\"\nID=ubuntu\nVERSION_ID=\"20.04\"\n");
    }),
    ("init-systemd", |w| w.put("cp1", "/proc/1/comm", "init\n")),
    ("programs-missing", |w| w.names("cp1", "/usr/sbin", &["swapoff"])),
    ("packages-kubernetes", |w| w.put("w1", "/var/lib/dpkg/info/kubelet.list", "/usr/bin/kubelet\n")),
    ("unattended-upgrades", |w| {
        w.put("w1", "/usr/bin/unattended-upgrade", "");
        w.put("w1", "/etc/apt/apt.conf.d/20auto-upgrades", "APT::Periodic::Unattended-Upgrade \"1\";\n");
    }),
    ("package-interrupted", |w| w.names("w1", "/var/lib/dpkg/updates", &["0000"])),
    ("reboot-pending", |w| w.put("w1", "/run/reboot-required", "*** System restart required ***\n")),
    // kernel
    ("kernel-old", |w| w.machine("cp1").kernel = "4.19.0-25-amd64".into()),
    ("kernel-modules-gone", |w| w.names("cp1", "/lib/modules", &["6.1.0-20-amd64"])),
    ("kernel-overlay", |w| {
        w.put("cp1", "/proc/filesystems", "\text4\n");
        w.put("cp1", "/proc/modules", "nf_conntrack 1 0 - Live 0x0\n");
    }),
    ("kernel-vxlan", |w| {
        w.node("cp1").modules = Ok("kernel/net/nf_tables.ko:\nx/nf_conntrack.ko: a/vxlan.ko\n".into());
    }),
    ("kernel-nf-tables", |w| w.node("cp1").modules = Ok("kernel/net/vxlan.ko:\n".into())),
    ("kernel-conntrack", |w| {
        w.put("cp1", "/proc/modules", "x 1\n");
        w.node("cp1").modules = Ok(String::new());
    }),
    ("kernel-namespaces", |w| w.names("cp1", "/proc/self/ns", &["ipc", "mnt", "net", "pid", "uts"])),
    ("kernel-seccomp", |w| w.take("cp1", "/proc/sys/kernel/seccomp/actions_avail")),
    ("modules-locked", |w| w.put("cp1", "/proc/sys/kernel/modules_disabled", "1\n")),
    ("sysctl-locked", |w| w.mount("cp1", "/proc/sys", "proc", "ro")),
    ("sysctl-overridden", |w| w.put("cp1", "/etc/sysctl.d/99-hard.conf", "net.ipv4.ip_forward = 0\n")),
    ("pid-max", |w| w.put("cp1", "/proc/sys/kernel/pid_max", "4096\n")),
    ("file-max", |w| w.put("cp1", "/proc/sys/fs/file-max", "65536\n")),
    // cgroups and swap
    ("cgroup-v1", |w| {
        w.take("cp1", "/sys/fs/cgroup/cgroup.controllers");
        w.put(
            "cp1",
            "/proc/cgroups",
            "#subsys_name\thierarchy\tnum\tenabled\ncpu\t1\t1\t1\nmemory\t1\t1\t1\npids\t1\t1\t1\n",
        );
    }),
    ("cgroup-controllers", |w| w.put("cp1", "/sys/fs/cgroup/cgroup.controllers", "cpu io pids\n")),
    ("cgroup-mixed", |w| w.mount("cp1", "/sys/fs/cgroup/net_cls", "cgroup", "rw")),
    ("swap-on", |w| w.add("w1", "/proc/swaps", "/dev/zram0 partition 100 0 100\n")),
    ("swap-full", |w| {
        w.put(
            "w1",
            "/proc/meminfo",
            "MemTotal: 4000000 kB\nMemAvailable: 900000 kB\nSwapTotal: 2000000 kB\nSwapFree: 10 kB\n",
        );
    }),
    ("swap-fstab", |w| w.add("w1", "/etc/fstab", "/dev/sda2 none swap sw 0 0\n")),
    ("swap-zram", |w| w.put("w1", "/etc/systemd/zram-generator.conf", "[zram0]\n")),
    ("swap-unit", |w| w.names("w1", "/etc/systemd/system", &["dev-sda2.swap"])),
    ("swap-cloud-init", |w| w.put("w1", "/etc/cloud/cloud.cfg.d/90.cfg", "swap:\n  filename: /swap.img\n")),
    // time
    ("clock-year", |w| w.machine("w1").now = 1_000),
    ("clock-operator", |w| w.node("w1").clock = Ok(Clock { ahead: -40_000, uncertain: 200 })),
    ("clock-nodes", |w| w.node("w1").clock = Ok(Clock { ahead: 86_400_000, uncertain: 5 })),
    ("clock-control-planes", |w| w.node("cp2").clock = Ok(Clock { ahead: 3_000, uncertain: 5 })),
    ("clock-drift", |w| w.node("cp2").clock = Ok(Clock { ahead: 900, uncertain: 5 })),
    ("clock-battery", |w| w.put("w1", "/sys/class/rtc/rtc0/since_epoch", "86400\n")),
    ("time-chrony", |w| w.file = w.file.replace("  dns:", "  os: {time: chrony}\n  dns:")),
    ("time-service", |w| w.unit("w1", "chrony.service", "inactive")),
    ("time-services-two", |w| w.unit("w1", "systemd-timesyncd.service", "active")),
    ("time-unsynchronised", |w| {
        w.unit("w1", "chrony.service", "inactive");
        w.unit("w1", "systemd-timesyncd.service", "active");
    }),
    ("timezone-rtc", |w| w.put("w1", "/etc/adjtime", "0.0 0 0.0\n0\nLOCAL\n")),
    // memory and processors
    ("memory-least", |w| {
        w.put(
            "cp1",
            "/proc/meminfo",
            "MemTotal: 1500000 kB\nMemAvailable: 1200000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
        );
    }),
    ("memory-low", |w| {
        w.put(
            "cp1",
            "/proc/meminfo",
            "MemTotal: 2500000 kB\nMemAvailable: 1200000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
        );
    }),
    ("memory-taken", |w| {
        w.put(
            "w1",
            "/proc/meminfo",
            "MemTotal: 16000000 kB\nMemAvailable: 90000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
        );
    }),
    ("cpus-least", |w| w.put("cp1", "/sys/devices/system/cpu/online", "0\n")),
    ("open-files", |w| {
        w.put(
            "cp1",
            "/proc/1/limits",
            "Max open files            1024                 4096                 files     \n",
        );
    }),
    // disks
    ("disk-space", |w| {
        let room = w.room("w1", "/usr/local");
        (room.device, room.free) = (2, 100 << 20);
    }),
    ("disk-low", |w| w.node("w1").rooms.as_mut().unwrap().iter_mut().for_each(|room| room.free = 10 << 30)),
    ("disk-inodes", |w| w.room("w1", "/var/lib/containerd").inodes_free = 900),
    ("disk-pressure", |w| w.room("w1", "/var/lib/containerd").free = 20 << 30),
    ("etcd-sync", |w| w.node("cp1").sync.as_mut().unwrap().p99 = 12_500),
    ("etcd-sync-unfit", |w| w.node("cp1").sync.as_mut().unwrap().p99 = 250_000),
    ("mount-read-only", |w| w.mount("cp1", "/usr", "ext4", "ro")),
    ("mount-noexec", |w| w.mount("cp1", "/opt", "ext4", "rw,noexec")),
    ("mount-nosuid", |w| w.mount("cp1", "/var", "ext4", "rw,nosuid,nodev")),
    ("filesystem-overlay", |w| w.mount("cp1", "/var/lib/containerd", "overlay", "rw")),
    ("filesystem-types", |w| w.room("cp1", "/var/lib/containerd").types = false),
    ("filesystem-etcd-remote", |w| w.mount("cp1", "/var/lib/etcd", "nfs4", "rw")),
    ("filesystem-volatile", |w| w.mount("cp1", "/var/lib", "tmpfs", "rw")),
    ("filesystem-live", |w| w.put("cp1", "/proc/1/mountinfo", "22 1 0:1 / / rw - tmpfs tmpfs rw\n")),
    // names
    ("hostname-invalid", |w| w.put("w1", "/proc/sys/kernel/hostname", "W1_Server\n")),
    ("hostname-localhost", |w| w.put("w1", "/proc/sys/kernel/hostname", "localhost.localdomain\n")),
    ("hostname-differs", |w| w.put("w1", "/proc/sys/kernel/hostname", "debian\n")),
    ("hostname-unstable", |w| w.put("w1", "/etc/hostname", "debian\n")),
    ("hostname-duplicate", |w| w.put("w1", "/proc/sys/kernel/hostname", "cp1\n")),
    ("hosts-localhost", |w| w.put("w1", "/etc/hosts", "127.0.1.1 w1\n")),
    ("hosts-own-name", |w| w.put("w1", "/etc/hosts", "127.0.0.1 localhost\n")),
    ("hosts-conflict", |w| w.add("w1", "/etc/hosts", "10.77.0.99 cp1\n")),
    // clones
    ("machine-id-missing", |w| w.put("w1", "/etc/machine-id", "uninitialized\n")),
    ("machine-id-duplicate", |w| w.put("w1", "/etc/machine-id", "0123456789abcdef0123456789abcde0\n")),
    ("product-uuid-duplicate", |w| {
        w.put("w1", "/sys/class/dmi/id/product_uuid", "12345678-0000-0000-0000-000000000000\n");
    }),
    ("host-key-duplicate", |w| {
        w.put("w1", "/etc/ssh/ssh_host_ed25519_key.pub", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI0 x\n");
    }),
    ("mac-duplicate", |w| w.machine("w1").interfaces[0].mac = "52:54:00:00:00:10".into()),
    ("machine-id-dbus", |w| w.put("w1", "/var/lib/dbus/machine-id", "ffff\n")),
    // the network of a node
    ("address-absent", |w| w.machine("w1").interfaces[0].addresses = vec!["192.168.1.5/24".into()]),
    ("address-interface", |w| w.machine("cp1").interfaces[0].name = "eth1".into()),
    ("interface-down", |w| w.machine("w1").interfaces[0].running = false),
    ("addresses-several", |w| {
        let addresses = vec!["192.168.1.5/24".to_owned()];
        w.machine("w1").interfaces.push(Interface {
            name: "eth1".into(),
            mac: String::new(),
            running: true,
            made: false,
            addresses,
        });
    }),
    ("route-default", |w| {
        w.put("w1", "/proc/net/route", "Iface\neth0\t00004D0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\n");
    }),
    ("routes-default-several", |w| {
        w.add("w1", "/proc/net/route", "eth1\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\n");
    }),
    ("mtu-small", |w| w.put("w1", "/sys/class/net/eth0/mtu", "1300\n")),
    ("mtu-mixed", |w| w.put("w1", "/sys/class/net/eth0/mtu", "9000\n")),
    ("link-slow", |w| w.put("w1", "/sys/class/net/eth0/speed", "100\n")),
    ("link-half-duplex", |w| w.put("w1", "/sys/class/net/eth0/duplex", "half\n")),
    ("address-leased", |w| {
        w.put("w1", "/run/systemd/netif/leases/2", "ADDRESS=10.77.0.21\nNETMASK=255.255.255.0\n");
    }),
    ("networks-differ", |w| {
        w.file = w.file.replace("{address: 10.77.0.21}", "{address: 10.78.0.21}");
        w.machine("w1").interfaces[0].addresses = vec!["10.78.0.21/24".into()];
    }),
    // name resolution
    ("resolv-empty", |w| w.put("w1", "/etc/resolv.conf", "# none\n")),
    ("resolv-loop", |w| w.put("w1", "/etc/resolv.conf", "nameserver 127.0.0.53\n")),
    ("resolv-many", |w| {
        w.put(
            "w1",
            "/etc/resolv.conf",
            "nameserver 1.1.1.1\nnameserver 2.2.2.2\nnameserver 3.3.3.3\nnameserver 4.4.4.4\n",
        );
    }),
    ("resolv-search", |w| w.add("w1", "/etc/resolv.conf", "search cluster.local\n")),
    ("nsswitch-files", |w| w.put("w1", "/etc/nsswitch.conf", "hosts: dns files\n")),
    ("dns-upstream", |w| w.node("cp1").resolvers = Ok(vec![("10.77.0.2".into(), false)])),
    ("dns-upstream-node", |w| w.file = w.file.replace("upstreams: [10.77.0.2]", "upstreams: [10.77.0.21]")),
    // leftovers
    ("leftover-kubernetes", |w| w.names("w1", "/etc/kubernetes", &["kubelet.conf", "pki"])),
    ("site-record", |w| {
        w.put("cp1", "/var/lib/sealift/receipts/kubeadm.json", "{}");
        w.put("cp1", "/var/lib/sealift/site/record.json", "{\"schema\": 1, \"clus");
    }),
    ("leftover-etcd", |w| w.names("cp1", "/var/lib/etcd", &["lost+found", "member"])),
    ("leftover-kubelet", |w| w.names("w1", "/var/lib/kubelet", &["config.yaml"])),
    ("leftover-containerd", |w| w.names("w1", "/var/lib/containerd", &["io.containerd.content.v1.content"])),
    ("leftover-cni", |w| w.names("w1", "/etc/cni/net.d", &["10-calico.conflist"])),
    ("leftover-units", |w| w.put("w1", "/etc/systemd/system/kubelet.service", "[Service]\n")),
    ("leftover-programs", |w| w.put("w1", "/usr/local/bin/kubeadm", "")),
    ("leftover-interfaces", |w| w.names("w1", "/sys/class/net", &["cali0123", "eth0", "lo"])),
    ("leftover-filter", |w| chain(w, "KUBE-SERVICES", "-")),
    ("leftover-mounts", |w| w.mount("w1", "/var/lib/kubelet/pods/1/volumes/x", "tmpfs", "rw")),
    ("foreign-kubernetes", |w| w.names("w1", "/var/lib/rancher", &["k3s"])),
    ("runtime-docker", |w| w.put("w1", "/usr/bin/dockerd", "")),
    ("runtime-crio", |w| w.put("w1", "/usr/bin/crio", "")),
    ("runtime-containerd", |w| w.put("w1", "/usr/bin/containerd", "")),
    ("runtime-socket", |w| w.put("w1", "/run/containerd/containerd.sock", "")),
    ("runtime-podman", |w| w.put("w1", "/usr/bin/podman", "")),
    ("runtime-snap", |w| w.names("w1", "/snap", &["core22"])),
    ("port-control-plane", |w| ear(w, "cp1", "tcp6", 6443)),
    ("port-kubelet", |w| ear(w, "w1", "tcp", 10250)),
    ("port-network", |w| ear(w, "w1", "udp", 8472)),
    ("port-balancer", |w| ear(w, "w1", "tcp", 7946)),
    ("port-dns", |w| ear(w, "w1", "udp", 53)),
    ("port-web", |w| ear(w, "w1", "tcp", 443)),
    // firewalls and hardening
    ("firewall-ufw", |w| w.put("w1", "/etc/ufw/ufw.conf", "ENABLED=yes\n")),
    ("firewall-firewalld", |w| w.unit("w1", "firewalld.service", "active")),
    ("firewall-nftables", |w| w.unit("w1", "nftables.service", "active")),
    ("firewall-input", |w| chain(w, "INPUT", "DROP")),
    ("firewall-forward", |w| chain(w, "FORWARD", "DROP")),
    ("firewall-mixed", |w| w.put("w1", "/proc/net/ip_tables_names", "filter\nnat\n")),
    ("selinux-enforcing", |w| w.put("w1", "/sys/fs/selinux/enforce", "1")),
    ("apparmor-parser", |w| w.take("w1", "/usr/sbin/apparmor_parser")),
    ("fips", |w| w.put("w1", "/proc/sys/crypto/fips_enabled", "1\n")),
    ("lockdown", |w| w.put("w1", "/sys/kernel/security/lockdown", "none integrity [confidentiality]\n")),
    ("sudo-requiretty", |w| w.put("w1", "/etc/sudoers.d/hard", "Defaults requiretty\n")),
    ("proc-hidden", |w| w.mount("w1", "/proc", "proc", "rw,hidepid=2")),
    ("coredump-pipe", |w| w.put("w1", "/proc/sys/kernel/core_pattern", "|/opt/crash %p\n")),
    // GPUs
    ("gpu-driver", |w| gpu(w, "")),
    ("gpu-nouveau", |w| gpu(w, "DRIVER=nouveau\n")),
    ("gpu-passed-on", |w| gpu(w, "DRIVER=vfio-pci\n")),
    ("gpu-secure-boot", |w| {
        gpu(w, "");
        w.put(
            "w1",
            "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
            "\u{6}\0\0\0\u{1}",
        );
    }),
    ("gpu-driver-old", |w| {
        gpu(w, "DRIVER=nvidia\n");
        let text =
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.223.02  Sat Oct  7 15:40:34 UTC 2023\n";
        w.put("w1", "/proc/driver/nvidia/version", text);
    }),
    ("gpu-headers", |w| {
        gpu(w, "DRIVER=nvidia\n");
        w.put("w1", "/usr/sbin/dkms", "");
        w.take("w1", "/lib/modules/6.1.0-18-amd64/build");
    }),
    ("gpu-toolkit", |w| gpu(w, "DRIVER=nvidia\n")),
    // between nodes
    ("ports-tcp", |w| shut(w, Proto::Tcp, 6443)),
    ("ports-udp", |w| shut(w, Proto::Udp, 7946)),
    ("mtu-path", |w| lost(w, &[1450, 1500])),
    ("mtu-vxlan", |w| lost(w, &[1500])),
    ("latency", |w| {
        w.link("cp1", "cp2").pings.as_mut().unwrap().iter_mut().for_each(|ping| ping.micros = Some(35_000));
    }),
    ("bandwidth", |w| w.link("cp1", "cp2").rate = Some(Ok(9_500_000))),
    // the site
    ("cidr-pods", |w| {
        w.add("w1", "/proc/net/route", "docker0\t0000F40A\t00000000\t0001\t0\t0\t0\t0000FFFF\n");
    }),
    ("cidr-services", |w| {
        w.add("w1", "/proc/net/route", "eth0\t00006009\t00000000\t0001\t0\t0\t0\t0000FFFF\neth0\t0000600A\t01004D0A\t0003\t0\t0\t0\t0000F0FF\n");
    }),
    ("pool-network", |w| w.file = w.file.replace("10.77.0.240-10.77.0.250", "192.168.9.1-192.168.9.9")),
    ("pool-gateway", |w| {
        w.put("w1", "/proc/net/route", "Iface\neth0\t00000000\tF5004D0A\t0003\t0\t0\t0\t00000000\n");
    }),
    ("pool-node", |w| w.machine("w1").interfaces[0].addresses.push("10.77.0.241/24".into())),
    ("address-pool-taken", |w| answers(w, "10.77.0.243", &["aa:bb:cc:00:00:01"])),
    ("address-virtual-taken", |w| answers(w, "10.77.0.10", &["aa:bb:cc:00:00:01"])),
    ("address-node-taken", |w| answers(w, "10.77.0.21", &["52:54:00:00:00:13", "aa:bb:cc:00:00:01"])),
    ("control-planes-even", |w| {
        w.file = w.file.replace("    - {name: cp3, role: control-plane", "    - {name: cp3, role: worker");
    }),
    // the bundle
    ("bundle-platform", |w| w.offer.platforms = vec!["linux/arm64".into()]),
    ("bundle-space", |w| w.offer.bytes = 90 << 30),
    ("bundle-clock", |w| w.offer.created = NOW + 3600),
];
