//! Addresses of servers: what is written instead of one, and which ones no server can have.

use std::net::{IpAddr, Ipv4Addr};

use crate::plain::quoted;
use crate::wrong::Wrong;

/// An IP address, with a hint for what is often written instead of one.
pub(crate) fn parse(text: &str) -> Result<IpAddr, Wrong> {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V6(v6)) => {
            match v6.to_ipv4_mapped() {
                Some(v4) => Err(Wrong::new(format!("{text} is an IPv4 address in IPv6 clothes"))
                    .hint(format!("write {v4}"))),
                None => Ok(IpAddr::V6(v6)),
            }
        }
        Ok(v4) => Ok(v4),
        Err(_) => Err(Wrong::new(format!("{} is not an IP address", quoted(text))).hint(instead(text))),
    }
}

/// What to write where this was written.
fn instead(text: &str) -> String {
    let trimmed = text.trim();
    if trimmed != text && trimmed.parse::<IpAddr>().is_ok() {
        return format!("write {trimmed}, without the spaces");
    }
    if let Some((_, address)) = text.rsplit_once('@') {
        return format!("write {} here; the user has a field of its own", quoted(address));
    }
    if text.contains("://") {
        return "write the address alone, without what is before and behind it".to_owned();
    }
    if text.contains(',') {
        return "a list of addresses needs one item each: [10.77.0.2, 10.77.0.3]".to_owned();
    }
    if text.contains('/') {
        return "leave the prefix length away here".to_owned();
    }
    if text.contains('%') {
        return "an address with a zone is known to one machine only: write another one".to_owned();
    }
    if let Some((address, _)) =
        text.rsplit_once(':').filter(|(address, _)| address.parse::<Ipv4Addr>().is_ok())
    {
        return format!("write {address} here; the port has a field of its own");
    }
    let parts: Vec<&str> = text.split('.').collect();
    if parts.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())) {
        return four_numbers(&parts);
    }
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) && !text.contains(':') {
        return "names are not looked up at a site without DNS: write the address".to_owned();
    }
    "write it like 10.77.0.11".to_owned()
}

/// What is wrong with numbers and dots that are no IPv4 address.
fn four_numbers(parts: &[&str]) -> String {
    if parts.len() != 4 {
        return format!("it has {} numbers, an IPv4 address has four", parts.len());
    }
    let cleaned: Vec<&str> = parts.iter().map(|part| part.trim_start_matches('0')).collect();
    let cleaned: Vec<&str> = cleaned.iter().map(|part| if part.is_empty() { "0" } else { part }).collect();
    match cleaned.iter().find(|part| part.parse::<u8>().is_err()) {
        Some(part) => format!("{} is more than 255", quoted(part)),
        None => format!("write {}: zeros before a number mean octal to some programs", cleaned.join(".")),
    }
}

/// Why no server can have an address, or be reached at it by others; `None` when one can.
pub(crate) fn special(address: IpAddr) -> Option<&'static str> {
    if address.is_unspecified() {
        return Some("stands for every address, and is none");
    }
    if address.is_loopback() {
        return Some("is a machine's own loopback: every machine means itself by it");
    }
    if address.is_multicast() {
        return Some("is a multicast address: a group, not a machine");
    }
    match address {
        IpAddr::V4(v4) if v4.is_broadcast() => Some("is the broadcast address: everyone, not a machine"),
        IpAddr::V4(v4) if v4.is_link_local() => {
            Some("is link-local: what a machine gives itself when nobody does")
        }
        IpAddr::V4(v4) if v4.octets()[0] == 0 || v4.octets()[0] >= 240 => Some("is in a reserved range"),
        IpAddr::V6(v6) if v6.is_unicast_link_local() => {
            Some("is link-local: it needs a zone, which others do not share")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, special};

    #[test]
    fn what_is_written_instead_is_told_apart() {
        for (text, hint) in [
            ("10.77.0", "it has 3 numbers, an IPv4 address has four"),
            ("10.77.0.300", "\"300\" is more than 255"),
            ("010.077.0.11", "write 10.77.0.11: zeros before a number mean octal to some programs"),
            (" 10.77.0.11", "write 10.77.0.11, without the spaces"),
            ("10.77.0.11:22", "write 10.77.0.11 here; the port has a field of its own"),
            ("ops@10.77.0.11", "write \"10.77.0.11\" here; the user has a field of its own"),
            ("https://10.77.0.11", "write the address alone, without what is before and behind it"),
            ("10.77.0.1, 10.77.0.2", "a list of addresses needs one item each: [10.77.0.2, 10.77.0.3]"),
            ("fe80::1%eno1", "an address with a zone is known to one machine only: write another one"),
            ("::ffff:10.77.0.11", "write 10.77.0.11"),
            ("", "write it like 10.77.0.11"),
        ] {
            assert_eq!(parse(text).unwrap_err().hint.as_deref(), Some(hint), "{text:?}");
        }
    }

    #[test]
    fn no_server_has_a_special_address() {
        for address in [
            "0.0.0.0",
            "127.0.0.1",
            "169.254.1.1",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "::",
            "::1",
            "fe80::1",
        ] {
            assert!(special(address.parse().unwrap()).is_some(), "{address}");
        }
        for address in ["10.77.0.11", "192.0.2.1", "100.64.0.1", "fd00::1"] {
            assert_eq!(special(address.parse().unwrap()), None, "{address}");
        }
    }
}
