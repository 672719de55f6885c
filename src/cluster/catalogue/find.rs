//! From what a person types to the field that is meant.

use super::{FieldDoc, fields};
use crate::suggest::nearest;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// One field.
    One(&'static FieldDoc),
    /// Several whose paths end like this.
    Several(Vec<&'static FieldDoc>),
    /// None; the path that comes nearest.
    Nothing(Option<&'static str>),
}

/// Finds a field by its path, or by the last parts of it: `hostKey`, `ssh.user`, `spec.nodes[1].name`.
/// Brackets may be left out, as shells take them for patterns; letters may be of the wrong size.
pub fn find(query: &str) -> Found {
    let query = plain(query);
    if let Some(field) = fields().find(|field| plain(field.path) == query) {
        return Found::One(field);
    }
    let ending = format!(".{query}");
    let ends = |field: &&FieldDoc| plain(field.path).ends_with(&ending);
    // a jump host has the fields of a node's ssh block: who means it says so
    let own = |field: &&FieldDoc| query.contains("jump") || !field.is_of_jump_host();
    let several: Vec<&FieldDoc> = fields().filter(ends).filter(own).collect();
    match several.as_slice() {
        [one] => Found::One(one),
        [] => Found::Nothing(slip(&query)),
        _ => Found::Several(several),
    }
}

/// The path of which this is a slip of the fingers, as a whole or in its last part.
fn slip(query: &str) -> Option<&'static str> {
    let paths: Vec<&str> = fields().map(|field| field.path).collect();
    nearest(query, &paths).or_else(|| {
        let names: Vec<&str> = fields().map(FieldDoc::name).collect();
        let last = query.rsplit('.').next()?;
        let name = nearest(last, &names)?;
        fields().find(|field| field.name() == name && !field.is_of_jump_host()).map(|field| field.path)
    })
}

/// A path in lower case, without what is in brackets.
fn plain(path: &str) -> String {
    let mut inside = false;
    let kept = path.trim_matches(['.', ':', ' ']).chars().filter(|c| {
        inside = (inside || *c == '[') && *c != ']';
        !inside && *c != ']'
    });
    kept.collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::{Found, find};

    #[test]
    fn fields_are_found_by_what_people_type() {
        for (query, path) in [
            ("spec.nodes[].ssh.hostKey", "spec.nodes[].ssh.hostKey"),
            ("spec.nodes[3].ssh.hostkey:", "spec.nodes[].ssh.hostKey"),
            ("spec.nodes.ssh.hostKey", "spec.nodes[].ssh.hostKey"),
            ("hostKey", "spec.nodes[].ssh.hostKey"),
            ("spec.ssh.user", "spec.ssh.user"),
            ("PODSUBNET", "spec.network.podSubnet"),
            ("spec", "spec"),
        ] {
            assert!(
                matches!(find(query), Found::One(field) if field.path == path),
                "{query}: {:?}",
                find(query)
            );
        }
        let Found::Several(several) = find("ssh.user") else { panic!("{:?}", find("ssh.user")) };
        let paths: Vec<&str> = several.iter().map(|field| field.path).collect();
        assert_eq!(paths, ["spec.ssh.user", "spec.nodes[].ssh.user"]);
        assert_eq!(find("spec.network.podSubnett"), Found::Nothing(Some("spec.network.podSubnet")));
        assert_eq!(find("hostkye"), Found::Nothing(Some("spec.nodes[].ssh.hostKey")));
        assert_eq!(find("frobnicate"), Found::Nothing(None));
    }
}
