//! Settings of a login written into nodes' `ssh` blocks, without touching anything else of the file.

use crate::enroll::{Pin, scalar_span, ssh_of};
use crate::name::NodeName;
use crate::tree::{Node, Value, parse};
use crate::{EnrollError, Problems};

/// Fields of one node's `ssh` block, each with its value as YAML on one line.
pub type SshSettings = (NodeName, Vec<(&'static str, String)>);

/// The file's text with these fields added below the nodes' addresses; what a node's own block has already stays as it
/// is. The result is read again and must mean the same but for them.
pub fn with_ssh_settings(text: &str, origin: &str, settings: &[SshSettings]) -> Result<String, EnrollError> {
    let root = parse(text, origin, 0).map_err(Problems::one)?;
    let (mut edits, mut added) = (vec![], vec![]);
    for (name, fields) in settings {
        let pin = Pin::Node(name.clone());
        let layout =
            |line, why| EnrollError::Layout { file: origin.to_owned(), line, whose: pin.clone(), why };
        let ssh = ssh_of(&root, &pin).ok_or_else(|| layout(0, "its ssh block is not in this file"))?;
        let new: Vec<_> = fields.iter().filter(|(field, _)| ssh.get(field).is_none()).collect();
        if !new.is_empty() {
            edits.push(insertion(text, ssh, &new).map_err(|why| layout(ssh.at.line, why))?);
            added.push((pin, new));
        }
    }
    edits.sort_by_key(|(at, _)| *at);
    let mut result = text.to_owned();
    for (at, new) in edits.iter().rev() {
        result.insert_str(*at, new);
    }
    let mut after = parse(&result, origin, 0).map_err(Problems::one)?;
    for (pin, new) in &added {
        if let Some(Value::Map(entries)) = ssh_mut(&mut after, pin).map(|ssh| &mut ssh.value) {
            entries.retain(|(key, _)| new.iter().all(|(field, _)| key.name != *field));
        }
    }
    if root.same(&after) {
        return Ok(result);
    }
    let whose = added.first().map_or(Pin::Jump(None, 0), |(pin, _)| pin.clone());
    let why = "something else of the file would change";
    Err(EnrollError::Layout { file: origin.to_owned(), line: 0, whose, why })
}

/// Where the fields go, and how they are spelled there: behind the address, or on lines below it.
fn insertion(
    text: &str,
    ssh: &Node,
    fields: &[&(&'static str, String)],
) -> Result<(usize, String), &'static str> {
    let Value::Map(entries) = &ssh.value else { return Err("ssh is not a map") };
    if ssh.at.borrowed || entries.iter().any(|(name, _)| name.at.borrowed) {
        return Err("it comes from an alias: write it out");
    }
    let (name, address) =
        entries.iter().find(|(name, _)| name.name == "address").ok_or("it has no address")?;
    let (start, len) = scalar_span(text, address).ok_or("the address is not written plainly")?;
    let at = start + len;
    let flow = text[ssh.at.span.ok_or("its place is unknown")?.0..].starts_with('{');
    if flow {
        return Ok((at, spelled(", ", fields)));
    }
    let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    let end = if text[..end].ends_with('\r') { end - 1 } else { end };
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let column = usize::try_from(name.at.column).map_err(|_| "its column is odd")?;
    let indent = " ".repeat(column.saturating_sub(1));
    Ok((end, spelled(&format!("{newline}{indent}"), fields)))
}

/// The fields, each behind what stands between two of them.
fn spelled(glue: &str, fields: &[&(&'static str, String)]) -> String {
    let all: Vec<String> = fields.iter().map(|(field, value)| format!("{glue}{field}: {value}")).collect();
    all.concat()
}

fn ssh_mut<'a>(root: &'a mut Node, pin: &Pin) -> Option<&'a mut Node> {
    let Pin::Node(name) = pin else { return None };
    let Value::List(nodes) = &mut child(child(root, "spec")?, "nodes")?.value else { return None };
    let is_it = |node: &Node| matches!(node.get("name").map(|n| &n.value), Some(Value::Text(text)) if text == name.as_str());
    child(nodes.iter_mut().find(|node| is_it(node))?, "ssh")
}

fn child<'a>(node: &'a mut Node, name: &str) -> Option<&'a mut Node> {
    let Value::Map(entries) = &mut node.value else { return None };
    entries.iter_mut().find(|(key, _)| key.name == name).map(|(_, node)| node)
}

#[cfg(test)]
mod tests {
    use super::with_ssh_settings;
    use crate::Cluster;

    #[test]
    fn what_a_node_has_stays_and_the_rest_is_added() {
        let text = "apiVersion: sealift.dev/v1\nkind: Cluster\nmetadata: {name: p}\nspec:\n  nodes:\n    \
                    - {name: cp1, role: control-plane, ssh: {address: 10.0.0.1, user: own}} # a\n    \
                    - name: w1\n      role: worker\n      ssh:\n        address: 10.0.0.2 # b\n";
        let fields = |user: &str| {
            vec![
                ("user", format!("{user:?}")),
                ("port", "2222".to_owned()),
                ("identityFile", "[\"/k/a\",\"/k/b\"]".to_owned()),
                ("jump", "[{\"address\":\"10.9.0.1\",\"user\":\"j\"}]".to_owned()),
            ]
        };
        let settings = [("cp1".parse().unwrap(), fields("ops")), ("w1".parse().unwrap(), fields("eva"))];
        let new = with_ssh_settings(text, "c", &settings).unwrap_or_else(|error| panic!("{error}"));
        assert!(
            new.contains("{address: 10.0.0.1, port: 2222, identityFile: [\"/k/a\",\"/k/b\"], jump: "),
            "{new}"
        );
        assert!(
            new.contains("        address: 10.0.0.2 # b\n        user: \"eva\"\n        port: 2222\n"),
            "{new}"
        );
        let json = serde_json::to_value(Cluster::parse(&new, "c", None).unwrap()).unwrap();
        assert_eq!(json["nodes"][0]["ssh"]["user"], "own");
        assert_eq!(json["nodes"][1]["ssh"]["jump"][0]["user"], "j");
        assert_eq!(with_ssh_settings(&new, "c", &settings).unwrap(), new, "a second time changes nothing");
        let missing = [("cp9".parse().unwrap(), fields("ops"))];
        assert!(with_ssh_settings(text, "c", &missing).is_err());
    }
}
