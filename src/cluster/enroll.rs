//! Writing host keys into a cluster file without touching anything else of it: comments, order and layout
//! stay as the engineer wrote them.

use crate::host_key::HostKey;
use crate::name::NodeName;
use crate::tree::{At, Node, Value, parse};

/// Why host keys cannot be written into a file.
#[derive(Debug, thiserror::Error)]
pub enum EnrollError {
    /// The file is not a cluster file (any more).
    #[error(transparent)]
    Problems(#[from] crate::Problems),
    /// The file is laid out so that the place cannot be found or the result would mean something else.
    #[error("{file}:{line}: cannot write the host key of {whose} here: {why}")]
    Layout {
        /// The file.
        file: String,
        /// The line of the node's `ssh`, 0 when it is not in this file.
        line: u64,
        /// The node or jump host.
        whose: Pin,
        /// What is in the way.
        why: &'static str,
    },
}

/// Whose host key it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pin {
    /// A node's.
    Node(NodeName),
    /// That of a jump host, by its place in a node's chain, or in that of `spec.ssh`.
    Jump(Option<NodeName>, usize),
}

impl std::fmt::Display for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Node(name) => write!(f, "{name}"),
            Self::Jump(Some(name), at) => write!(f, "{name}'s jump host {}", at + 1),
            Self::Jump(None, at) => write!(f, "jump host {}", at + 1),
        }
    }
}

/// One replacement of bytes.
struct Edit {
    at: usize,
    len: usize,
    text: String,
}

/// The file's text with these nodes' `hostKey` set. Only `hostKey` fields are added or replaced; the result
/// is parsed again and must mean the same but for them.
pub fn with_host_keys(text: &str, origin: &str, keys: &[(Pin, HostKey)]) -> Result<String, EnrollError> {
    let root = parse(text, origin, 0).map_err(crate::Problems::one)?;
    let mut edits = Vec::new();
    for (pin, key) in keys {
        let layout =
            |line, why| EnrollError::Layout { file: origin.to_owned(), line, whose: pin.clone(), why };
        let ssh = ssh_of(&root, pin).ok_or_else(|| layout(0, "its ssh block is not in this file"))?;
        edits.push(edit(text, ssh, key).map_err(|why| layout(ssh.at.line, why))?);
    }
    edits.sort_by_key(|edit| edit.at);
    let mut result = text.to_owned();
    for edit in edits.iter().rev() {
        result.replace_range(edit.at..edit.at + edit.len, &edit.text);
    }
    means_the_same(&root, &result, origin, keys)?;
    Ok(result)
}

/// The map that has the address and gets the key.
pub(crate) fn ssh_of<'a>(root: &'a Node, pin: &Pin) -> Option<&'a Node> {
    let of_node = |name: &NodeName| {
        let Value::List(nodes) = &root.get("spec")?.get("nodes")?.value else { return None };
        let is_it = |node: &&Node| matches!(node.get("name").map(|n| &n.value), Some(Value::Text(text)) if text == name.as_str());
        nodes.iter().find(is_it)?.get("ssh")
    };
    let (ssh, at) = match pin {
        Pin::Node(name) => return of_node(name),
        Pin::Jump(Some(name), at) => (of_node(name)?, at),
        Pin::Jump(None, at) => (root.get("spec")?.get("ssh")?, at),
    };
    let Value::List(hops) = &ssh.get("jump")?.value else { return None };
    hops.get(*at)
}

fn edit(text: &str, ssh: &Node, key: &HostKey) -> Result<Edit, &'static str> {
    let Value::Map(entries) = &ssh.value else { return Err("ssh is not a map") };
    if ssh.at.borrowed || entries.iter().any(|(name, _)| name.at.borrowed) {
        return Err("it comes from an alias: write it out");
    }
    let quoted = format!("\"{key}\"");
    if let Some((name, old)) = entries.iter().find(|(name, _)| name.name == "hostKey") {
        let (at, len) =
            scalar_span(text, old).or_else(|| empty_after(text, name.at)).ok_or("the old value is odd")?;
        let space = if text[..at].ends_with(':') { " " } else { "" };
        return Ok(Edit { at, len, text: format!("{space}{quoted}") });
    }
    let (name, address) =
        entries.iter().find(|(name, _)| name.name == "address").ok_or("it has no address")?;
    let (start, len) = scalar_span(text, address).ok_or("the address is not written plainly")?;
    let at = start + len;
    if text[ssh.at.span.ok_or("its place is unknown")?.0..].starts_with('{') {
        return Ok(Edit { at, len: 0, text: format!(", hostKey: {quoted}") });
    }
    // a line of its own below the address, indented like it; a comment behind the address stays there
    let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    let end = if text[..end].ends_with('\r') { end - 1 } else { end };
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let indent =
        " ".repeat(usize::try_from(name.at.column).map_err(|_| "its column is odd")?.saturating_sub(1));
    Ok(Edit { at: end, len: 0, text: format!("{newline}{indent}hostKey: {quoted}") })
}

