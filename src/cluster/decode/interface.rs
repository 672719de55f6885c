//! Which interface of a node carries its addresses.

use crate::fields::Field;
use crate::model::Interface;
use crate::plain::quoted;
use crate::sink::{Placed, Sink};
use crate::wrong::Wrong;

/// An interface, by one of its two names.
pub(super) fn interface(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Placed<Interface>> {
    let mut map = field.map(sink)?;
    let mac = map.take("mac").and_then(|field| field.parse_with(sink, mac));
    let name = map.take("name").and_then(|field| field.parse_with(sink, interface_name));
    let empty = map.is_empty();
    map.finish(sink);
    if let (Some(mac), Some(name)) = (&mac, &name) {
        let wrong = Wrong::new("has both mac and name").hint("keep mac: it stays the same");
        sink.clash(name.spot(), mac.spot(), wrong);
    }
    if empty {
        field.wrong(
            sink,
            Wrong::new("names no interface").hint("write `mac` or `name`, or leave `interface` out"),
        );
    }
    mac.map(|mac| mac.map(Interface::Mac)).or(name.map(|name| name.map(Interface::Name)))
}

/// A network interface's name as the kernel takes it (`dev_valid_name`).
pub(super) fn interface_name(text: &str) -> Result<String, Wrong> {
    let fits = (1..16).contains(&text.len()) && !matches!(text, "." | "..");
    if fits && text.bytes().all(|b| b.is_ascii_graphic() && b != b'/' && b != b':') {
        return Ok(text.to_owned());
    }
    let wrong = Wrong::new(format!("{} is not the name of a network interface", quoted(text)));
    Err(wrong.hint("1 to 15 characters, as `ip link` shows it, like eno1"))
}

fn mac(text: &str) -> Result<String, Wrong> {
    let hint = "write it like \"52:54:00:00:00:11\"";
    let mac = text.to_lowercase().replace('-', ":");
    let octets: Vec<u8> = mac
        .split(':')
        .filter(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit()))
        .filter_map(|part| u8::from_str_radix(part, 16).ok())
        .collect();
    if octets.len() != 6 || mac.len() != 17 {
        return Err(Wrong::new(format!("{} is not a MAC address", quoted(text))).hint(hint));
    }
    if octets[0] & 1 == 1 || octets.iter().all(|octet| *octet == 0) {
        let wrong = Wrong::new(format!("{mac} is no interface's own: it is a group address, or nobody's"));
        return Err(wrong.hint("write the one that `ip link` shows behind link/ether"));
    }
    Ok(mac)
}
