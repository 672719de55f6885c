//! ifupdown: an interface's stanzas are written anew in the file that has them (interfaces(5)).
//!
//! ifupdown reads its files only when it brings an interface up or down, so the volatile form is a copy of that file
//! below `/run` which it is given by name; nothing reads that one after a reboot.

mod stanza;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Base, Commands, Link, Written, refused, words};
use crate::StepError;
use stanza::{Kind, Piece, parse, tail};

/// The file that all others are read from.
pub(crate) const MAIN: &str = "/etc/network/interfaces";

const HEAD: &str = "# by sealift; `sealift reset` brings back what was here\n";

/// Options that say what the cluster file says, or belong to a way of getting addresses that is replaced.
const KEYS: &[&str] = &[
    "address",
    "netmask",
    "broadcast",
    "gateway",
    "network",
    "scope",
    "accept_ra",
    "autoconf",
    "privext",
    "dhcp",
    "hostname",
    "leasehours",
    "leasetime",
    "vendor",
    "client",
    "metric",
    "request_prefix",
];

/// ifupdown's files by their paths, as texts with modes.
pub(crate) type Files = BTreeMap<String, (String, u32)>;

/// Paths and patterns that a file names after `source` and `source-directory`.
pub(crate) fn sources(text: &str) -> Vec<String> {
    let pieces = parse(text).into_iter();
    pieces
        .filter_map(|piece| if let Kind::Source(pattern) = piece.kind { Some(pattern) } else { None })
        .collect()
}

/// The files that change, edited, and what has them taken.
pub(crate) fn render(links: &[Link], files: &Files) -> Result<(Vec<Written>, Commands), StepError> {
    let mut pieces: BTreeMap<&str, Vec<Piece>> =
        files.iter().map(|(path, (text, _))| (path.as_str(), parse(&text.replace(HEAD, "")))).collect();
    let mut commands = Commands::default();
    let mut changed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for link in links {
        let base = link.base.name();
        let path = place(base, &pieces)?;
        let known = pieces.get(path.as_str()).is_some_and(|all| all.iter().any(|piece| is_of(piece, base)));
        goes_down(&mut commands, base, known);
        let devices =
            put(link, pieces.entry(files.get_key_value(&path).map_or(MAIN, |(path, _)| path)).or_default())?;
        changed.entry(path).or_default().extend(devices);
    }
    let mut written = vec![];
    for (path, devices) in changed {
        let text = pieces.get(path.as_str()).into_iter().flatten().map(|piece| piece.raw.as_str()).collect();
        let mode = files.get(&path).map_or(0o644, |(_, mode)| *mode);
        let volatile = format!("/run/sealift/network/{}", path.trim_start_matches("/etc/").replace('/', "-"));
        commands.take.push([words(["ifup", "--force", "-i", &volatile]), devices].concat());
        written.push(Written { lasting: path, volatile, text, mode });
    }
    Ok((written, commands))
}

/// The interface gives up what it has, by the file that says it; and gets it again by that file.
fn goes_down(commands: &mut Commands, device: &str, known: bool) {
    if known {
        let down = words(["ifdown", "--force", device]);
        commands.take.insert(0, down.clone());
        commands.back.extend([down, words(["ifup", "--force", device])]);
    } else {
        commands.back.push(words(["ip", "address", "flush", "dev", device, "scope", "global"]));
    }
}

/// Whether a piece gives a device its addresses.
fn is_of(piece: &Piece, device: &str) -> bool {
    matches!(&piece.kind, Kind::Iface { device: one, .. } if one == device)
}

/// The one file with a device's stanzas; the main file when there are none yet.
fn place(device: &str, pieces: &BTreeMap<&str, Vec<Piece>>) -> Result<String, StepError> {
    let what = || format!("network of {device}");
    let mapped = |piece: &Piece| match &piece.kind {
        Kind::Mapping(patterns) => patterns.iter().any(|pattern| {
            pattern.split_once('*').map_or(pattern == device, |(head, _)| device.starts_with(head))
        }),
        _ => false,
    };
    if let Some((path, _)) = pieces.iter().find(|(_, all)| all.iter().any(mapped)) {
        let why = format!("{path} has a mapping for it, which says what it is only when it comes up");
        return Err(refused(what(), why, "write its addresses into an iface stanza of its own"));
    }
    let mut with = pieces.iter().filter(|(_, all)| all.iter().any(|piece| is_of(piece, device)));
    let Some((path, _)) = with.next() else { return Ok(MAIN.to_owned()) };
    if let Some((other, _)) = with.next() {
        let why = format!("{path} and {other} both have stanzas for it");
        return Err(refused(what(), why, "bring them together in one file"));
    }
    Ok((*path).to_owned())
}

