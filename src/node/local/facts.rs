//! Facts, from the kernel's files and two system calls.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::{SockaddrLike as _, SockaddrStorage};

use super::LocalHost;
use super::os_release::value;
use crate::error::Context as _;
use crate::{Answer, Facts, HostError, Interface};

impl LocalHost {
    pub(super) fn facts(&self) -> Result<Answer, HostError> {
        let what = || "reading facts".to_owned();
        let text = |path: &str| fs::read_to_string(self.root.path(path)).unwrap_or_default();
        // What describes the kernel is the kernel's also where a directory stands for the machine.
        let kernel = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let os = Some(text("/etc/os-release"))
            .filter(|os| !os.is_empty())
            .unwrap_or_else(|| text("/usr/lib/os-release"));
        let uname = nix::sys::utsname::uname().on(&self.name, what)?;
        let free = nix::sys::statvfs::statvfs(&existing(self)).on(&self.name, what)?;
        let meminfo = kernel("/proc/meminfo");
        let facts = Facts {
            hostname: uname.nodename().to_string_lossy().into_owned(),
            os_id: value(&os, "ID"),
            os_version: value(&os, "VERSION_ID"),
            os_name: value(&os, "PRETTY_NAME"),
            kernel: uname.release().to_string_lossy().into_owned(),
            arch: oci_arch(&uname.machine().to_string_lossy()).to_owned(),
            cpus: std::thread::available_parallelism()
                .map_or(1, |count| u32::try_from(count.get()).unwrap_or(1)),
            memory: kib(&meminfo, "MemTotal:"),
            swap: kib(&meminfo, "SwapTotal:"),
            disk_free: free.blocks_available().saturating_mul(free.fragment_size()),
            machine_id: text("/etc/machine-id").trim().to_owned(),
            boot_id: kernel("/proc/sys/kernel/random/boot_id").trim().to_owned(),
            init_start: start_time(&kernel("/proc/1/stat")),
            cgroup: if fs::metadata("/sys/fs/cgroup/cgroup.controllers").is_ok() { 2 } else { 1 },
            now: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            interfaces: interfaces().on(&self.name, what)?,
        };
        Ok(Answer::Facts(Box::new(facts)))
    }
}

/// `/var/lib`, or what there is of it.
fn existing(host: &LocalHost) -> std::path::PathBuf {
    let place = host.root.path("/var/lib");
    place.ancestors().find(|path| path.exists()).unwrap_or(&place).to_owned()
}

fn oci_arch(machine: &str) -> &str {
    match machine {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// A line of proc(5)'s meminfo, in bytes.
fn kib(meminfo: &str, key: &str) -> u64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Field 22 of proc(5)'s `/proc/PID/stat`, counted after the name in parentheses, which may hold anything.
fn start_time(stat: &str) -> u64 {
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    rest.split_whitespace().nth(19).and_then(|field| field.parse().ok()).unwrap_or(0)
}

fn interfaces() -> nix::Result<Vec<Interface>> {
    let mut found: BTreeMap<String, Interface> = BTreeMap::new();
    for entry in getifaddrs()? {
        let interface = found.entry(entry.interface_name.clone()).or_default();
        interface.name = entry.interface_name;
        interface.running = entry.flags.contains(InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING);
        let Some(address) = entry.address else { continue };
        if let Some(mac) = address.as_link_addr().and_then(nix::sys::socket::LinkAddr::addr) {
            if mac != [0; 6] {
                interface.mac = mac.map(|byte| format!("{byte:02x}")).join(":");
            }
        } else if let Some(ip) = ip(&address) {
            let bits = entry.netmask.as_ref().and_then(ip_mask).unwrap_or(0);
            interface.addresses.push(format!("{ip}/{bits}"));
        }
    }
    for interface in found.values_mut() {
        if let Some(own) = own_mac(&interface.name) {
            interface.mac = own;
        }
        let told = std::fs::read_to_string(format!("/sys/class/net/{}/uevent", interface.name));
        interface.made = is_made(&told.unwrap_or_default());
    }
    Ok(found.into_values().collect())
}

/// In a bond all cards have one address; the kernel keeps the one that a card had
/// (Documentation/ABI/testing/sysfs-class-net, `bonding_slave`).
fn own_mac(name: &str) -> Option<String> {
    let text = std::fs::read_to_string(format!("/sys/class/net/{name}/bonding_slave/perm_hwaddr")).ok()?;
    Some(text.trim().to_owned()).filter(|mac| !mac.is_empty())
}

/// What the kernel says to udev of an interface (`DEVTYPE`, as its drivers name it).
fn is_made(uevent: &str) -> bool {
    let kinds = ["vlan", "bond", "team", "bridge", "macvlan", "ipvlan"];
    uevent.lines().filter_map(|line| line.strip_prefix("DEVTYPE=")).any(|kind| kinds.contains(&kind))
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
}

/// The number of ones in a netmask. Some kernels leave its family out; then there is nothing to tell.
fn ip_mask(mask: &SockaddrStorage) -> Option<u32> {
    mask.family()?;
    Some(match ip(mask)? {
        IpAddr::V4(mask) => mask.to_bits().count_ones(),
        IpAddr::V6(mask) => mask.to_bits().count_ones(),
    })
}

#[cfg(test)]
mod tests {
    use super::{interfaces, is_made, kib, start_time};

    #[test]
    fn reads_the_kernels_files() {
        assert_eq!(kib("MemTotal:       24576 kB\nSwapTotal: 1 kB\n", "MemTotal:"), 24576 * 1024);
        let stat = "1 (a) b) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 777 9 9";
        assert_eq!(start_time(stat), 777);
        assert_eq!(start_time("1 (x"), 0);
        assert!(is_made("DEVTYPE=bond\nINTERFACE=bond0\nIFINDEX=4\n"));
        assert!(!is_made("INTERFACE=ens3\nIFINDEX=2\n") && !is_made("DEVTYPE=wlan\n") && !is_made(""));
    }

    #[test]
    fn sees_this_machines_loopback() {
        let all = interfaces().unwrap();
        let lo = all.iter().find(|interface| interface.name == "lo").unwrap();
        assert!(lo.addresses.contains(&"127.0.0.1/8".to_owned()), "{lo:?}");
    }
}