/// Where a scalar written on one line stands, quotes included.
pub(crate) fn scalar_span(text: &str, node: &Node) -> Option<(usize, usize)> {
    let Value::Text(value) = &node.value else { return None };
    let rest = text.get(node.at.span?.0..)?;
    ["", "'", "\""].iter().find_map(|quote| {
        let written = format!("{quote}{value}{quote}");
        rest.starts_with(&written).then_some((node.at.span?.0, written.len()))
    })
}

/// The place behind `hostKey:` when nothing is written there.
fn empty_after(text: &str, key: At) -> Option<(usize, usize)> {
    let start = key.span?.0;
    let colon = start + text.get(start..)?.find(':')?;
    let after = text.get(colon + 1..)?;
    let line = after.lines().next().unwrap_or_default().trim_start();
    (line.is_empty() || line.starts_with(['#', ',', '}'])).then_some((colon + 1, 0))
}

/// Parses what was written: all nodes must have their new keys and everything else must be as before.
fn means_the_same(
    before: &Node,
    text: &str,
    origin: &str,
    keys: &[(Pin, HostKey)],
) -> Result<(), EnrollError> {
    let mut after = parse(text, origin, 0).map_err(crate::Problems::one)?;
    let mut before = before.clone();
    let whole = |why| EnrollError::Layout { file: origin.to_owned(), line: 0, whose: keys[0].0.clone(), why };
    for (pin, key) in keys {
        let written = ssh_of(&after, pin).and_then(|ssh| ssh.get("hostKey")).map(|node| &node.value);
        if !matches!(written, Some(Value::Text(text)) if *text == key.to_string()) {
            return Err(whole("it would not be read back"));
        }
    }
    without_keys(&mut before);
    without_keys(&mut after);
    if before.same(&after) { Ok(()) } else { Err(whole("something else of the file would change")) }
}