/// Writes a link's stanzas in place of those of its devices; says which devices they are, in the order of going up.
fn put(link: &Link, pieces: &mut Vec<Piece>) -> Result<Vec<String>, StepError> {
    let (base, device) = (link.base.name(), link.device());
    if let Base::Bond { name, .. } = &link.base {
        return Err(refused(format!("network of {name}"), "a bond by ifupdown", "set it up there"));
    }
    let mut texts = vec![];
    if link.vlan.is_some() {
        let kept = kept(base, pieces, |_| false)?;
        texts.push((base.to_owned(), format!("iface {base} inet manual\n{}", indented(&kept))));
    }
    let said = |key: &str| match key {
        "mtu" => link.mtu.is_some(),
        "dns-nameservers" => !link.nameservers.is_empty(),
        _ => false,
    };
    texts.push((device.clone(), stanzas(link, &device, &kept(&device, pieces, said)?)));
    let devices: Vec<String> = texts.iter().map(|(device, _)| device.clone()).collect();
    let old = |piece: &Piece| devices.iter().any(|device| is_of(piece, device));
    let at = pieces.iter().position(old).unwrap_or(pieces.len());
    let mut left = vec![];
    for (number, piece) in std::mem::take(pieces).into_iter().enumerate() {
        let comments = tail(&piece.raw).to_owned();
        match old(&piece) {
            // nothing else begins where the first of them ends: comments stay behind the new ones
            true if number == at => left.push(Piece { raw: comments, kind: Kind::Other }),
            true if comments.trim().is_empty() => {}
            true => left.push(Piece { raw: comments, kind: Kind::Other }),
            false => left.push(piece),
        }
    }
    if let Some(last) = left.last_mut().filter(|last| !last.raw.is_empty() && !last.raw.ends_with('\n')) {
        last.raw.push('\n');
    }
    let goes_up = |device: &String| {
        left.iter().any(|piece| matches!(&piece.kind, Kind::Up(all) if all.contains(device)))
    };
    let autos = devices.iter().filter(|device| !goes_up(device));
    let autos = autos.fold(String::new(), |text, device| text + "auto " + device + "\n");
    let stanzas: String = texts.into_iter().map(|(_, text)| text).collect();
    left.insert(at, Piece { raw: format!("{autos}{HEAD}{stanzas}"), kind: Kind::Other });
    *pieces = left;
    Ok(devices)
}

/// What the stanzas of a device say that the cluster file does not.
fn kept(device: &str, pieces: &[Piece], said: impl Fn(&str) -> bool) -> Result<Vec<String>, StepError> {
    let mut kept: Vec<String> = vec![];
    for piece in pieces.iter().filter(|piece| is_of(piece, device)) {
        let Kind::Iface { family, rest, options, .. } = &piece.kind else { continue };
        let no = |why: String| {
            let next = "write what it says into the cluster file or a stanza that sealift can change";
            Err(refused(format!("network of {device}"), why, next))
        };
        if !["inet", "inet6"].contains(&family.as_str()) {
            return no(format!("it has an iface stanza of the family {family}"));
        }
        if rest.len() > 1 {
            return no(format!("its stanza has '{}'", rest[1..].join(" ")));
        }
        for option in options {
            let key = option.split(' ').next().unwrap_or_default();
            let ours = option.starts_with("up ip route replace ");
            if !ours && ["up", "post-up", "pre-up"].contains(&key) && option.contains("route") {
                return no(format!("it sets routes itself: '{option}'; they belong to `routes`"));
            }
            if !(KEYS.contains(&key) || ours || said(key) || kept.contains(option)) {
                kept.push(option.clone());
            }
        }
    }
    Ok(kept)
}

/// One stanza per address; the first one has all that is said once.
fn stanzas(link: &Link, device: &str, kept: &[String]) -> String {
    let mut text = String::new();
    for (number, address) in link.addresses.iter().enumerate() {
        let ipv6 = address.address().is_ipv6();
        let first_of_family =
            link.addresses.iter().position(|one| one.address().is_ipv6() == ipv6) == Some(number);
        let mut options = vec![format!("address {address}")];
        let gateway = link.gateway.filter(|gateway| first_of_family && gateway.is_ipv6() == ipv6);
        options.extend(gateway.map(|gateway| format!("gateway {gateway}")));
        if ipv6 && first_of_family {
            options.push("accept_ra 0".to_owned());
        }
        if number == 0 {
            options.extend(link.mtu.map(|mtu| format!("mtu {mtu}")));
        }
        if first_of_family {
            let routes = link.routes.iter().filter(|route| route.via.is_ipv6() == ipv6);
            options.extend(
                routes
                    .map(|route| format!("up ip route replace {} via {} dev {device}", route.to, route.via)),
            );
        }
        if number == 0 {
            options.extend(kept.iter().cloned());
        }
        let family = if ipv6 { "inet6" } else { "inet" };
        let _ = write!(text, "iface {device} {family} static\n{}", indented(&options));
    }
    text
}

fn indented(options: &[String]) -> String {
    options.iter().fold(String::new(), |text, option| text + "    " + option + "\n")
}

#[cfg(test)]
mod tests;
