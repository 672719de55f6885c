//! netplan: the definitions of the interfaces are edited in the files that have them.
//!
//! netplan joins the lists of all its files, so a file beside the others can add an address and never take one away.
//! A file in `/run/netplan` stands in for the one of the same name in `/etc/netplan` whole: that is the volatile form.

use std::collections::{BTreeMap, BTreeSet};

use serde_yaml::{Mapping, Value};

use super::{Base, Commands, Link, Nic, Picked, Written, refused, words};
use crate::StepError;

const HEAD: &str = "# edited by sealift; `sealift reset` brings back what was here\n";

/// Keys of a definition that say what the cluster file says.
const KEYS: &[&str] = &[
    "addresses",
    "gateway4",
    "gateway6",
    "routes",
    "dhcp4",
    "dhcp6",
    "dhcp4-overrides",
    "dhcp6-overrides",
    "dhcp-identifier",
];

/// Kinds of definitions that an interface may stand in and that this does not know how to change.
const OTHERS: &[&str] = &["wifis", "modems", "vrfs", "dummy-devices"];

/// netplan's files by their names, as texts; those of `/etc` stand in for those of `/lib`.
pub(crate) type Files = BTreeMap<String, String>;

/// netplan tells networkd.
pub(crate) fn commands() -> Commands {
    Commands { take: vec![words(["netplan", "apply"])], back: vec![] }
}

/// The files that change, edited.
pub(crate) fn render(links: &[Link], files: &Files) -> Result<Vec<Written>, StepError> {
    let mut read = Read::of(files)?;
    for link in links {
        read.check_bridges(link)?;
        read.link(link)?;
    }
    let mut written = vec![];
    for name in &read.touched {
        let edited = read.files.get(name).map(serde_yaml::to_string);
        let edited =
            edited.transpose().map_err(StepError::below(format!("writing {name}")))?.unwrap_or_default();
        written.push(Written {
            lasting: format!("/etc/netplan/{name}"),
            volatile: format!("/run/netplan/{name}"),
            text: format!("{HEAD}{edited}"),
            mode: 0o600,
        });
    }
    Ok(written)
}

struct Read {
    files: BTreeMap<String, Value>,
    touched: BTreeSet<String>,
    /// What has been given addresses.
    filled: BTreeSet<Place>,
}

/// Where a definition is: the file, the kind, its id.
type Place = (String, String, String);

impl Read {
    fn of(files: &Files) -> Result<Self, StepError> {
        let mut read = BTreeMap::new();
        for (name, text) in files {
            let value =
                serde_yaml::from_str(text).map_err(StepError::below(format!("reading netplan's {name}")))?;
            read.insert(name.clone(), value);
        }
        Ok(Self { files: read, touched: BTreeSet::new(), filled: BTreeSet::new() })
    }

    fn definitions(&self) -> impl Iterator<Item = (Place, &Mapping)> {
        self.files.iter().flat_map(|(file, value)| {
            let kinds = value.get("network").and_then(Value::as_mapping).into_iter().flatten();
            kinds.flat_map(move |(kind, all)| {
                let kind = kind.as_str().unwrap_or_default();
                all.as_mapping().into_iter().flatten().filter_map(move |(id, one)| {
                    let place = (file.clone(), kind.to_owned(), id.as_str()?.to_owned());
                    Some((place, one.as_mapping()?))
                })
            })
        })
    }

    /// Where an interface is defined; none where netplan does not know it.
    fn place_of(&self, nic: &Nic) -> Result<Option<Place>, StepError> {
        let mut found: Option<Place> = None;
        for (place, definition) in self.definitions() {
            match fits(&place.2, definition, nic) {
                Fits::No => continue,
                Fits::Exactly => {}
                Fits::Pattern => {
                    let (file, _, id) = &place;
                    let why =
                        format!("{id} in netplan's {file} takes it by a pattern, and perhaps others too");
                    return Err(refused(nic.name.clone(), why, "give it a definition of its own there"));
                }
            }
            if OTHERS.contains(&place.1.as_str()) || place.1 == "bridges" {
                let why = format!(
                    "netplan's {} has it among its {}, which sealift does not change",
                    place.0, place.1
                );
                return Err(refused(
                    nic.name.clone(),
                    why,
                    "set its addresses there, and leave `network` out",
                ));
            }
            if let Some((file, ..)) = found.as_ref().filter(|(file, ..)| *file != place.0) {
                let why = format!("netplan's {file} and {} both define it", place.0);
                return Err(refused(nic.name.clone(), why, "put its definition into one file"));
            }
            found = Some(place);
        }
        Ok(found)
    }

    /// An interface below a bridge has no addresses of its own to change.
    fn check_bridges(&self, link: &Link) -> Result<(), StepError> {
        for nic in link.base.nics() {
            let id = self.place_of(nic)?.map_or_else(|| nic.name.clone(), |(_, _, id)| id);
            for ((file, kind, bridge), definition) in self.definitions() {
                let members = definition.get("interfaces").and_then(Value::as_sequence).into_iter().flatten();
                let own = kind == "bonds" && bridge == link.base.name();
                if !own && members.into_iter().any(|member| member.as_str() == Some(&id)) {
                    let why = format!("it is below {bridge} in netplan's {file}");
                    return Err(refused(
                        nic.name.clone(),
                        why,
                        "set its addresses there, and leave `network` out",
                    ));
                }
            }
        }
        Ok(())
    }

