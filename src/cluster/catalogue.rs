//! Every field of the cluster file, once: what `sealift explain`, the JSON schema and the reference are made
//! of, and what decides whether a field may change once the cluster is there.

mod find;
mod kind;
mod network;
mod nodes;
mod schema;
mod site;
mod table;

pub use find::{Found, find};
pub use kind::{Kind, Ours};
pub use schema::schema;
pub(crate) use site::{KUBE_PROXY, KUBELET};
pub use table::table;

use serde::Serialize;

/// What a field is when it is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Absent {
    /// It may not be left out.
    Refused,
    /// It has this value, as it would be written.
    Means(&'static str),
    /// It has no value; this is what happens then.
    Leaves(&'static str),
}

/// What this version does about a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Standing {
    /// What it says.
    Honoured,
    /// Less than it says, and what.
    Limited(&'static str),
}

/// What becomes of a field's new value once the cluster is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Effect {
    /// The next install makes it so.
    Applied,
    /// Nothing on the nodes depends on it; sealift goes by it from now on.
    Free,
    /// It may change, but install leaves something behind.
    Partly {
        /// What stays as it was.
        stays: &'static str,
        /// What to do about that by hand.
        by_hand: &'static str,
    },
    /// It may not change.
    Refused {
        /// Why not.
        why: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
}

/// One field of the cluster file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FieldDoc {
    /// Where it is: `spec.nodes[].ssh.hostKey`.
    pub path: &'static str,
    /// What may be written.
    pub kind: Kind,
    /// What it means, in a line.
    pub what: &'static str,
    /// What it is when it is left out.
    pub absent: Absent,
    /// How it may be written, as YAML; empty for a map, whose fields have examples of their own.
    pub example: &'static str,
    /// What this version does about it.
    pub standing: Standing,
    /// What becomes of it when it changes after the install.
    pub changed: Effect,
    /// What becomes of it when it is taken away after the install.
    pub removed: Effect,
}

impl FieldDoc {
    /// The fields directly below this one, in the order in which people write them.
    pub fn children(&self) -> impl Iterator<Item = &'static Self> {
        let path = self.path;
        fields().filter(move |field| field.parent() == Some(path))
    }

    /// The last part of the path: `hostKey`.
    pub fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }

    /// Whether it is a field of a jump host: those are called like the fields of a node's `ssh`.
    pub(crate) fn is_of_jump_host(&self) -> bool {
        self.path.contains("jump[].")
    }

    /// Path of the map it is in, without the `[]` of a list; none at the top.
    pub(crate) fn parent(&self) -> Option<&'static str> {
        self.path.rsplit_once('.').map(|(parent, _)| parent.trim_end_matches("[]"))
    }

    /// A field whose value is needed, is honoured, and may change.
    const fn new(path: &'static str, kind: Kind) -> Self {
        Self {
            path,
            kind,
            what: "",
            absent: Absent::Refused,
            example: "",
            standing: Standing::Honoured,
            changed: Effect::Applied,
            removed: Effect::Applied,
        }
    }

    const fn says(mut self, what: &'static str) -> Self {
        self.what = what;
        self
    }

    const fn or(mut self, value: &'static str) -> Self {
        self.absent = Absent::Means(value);
        self.example = value;
        self
    }

    const fn without(mut self, what: &'static str) -> Self {
        self.absent = Absent::Leaves(what);
        self
    }

    const fn like(mut self, example: &'static str) -> Self {
        self.example = example;
        self
    }

    const fn limited(mut self, to: &'static str) -> Self {
        self.standing = Standing::Limited(to);
        self
    }

    const fn free(mut self) -> Self {
        self.changed = Effect::Free;
        self.removed = Effect::Free;
        self
    }

    const fn fixed(mut self, why: &'static str, instead: &'static str) -> Self {
        self.changed = Effect::Refused { why, instead };
        self.removed = self.changed;
        self
    }

    const fn removed(mut self, effect: Effect) -> Self {
        self.removed = effect;
        self
    }
}

/// All fields, in the order in which people write them.
pub fn fields() -> impl Iterator<Item = &'static FieldDoc> {
    site::FIELDS.iter().chain(nodes::FIELDS).chain(network::fields())
}

/// The field that a path in a file is of: `spec.nodes[1].name` is `spec.nodes[].name`.
pub(crate) fn at(path: &str) -> Option<&'static FieldDoc> {
    let mut known = String::new();
    let mut parts = path.split('[');
    known.extend(parts.next());
    for part in parts {
        known.push_str("[]");
        known.push_str(part.split_once(']')?.1);
    }
    field(&known)
}

/// The field at a path.
pub fn field(path: &str) -> Option<&'static FieldDoc> {
    fields().find(|field| field.path == path)
}

#[cfg(test)]
mod tests;
