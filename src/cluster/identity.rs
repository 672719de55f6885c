//! Another operator's SSH user and key in a cluster file, without touching anything else of it.

use serde_json::Value as Json;

use crate::tree::{Node, Value, parse};
use crate::{Access, Cluster, Place, Problem, Problems};

/// Who logs in from now on, instead of who wrote the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewLogin {
    /// Replaces every `ssh.user`.
    pub user: Option<String>,
    /// Replaces every `ssh.identityFile`.
    pub identity_file: Option<String>,
}

/// The file's text with this login for every node. Comments, order and layout stay; the result is read again and must
/// mean what was asked for.
pub fn with_login(
    text: &str,
    origin: &str,
    profile: Option<(&str, &str)>,
    login: &NewLogin,
) -> Result<String, Problems> {
    let mut result = text.to_owned();
    for (field, wanted) in [("user", &login.user), ("identityFile", &login.identity_file)] {
        if let Some(wanted) = wanted {
            // an edit moves what stands behind it, so each field is looked for anew
            let root = parse(&result, origin, 0).map_err(Problems::one)?;
            result = with_field(&result, &root, field, wanted).ok_or_else(|| {
                unclear(origin, &format!("write `ssh: {{{field}: {wanted}}}` below spec by hand"))
            })?;
        }
    }
    let cluster = Cluster::parse(&result, origin, profile)?;
    if cluster.nodes().iter().all(|node| taken(node, login)) {
        Ok(result)
    } else {
        Err(unclear(origin, "write user and identityFile by hand"))
    }
}

fn taken(node: &crate::Node, login: &NewLogin) -> bool {
    let Access::Login(known) = &node.ssh.access else { return true };
    login.user.as_ref().is_none_or(|user| *user == known.user)
        && login.identity_file.as_ref().is_none_or(|file| known.identity_files == [file.as_str()])
}

/// Replaces the field wherever an `ssh` block has it, and adds it to the one that counts for all nodes.
fn with_field(text: &str, root: &Node, field: &str, wanted: &str) -> Option<String> {
    // a JSON string is a YAML scalar in double quotes
    let quoted = Json::String(wanted.to_owned()).to_string();
    let spec = root.get("spec")?;
    let mut edits = vec![];
    let nodes = match spec.get("nodes").map(|nodes| &nodes.value) {
        Some(Value::List(nodes)) => nodes.as_slice(),
        _ => &[],
    };
    for ssh in nodes.iter().chain([spec]).filter_map(|owner| owner.get("ssh")) {
        if let Some(old) = ssh.get(field) {
            edits.push((written(text, old)?, quoted.clone()));
        }
    }
    if spec.get("ssh").and_then(|ssh| ssh.get(field)).is_none() {
        let (below, entry) = match spec.get("ssh") {
            Some(ssh) => (ssh, format!("{field}: {quoted}")),
            None => (spec, format!("ssh: {{{field}: {quoted}}}")),
        };
        let Value::Map(entries) = &below.value else { return None };
        let (first, _) = entries.first()?;
        let at = first.at.span?.0;
        let flow = text.get(below.at.span?.0..)?.starts_with('{');
        let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let glue =
            if flow { ", ".to_owned() } else { format!("\n{}", " ".repeat(text[line..at].chars().count())) };
        edits.push(((at, 0), format!("{entry}{glue}")));
    }
    edits.sort_by_key(|((at, _), _)| *at);
    let mut result = text.to_owned();
    for ((at, len), new) in edits.iter().rev() {
        result.replace_range(*at..at + len, new);
    }
    Some(result)
}

/// Where a scalar written on one line stands, quotes included.
fn written(text: &str, node: &Node) -> Option<(usize, usize)> {
    let Value::Text(value) = &node.value else { return None };
    let at = node.at.span.filter(|_| !node.at.borrowed)?.0;
    let rest = text.get(at..)?;
    let spelled = ["", "'", "\""].map(|quote| format!("{quote}{value}{quote}"));
    spelled.iter().find(|spelled| rest.starts_with(spelled.as_str())).map(|spelled| (at, spelled.len()))
}

fn unclear(origin: &str, hint: &str) -> Problems {
    Problems::one(Problem {
        place: Place { field: "spec.ssh".to_owned(), ..Place::whole(origin) },
        also: None,
        message: "is laid out so that the new login cannot be written into it safely".to_owned(),
        hint: Some(hint.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::{NewLogin, with_login};

    fn file(ssh: &str, node: &str) -> String {
        format!(
            "# é\napiVersion: sealift.dev/v1\nkind: Cluster\nmetadata: {{name: p}}\nspec:\n{ssh}  dns: {{}} # d\n  nodes:\n    - {{name: cp1, role: control-plane, ssh: {{address: 10.0.0.1{node}}}}}\n"
        )
    }

    fn login(user: Option<&str>, key: Option<&str>) -> NewLogin {
        NewLogin { user: user.map(str::to_owned), identity_file: key.map(str::to_owned) }
    }

    #[test]
    fn only_the_login_changes_wherever_it_stands() {
        for (ssh, node, want_ssh, want_node) in [
            (
                "  ssh: {user: ops, identityFile: ssh/id} # a\n",
                "",
                "  ssh: {user: \"eva\", identityFile: \"/k\"} # a\n",
                "",
            ),
            (
                "  ssh:\n    user: 'ops' # a\n    identityFile: k\n",
                "",
                "  ssh:\n    user: \"eva\" # a\n    identityFile: \"/k\"\n",
                "",
            ),
            (
                "  ssh:\n    # who\n    port: 22\n",
                "",
                "  ssh:\n    # who\n    identityFile: \"/k\"\n    user: \"eva\"\n    port: 22\n",
                "",
            ),
            (
                "  ssh: {user: ops}\n",
                ", user: root",
                "  ssh: {identityFile: \"/k\", user: \"eva\"}\n",
                ", user: \"eva\"",
            ),
            ("", "", "  ssh: {identityFile: \"/k\", user: \"eva\"}\n", ""),
        ] {
            let new = with_login(&file(ssh, node), "c", None, &login(Some("eva"), Some("/k")))
                .unwrap_or_else(|problems| panic!("{problems}\n{ssh}"));
            assert_eq!(new, file(want_ssh, want_node));
        }
        let text = file("  ssh: {user: ops}\n", "");
        assert_eq!(with_login(&text, "c", None, &NewLogin::default()).unwrap(), text);
    }

    #[test]
    fn what_cannot_be_edited_safely_is_refused() {
        let alias = file("  ssh: {user: &who ops}\n", ", user: *who");
        let error = with_login(&alias, "c", None, &login(Some("eva"), None)).unwrap_err();
        assert!(error.to_string().contains("below spec by hand"), "{error}");
    }
}