    fn link(&mut self, link: &Link) -> Result<(), StepError> {
        let mut ids = vec![];
        let mut home = None;
        for nic in link.base.nics() {
            let place = match self.place_of(nic)? {
                Some(place) => place,
                None => (self.some_file(home.as_ref())?, "ethernets".to_owned(), nic.name.clone()),
            };
            home = home.or(Some(place.0.clone()));
            let definition = self.definition(&place)?;
            if definition.is_empty() && nic.by == Picked::Mac && !nic.mac.is_empty() {
                definition.insert("match".into(), map([("macaddress", nic.mac.as_str().into())]));
            }
            if link.vlan.is_some() || matches!(link.base, Base::Bond { .. }) {
                // an entry of its own may have given it addresses already
                if !self.filled.contains(&place) {
                    bare(self.definition(&place)?);
                }
            }
            ids.push(place);
        }
        let home = self.some_file(home.as_ref())?;
        let mut carrier = match (&link.base, ids.first()) {
            (Base::Nic(_), Some(place)) => place.clone(),
            _ => (home.clone(), "bonds".to_owned(), link.base.name().to_owned()),
        };
        if let Base::Bond { mode, .. } = &link.base {
            let members: Vec<Value> = ids.iter().map(|(_, _, id)| id.as_str().into()).collect();
            let definition = self.definition(&carrier)?;
            definition.insert("interfaces".into(), members.into());
            let parameters = [("mode", (*mode).into()), ("mii-monitor-interval", 100.into())];
            definition.insert("parameters".into(), map(parameters));
            bare(definition);
        }
        if let Some(id) = link.vlan {
            let below = carrier.2.clone();
            carrier = (home, "vlans".to_owned(), link.device());
            let definition = self.definition(&carrier)?;
            definition.insert("id".into(), id.into());
            definition.insert("link".into(), below.into());
        }
        fill(self.definition(&carrier)?, link);
        self.filled.insert(carrier);
        Ok(())
    }

    /// The file that what is new goes into.
    fn some_file(&self, near: Option<&String>) -> Result<String, StepError> {
        let first = || self.files.keys().next();
        let none = || refused("netplan", "it has no file in /etc/netplan", "say what manages the network");
        near.or_else(first).cloned().ok_or_else(none)
    }

    /// A definition to be changed; made where it is not there.
    fn definition(&mut self, (file, kind, id): &Place) -> Result<&mut Mapping, StepError> {
        self.touched.insert(file.clone());
        let senseless = || refused(format!("netplan's {file}"), format!("{kind}.{id} is no map"), "mend it");
        let mut at = self.files.get_mut(file).ok_or_else(senseless)?;
        for key in ["network", kind, id] {
            if at.is_null() {
                *at = Value::Mapping(Mapping::new());
            }
            let here = at.as_mapping_mut().ok_or_else(senseless)?;
            at = here.entry(key.into()).or_insert(Value::Null);
        }
        if at.is_null() {
            *at = Value::Mapping(Mapping::new());
        }
        at.as_mapping_mut().ok_or_else(senseless)
    }
}

/// No addresses of its own.
fn bare(definition: &mut Mapping) {
    for key in KEYS {
        definition.shift_remove(*key);
    }
    definition.insert("dhcp4".into(), false.into());
    definition.insert("dhcp6".into(), false.into());
}

fn fill(definition: &mut Mapping, link: &Link) {
    bare(definition);
    let addresses: Vec<Value> = link.addresses.iter().map(|address| address.to_string().into()).collect();
    definition.insert("addresses".into(), addresses.into());
    let routes = link.all_routes().into_iter();
    let routes: Vec<Value> =
        routes.map(|(to, via)| map([("to", to.into()), ("via", via.to_string().into())])).collect();
    if !routes.is_empty() {
        definition.insert("routes".into(), routes.into());
    }
    // each at the end, wherever it was: what was written is written again from itself
    if let Some(mtu) = link.mtu {
        definition.shift_remove("mtu");
        definition.insert("mtu".into(), mtu.into());
    }
    if link.has_ipv6() {
        definition.shift_remove("accept-ra");
        definition.insert("accept-ra".into(), false.into());
    }
    if !link.nameservers.is_empty() {
        let servers: Vec<Value> = link.nameservers.iter().map(|server| server.to_string().into()).collect();
        let old = definition.shift_remove("nameservers");
        let mut all = old.and_then(|old| old.as_mapping().cloned()).unwrap_or_default();
        all.insert("addresses".into(), servers.into());
        definition.insert("nameservers".into(), Value::Mapping(all));
    }
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Mapping(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

enum Fits {
    No,
    Exactly,
    /// With `*`, `?` or `[ ]`, or by its driver.
    Pattern,
}

/// Whether a definition is that of an interface.
fn fits(id: &str, definition: &Mapping, nic: &Nic) -> Fits {
    let yes = |it: bool| if it { Fits::Exactly } else { Fits::No };
    let Some(by) = definition.get("match").and_then(Value::as_mapping) else { return yes(id == nic.name) };
    let text = |key: &str| by.get(key).and_then(Value::as_str);
    if let Some(mac) = text("macaddress") {
        return yes(mac.eq_ignore_ascii_case(&nic.mac));
    }
    match text("name") {
        Some(name) if name.contains(['*', '?', '[']) => {
            if glob(name.as_bytes(), nic.name.as_bytes()) {
                Fits::Pattern
            } else {
                Fits::No
            }
        }
        Some(name) => yes(name == nic.name),
        // by its driver, or every one there is
        None => Fits::Pattern,
    }
}

/// A shell's pattern; `[...]` counts as fitting, so that nothing is overlooked.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.first(), text.first()) {
        (None, None) | (Some(b'['), Some(_)) => true,
        (Some(b'*'), _) => glob(&pattern[1..], text) || (!text.is_empty() && glob(pattern, &text[1..])),
        (Some(b'?'), Some(_)) => glob(&pattern[1..], &text[1..]),
        (Some(one), Some(other)) if one == other => glob(&pattern[1..], &text[1..]),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