fn without_keys(node: &mut Node) {
    match &mut node.value {
        Value::Map(entries) => {
            entries.retain(|(key, _)| key.name != "hostKey");
            for (_, node) in entries {
                without_keys(node);
            }
        }
        Value::List(items) => items.iter_mut().for_each(without_keys),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{Pin, with_host_keys};
    use crate::{Cluster, HostKey};

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB17WsHfdX2mQEAx6cSX505TEmHdRl4dDgn3I2Ulau3L";

    fn keys(names: &[&str]) -> Vec<(Pin, HostKey)> {
        names.iter().map(|name| (Pin::Node(name.parse().unwrap()), KEY.parse().unwrap())).collect()
    }

    fn file(nodes: &str) -> String {
        format!("apiVersion: sealift.dev/v1\nkind: Cluster\nmetadata: {{name: p}}\nspec:\n  nodes:\n{nodes}")
    }

    #[test]
    fn comments_and_layout_stay() {
        let plain = |name: &str| format!("    - {name}\n      role: control-plane # é\n");
        for (ssh, want) in [
            (
                "      ssh: {address: 10.0.0.1} # a",
                format!("      ssh: {{address: 10.0.0.1, hostKey: \"{KEY}\"}} # a"),
            ),
            (
                "      ssh: {port: 2222, address: '10.0.0.1', user: x}",
                format!("      ssh: {{port: 2222, address: '10.0.0.1', hostKey: \"{KEY}\", user: x}}"),
            ),
            (
                "      ssh:\n        address: 10.0.0.1   # b\n        port: 22",
                format!(
                    "      ssh:\n        address: 10.0.0.1   # b\n        hostKey: \"{KEY}\"\n        port: 22"
                ),
            ),
            (
                "      ssh:\n        hostKey: # later\n        address: 10.0.0.1",
                format!("      ssh:\n        hostKey: \"{KEY}\" # later\n        address: 10.0.0.1"),
            ),
            (
                "      ssh: {hostKey: , address: 10.0.0.1}",
                format!("      ssh: {{hostKey: \"{KEY}\" , address: 10.0.0.1}}"),
            ),
            (
                "      ssh:\r\n        address: 10.0.0.1\r",
                format!("      ssh:\r\n        address: 10.0.0.1\r\n        hostKey: \"{KEY}\"\r"),
            ),
        ] {
            let text = file(&(plain("name: cp1") + ssh + "\n# end\n"));
            let new = with_host_keys(&text, "c.yaml", &keys(&["cp1"]))
                .unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert_eq!(new, file(&(plain("name: cp1") + &want + "\n# end\n")));
            let cluster = Cluster::parse(&new, "c.yaml", None).unwrap();
            let json = serde_json::to_value(cluster).unwrap();
            assert_eq!(json["nodes"][0]["ssh"]["hostKey"], KEY);
        }
    }

    #[test]
    fn jump_hosts_get_theirs() {
        let text = "apiVersion: sealift.dev/v1\nkind: Cluster\nmetadata: {name: p}\nspec:\n  ssh:\n    jump:\n      - address: 10.9.0.1\n        user: j\n  nodes:\n    - {name: cp1, role: control-plane, ssh: {address: 10.0.0.1}}\n    - {name: w1, role: worker, ssh: {address: 10.0.0.2, jump: [{address: 10.9.0.2}, {address: 10.9.0.3}]}}\n";
        let key: HostKey = KEY.parse().unwrap();
        let of = |name: Option<&str>, at| Pin::Jump(name.map(|name| name.parse().unwrap()), at);
        let pins = [(of(None, 0), key.clone()), (of(Some("w1"), 1), key.clone())];
        let new = with_host_keys(text, "c", &pins).unwrap();
        let spelled = format!("        hostKey: \"{KEY}\"\n        user: j\n");
        assert!(
            new.contains(&spelled) && new.contains(&format!("{{address: 10.9.0.3, hostKey: \"{KEY}\"}}")),
            "{new}"
        );
        let json = serde_json::to_value(Cluster::parse(&new, "c", None).unwrap()).unwrap();
        assert_eq!(json["nodes"][0]["ssh"]["jump"][0]["hostKey"], KEY);
        assert_eq!(json["nodes"][0]["ssh"]["jump"][0]["user"], "j");
        assert_eq!(json["nodes"][1]["ssh"]["jump"][0]["hostKey"], serde_json::Value::Null);
        assert_eq!(json["nodes"][1]["ssh"]["jump"][1]["hostKey"], KEY);
        for missing in [of(None, 1), of(Some("cp1"), 0)] {
            assert!(with_host_keys(text, "c", &[(missing, key.clone())]).is_err());
        }
    }

    #[test]
    fn a_second_enrolment_of_the_same_keys_changes_nothing() {
        let text = crate::template(&crate::Answers::example("p".parse().unwrap()));
        let once = with_host_keys(&text, "c", &keys(&["cp1", "w1"])).unwrap();
        assert_eq!(with_host_keys(&once, "c", &keys(&["w1", "cp1"])).unwrap(), once);
        assert_eq!(once.lines().count(), text.lines().count() + 2);
        assert!(once.starts_with("# The site as it should be."));
    }

    #[test]
    fn what_cannot_be_edited_safely_is_refused() {
        let alias = "    - {name: cp1, role: worker, ssh: &a {address: 10.0.0.1}}\n    - {name: w1, role: worker, ssh: *a}\n";
        for (nodes, name) in [
            (alias, "w1"),
            ("    - {name: cp1, role: worker}\n", "cp1"),
            ("    - {name: other, role: worker, ssh: {address: 10.0.0.1}}\n", "cp1"),
            ("    - name: cp1\n      ssh: [10.0.0.1]\n", "cp1"),
        ] {
            assert!(with_host_keys(&file(nodes), "c", &keys(&[name])).is_err(), "{nodes}");
        }
    }
}
