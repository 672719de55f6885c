//! NetworkManager: profiles of our own that come before all others (nm-settings-keyfile(5)).
//!
//! A profile in `/run/NetworkManager/system-connections` is gone after a reboot, and stands in for the one with the same
//! UUID in `/etc`. What the profile that counted until now says and we do not know is kept.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;

use sealift_stream::Digest;

use super::ini::Ini;
use super::{Base, Commands, Link, Nic, Picked, Written, words};

/// Where profiles last, and where a reboot forgets them.
pub(crate) const LASTING: &str = "/etc/NetworkManager/system-connections";
pub(crate) const VOLATILE: &str = "/run/NetworkManager/system-connections";

const HEAD: &str = "# written by sealift\n";
/// NetworkManager takes no profile that others may read: there may be passwords in it.
const MODE: u32 = 0o600;

/// Sections that are written anew.
const OURS: &[&str] = &["connection", "ethernet", "802-3-ethernet", "ipv4", "ipv6", "vlan", "bond"];
/// Settings of `[ipv4]` and `[ipv6]` that do not say the addresses.
const STAYS: &[&str] = &["dns", "dns-search", "dns-options", "dns-priority", "ignore-auto-dns"];

/// What NetworkManager has on a device now.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Active {
    /// Of the profile that is up.
    pub(crate) uuid: Option<String>,
    /// Its text; none when there is no file of it.
    pub(crate) profile: Option<String>,
}

/// The UUID of the profile that is up on a device, from `/run/NetworkManager/devices/INDEX`.
pub(crate) fn uuid(device: &str) -> Option<String> {
    let value = device.lines().find_map(|line| line.trim().strip_prefix("connection-uuid="))?;
    Some(value.to_owned()).filter(|uuid| !uuid.is_empty())
}

/// Whether a profile has this UUID.
pub(crate) fn has_uuid(profile: &str, uuid: &str) -> bool {
    let wanted = |key: &str, value: &str| key == "uuid" && value == uuid;
    !Ini::parse(profile).lines("connection", wanted).is_empty()
}

/// The profiles for these links, and what has them taken. `active` is what each device has now.
pub(crate) fn render(links: &[Link], active: &BTreeMap<String, Active>) -> (Vec<Written>, Commands) {
    let (mut written, mut commands) = (vec![], Commands::default());
    for link in links {
        let kept = |device: &str| {
            let text = active.get(device).and_then(|active| active.profile.as_deref());
            text.map(Ini::parse).unwrap_or_default()
        };
        let (base, device) = (link.base.name(), link.device());
        // Those that give up an address last: a power cut before them leaves it as it was.
        if let Some(id) = link.vlan {
            let mut text = head(&device, "vlan", &[format!("interface-name={device}")]);
            section(&mut text, "vlan", &[format!("id={id}"), format!("parent={base}"), "flags=1".to_owned()]);
            addresses(&mut text, Some(link), &kept(&device));
            written.push(file(&device, &text));
        }
        match &link.base {
            Base::Nic(nic) => {
                let addressed = link.vlan.is_none().then_some(link);
                written.push(file(base, &ethernet(nic, addressed, None, &kept(base))));
            }
            Base::Bond { name, mode, members } => {
                let addressed = link.vlan.is_none().then_some(link);
                written.push(file(name, &bond(name, mode, addressed, &kept(name))));
                let members = members.iter();
                written.extend(
                    members.map(|nic| file(&nic.name, &ethernet(nic, None, Some(name), &kept(&nic.name)))),
                );
            }
        }
    }
    for one in &written {
        commands.take.push(words(["nmcli", "connection", "load", &one.volatile]));
    }
    for link in links {
        let members = link.base.nics().iter().map(|nic| nic.name.as_str());
        let members: Vec<&str> = members.filter(|name| *name != link.base.name()).collect();
        let vlan = link.vlan.map(|_| link.device());
        for device in std::iter::once(link.base.name()).chain(members).chain(vlan.as_deref()) {
            commands.take.push(up(&our_uuid(device)));
        }
    }
    commands.back.push(words(["nmcli", "connection", "reload"]));
    let before = links.iter().flat_map(|link| link.base.nics());
    commands.back.extend(before.filter_map(|nic| active.get(&nic.name)?.uuid.as_deref()).map(up));
    (written, commands)
}

fn up(uuid: &str) -> Vec<String> {
    words(["nmcli", "--wait", "45", "connection", "up", "uuid", uuid])
}

fn file(device: &str, text: &str) -> Written {
    let name = format!("sealift-{device}.nmconnection");
    Written {
        lasting: format!("{LASTING}/{name}"),
        volatile: format!("{VOLATILE}/{name}"),
        text: text.to_owned(),
        mode: MODE,
    }
}

