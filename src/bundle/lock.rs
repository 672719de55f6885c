//! The recipe resolved: every item and every blob by digest and size. A bundle is a pure function of it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use sealift_stream::{Digest, Format, SchemaError};
use serde::{Deserialize, Serialize};

use crate::{Item, ItemKind, LockedBlob, Platform, check};

/// A `NAME.lock` file. Written by machines only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// [`Lock::SCHEMA`].
    pub schema: u32,
    /// The bundle's name, from the recipe.
    pub name: String,
    /// The version people see.
    pub version: String,
    /// Grows with every release of this name; what a site compares.
    pub sequence: u64,
    /// When the recipe was resolved, RFC 3339 in UTC with whole seconds, e.g. `2026-11-22T19:00:00Z`.
    pub created: String,
    /// What the bundle is for.
    pub platforms: Vec<Platform>,
    /// The Kubernetes version it installs, e.g. `v1.36.4`.
    pub kubernetes: String,
    /// Versions an upgrade passes through on its way, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hops: Vec<String>,
    /// What is in it, by name; sorted by kind and name.
    pub items: Vec<Item>,
    /// All content the items need, except our own artifact manifests; sorted by kind and digest.
    pub blobs: Vec<LockedBlob>,
}

/// Why a lock cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The file could not be read.
    #[error("reading lock {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It is not a lock.
    #[error("parsing lock {origin}: {reason}")]
    Parse {
        /// The file.
        origin: String,
        /// What is wrong, with line and column.
        reason: String,
    },
    /// It contradicts itself.
    #[error("checking lock of {name}: {reason}")]
    Invalid {
        /// The bundle's name.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

/// Schema 2 has blobs `from: local`, schema 3 items of kind `package`, which no reader of the one before knows; whatever that
/// one said means the same.
const FORMAT: Format = Format::new(&[|_| (), |_| ()]);

/// What a lock of any schema has.
#[derive(Deserialize)]
struct Head {
    schema: u64,
}

impl Lock {
    /// The schema this code writes; earlier ones are read too.
    pub const SCHEMA: u32 = FORMAT.today();

    /// Puts items and blobs in their order, joins blobs named twice, and checks the whole.
    pub fn normalise(mut self) -> Result<Self, LockError> {
        self.items.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        let mut first: HashMap<Digest, usize> = HashMap::new();
        let mut blobs: Vec<LockedBlob> = Vec::with_capacity(self.blobs.len());
        for blob in self.blobs {
            match first.get(&blob.digest) {
                Some(&at) if blobs[at].platform != blob.platform => blobs[at].platform = None,
                Some(_) => {}
                None => {
                    first.insert(blob.digest, blobs.len());
                    blobs.push(blob);
                }
            }
        }
        blobs.sort_by_key(|blob| (blob.kind, blob.digest));
        self.blobs = blobs;
        self.check()?;
        Ok(self)
    }

    /// Reads a lock's text of any schema. `origin` names it in errors.
    pub fn parse(text: &str, origin: &str) -> Result<Self, LockError> {
        let wrong = |reason: String| LockError::Parse { origin: origin.to_owned(), reason };
        let of_text = |error: serde_yaml::Error| wrong(error.to_string());
        let of_schema = |error: SchemaError| wrong(error.to_string());
        let found = serde_yaml::from_str::<Head>(text).map_err(of_text)?.schema;
        let lock: Self = if FORMAT.is_today(found).map_err(of_schema)? {
            serde_yaml::from_str(text).map_err(of_text)?
        } else {
            let mut document: serde_json::Value = serde_yaml::from_str(text).map_err(of_text)?;
            FORMAT.migrate(found, &mut document).map_err(of_schema)?;
            serde_json::from_value(document).map_err(|error| wrong(error.to_string()))?
        };
        lock.check()?;
        Ok(lock)
    }

    /// Reads a lock file.
    pub fn load(path: &Path) -> Result<Self, LockError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| LockError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// The file's text; the same lock gives the same bytes.
    pub fn to_yaml(&self) -> Result<String, LockError> {
        serde_yaml::to_string(self).map_err(|error| self.invalid(error.to_string()))
    }

    /// `NAME-VERSION.sealift`, the bundle's directory.
    pub fn directory_name(&self) -> String {
        format!("{}-{}.sealift", self.name, self.version)
    }

    /// Whether the lock makes sense by itself; parsing and packing call it.
    pub fn check(&self) -> Result<(), LockError> {
        if self.schema != Self::SCHEMA {
            let text = format!("it has schema {}; this sealift knows schema {}", self.schema, Self::SCHEMA);
            return Err(self.invalid(text));
        }
        check::name(&self.name, "name").map_err(|reason| self.invalid(reason))?;
        check::name(&self.version, "version").map_err(|reason| self.invalid(reason))?;
        check::timestamp(&self.created).map_err(|reason| self.invalid(reason))?;
        check::items(&self.items).map_err(|reason| self.invalid(reason))?;
        let mut seen = HashSet::new();
        for blob in &self.blobs {
            if !seen.insert(blob.digest) {
                return Err(self.invalid(format!("blob {} is there twice", blob.digest)));
            }
        }
        if !self.blobs.is_sorted_by_key(|blob| (blob.kind, blob.digest)) {
            return Err(self.invalid("its blobs are not sorted by kind and digest".into()));
        }
        self.check_content(&seen)
    }

    fn check_content(&self, seen: &HashSet<Digest>) -> Result<(), LockError> {
        match self.items.iter().find(|item| !seen.contains(&item.digest)) {
            None => Ok(()),
            Some(Item { kind, name, digest, .. }) => {
                Err(self.invalid(format!("{} {name} needs blob {digest}, which is not there", kind.as_str())))
            }
        }
    }

    /// The item of this kind and name.
    pub fn item(&self, kind: ItemKind, name: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.kind == kind && item.name == name)
    }

    fn invalid(&self, reason: String) -> LockError {
        LockError::Invalid { name: self.name.clone(), reason }
    }
}