/// The same for a device at every time: a profile that replaces another one of ours is the same profile.
fn our_uuid(device: &str) -> String {
    let hex = Digest::of(format!("sealift {device}").as_bytes()).hex();
    // of a form of its own (RFC 9562, version 8)
    format!("{}-{}-8{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

fn head(device: &str, kind: &str, more: &[String]) -> String {
    let mut text = HEAD.to_owned();
    let mut lines = vec![
        format!("id=sealift-{device}"),
        format!("uuid={}", our_uuid(device)),
        format!("type={kind}"),
        "autoconnect-priority=999".to_owned(),
    ];
    lines.extend_from_slice(more);
    section(&mut text, "connection", &lines);
    text
}

fn ethernet(nic: &Nic, link: Option<&Link>, bond: Option<&str>, kept: &Ini) -> String {
    let by_mac = nic.by == Picked::Mac && !nic.mac.is_empty();
    let mut more = vec![];
    if !by_mac {
        more.push(format!("interface-name={}", nic.name));
    }
    more.extend(bond.into_iter().flat_map(|bond| [format!("master={bond}"), "slave-type=bond".to_owned()]));
    let mut text = head(&nic.name, "ethernet", &more);
    let mtu = link.and_then(|link| link.mtu);
    let mut lines: Vec<String> = by_mac.then(|| format!("mac-address={}", nic.mac)).into_iter().collect();
    for section in ["ethernet", "802-3-ethernet"] {
        lines.extend(kept.lines(section, |key, _| key != "mac-address" && (key != "mtu" || mtu.is_none())));
    }
    lines.extend(mtu.map(|mtu| format!("mtu={mtu}")));
    section(&mut text, "ethernet", &lines);
    if bond.is_none() {
        addresses(&mut text, link, kept);
    }
    for (name, lines) in kept.others(OURS) {
        section(&mut text, name, lines);
    }
    text
}

fn bond(name: &str, mode: &str, link: Option<&Link>, kept: &Ini) -> String {
    let own = [format!("interface-name={name}"), "autoconnect-slaves=1".to_owned()];
    let mut text = head(name, "bond", &own);
    section(&mut text, "bond", &[format!("mode={mode}"), "miimon=100".to_owned()]);
    addresses(&mut text, link, kept);
    text
}

/// What a device has in both IP versions; nothing without a link.
fn addresses(text: &mut String, link: Option<&Link>, kept: &Ini) {
    for (name, ipv6) in [("ipv4", false), ("ipv6", true)] {
        let of_version = |address: &IpAddr| address.is_ipv6() == ipv6;
        let Some(link) = link else {
            section(text, name, &["method=disabled".to_owned()]);
            continue;
        };
        let own = link.addresses.iter().filter(|one| of_version(&one.address()));
        let mut lines: Vec<String> =
            own.enumerate().map(|(number, one)| format!("address{}={one}", number + 1)).collect();
        if lines.is_empty() {
            // what IPv6 does by itself is not ours to end
            let by_itself = |key: &str, value: &str| {
                let set = ["address", "route", "gateway"].iter().any(|begin| key.starts_with(begin));
                ipv6 && !set && (key, value) != ("method", "manual")
            };
            let mut lines = kept.lines(name, by_itself);
            if !lines.iter().any(|line| line.starts_with("method=")) {
                lines.push(if ipv6 { "method=auto" } else { "method=disabled" }.to_owned());
            }
            section(text, name, &lines);
            continue;
        }
        lines.insert(0, "method=manual".to_owned());
        lines.extend(link.gateway.filter(of_version).map(|gateway| format!("gateway={gateway}")));
        let routes = link.routes.iter().filter(|route| of_version(&route.via));
        lines.extend(
            routes
                .enumerate()
                .map(|(number, route)| format!("route{}={},{}", number + 1, route.to, route.via)),
        );
        let servers = link.nameservers.iter().filter(|server| of_version(server));
        let servers = servers.fold(String::new(), |text, server| text + &server.to_string() + ";");
        let said = !link.nameservers.is_empty();
        lines.extend(kept.lines(name, |key, _| STAYS.contains(&key) && (key != "dns" || !said)));
        if !servers.is_empty() {
            lines.push(format!("dns={servers}"));
        }
        section(text, name, &lines);
    }
}

fn section(text: &mut String, name: &str, lines: &[String]) {
    if !lines.is_empty() {
        let _ = write!(text, "\n[{name}]\n{}\n", lines.join("\n"));
    }
}

#[cfg(test)]
mod tests;
