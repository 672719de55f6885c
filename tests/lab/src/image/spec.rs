//! `recipes/images.yaml`: what each image holds and how it starts.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Images {
    /// Lowest layers, by name.
    pub bases: BTreeMap<String, Base>,
    /// The images.
    pub images: Vec<Image>,
}

/// A lowest layer: written out here, or a Debian.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Base {
    /// Debian packages over the essential ones.
    pub debian: Vec<String>,
    /// Folder -> mode in octal digits.
    pub folders: BTreeMap<String, Mode>,
    /// File -> its text.
    pub text: BTreeMap<String, String>,
}

/// A mode written as `chmod` wants it: 1777 means octal 1777.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub struct Mode(pub u32);

impl TryFrom<u32> for Mode {
    type Error = std::num::ParseIntError;

    fn try_from(digits: u32) -> Result<Self, Self::Error> {
        u32::from_str_radix(&digits.to_string(), 8).map(Self)
    }
}

/// How the manifest looks from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Two platforms and their attestations under one index.
    Index,
    /// One manifest.
    Single,
}

/// One image.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Upstream's full name with the tag.
    pub reference: String,
    /// One platform or an index.
    pub shape: Shape,
    /// The lowest layer; none for an image that holds its program only.
    pub base: Option<String>,
    /// The component its programs come from.
    pub component: String,
    /// Path in the image -> file of the component.
    pub files: BTreeMap<String, String>,
    /// Folder -> mode in octal digits.
    #[serde(default)]
    pub folders: BTreeMap<String, Mode>,
    /// Symbolic link -> target.
    #[serde(default)]
    pub links: BTreeMap<String, String>,
    /// Files that get `cap_net_bind_service=ep`, as upstream sets it.
    #[serde(default)]
    pub bind_low_ports: Vec<String>,
    /// The entrypoint.
    #[serde(default)]
    pub entrypoint: Vec<String>,
    /// Its default arguments.
    #[serde(default)]
    pub cmd: Vec<String>,
    /// The user; empty is root.
    #[serde(default)]
    pub user: String,
    /// Exposed ports, `53/udp`.
    #[serde(default)]
    pub ports: Vec<String>,
    /// A file of the component that must hold the tag.
    pub version_file: Option<String>,
    /// How to see that the program is the tag's.
    pub prints: Option<Prints>,
}

/// A program's own word about its version.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prints {
    /// The component's program.
    pub program: String,
    /// Its arguments.
    pub argv: Vec<String>,
    /// What its output must contain.
    pub text: String,
}

impl Images {
    /// Parses the file's text.
    pub fn parse(text: &str) -> Result<Self> {
        serde_yaml::from_str(text).context("parsing images.yaml")
    }

    /// Reads the committed file.
    pub fn load() -> Result<Self> {
        Self::parse(&crate::factory::read("recipes/images.yaml")?)
    }
}

impl Image {
    /// The repository with its host: `registry.k8s.io/coredns/coredns`.
    pub fn repository(&self) -> Result<&str> {
        Ok(self.split()?.0)
    }

    /// The tag.
    pub fn tag(&self) -> Result<&str> {
        Ok(self.split()?.1)
    }

    /// The name of its cache entry: one word.
    pub fn id(&self) -> String {
        self.reference.replace(['/', ':'], "_")
    }

    fn split(&self) -> Result<(&str, &str)> {
        let parts = self.reference.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'));
        parts.with_context(|| format!("splitting {} into name and tag", self.reference))
    }

    /// The `config` member of the image configuration.
    pub fn runtime(&self) -> Value {
        let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let mut config =
            Map::from_iter([("Env".to_owned(), json!([path])), ("WorkingDir".to_owned(), json!("/"))]);
        for (name, words) in [("Entrypoint", &self.entrypoint), ("Cmd", &self.cmd)] {
            if !words.is_empty() {
                config.insert(name.to_owned(), json!(words));
            }
        }
        if !self.user.is_empty() {
            config.insert("User".to_owned(), json!(self.user));
        }
        if !self.ports.is_empty() {
            let ports: Map<String, Value> = self.ports.iter().map(|p| (p.clone(), json!({}))).collect();
            config.insert("ExposedPorts".to_owned(), Value::Object(ports));
        }
        Value::Object(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_file_parses_and_about_half_are_indexes() {
        let all = Images::load().unwrap();
        let indexes = all.images.iter().filter(|i| i.shape == Shape::Index).count();
        assert!(indexes * 3 >= all.images.len() && indexes < all.images.len(), "{indexes}");
        for image in &all.images {
            assert!(image.base.as_ref().is_none_or(|b| all.bases.contains_key(b)), "{}", image.reference);
        }
    }

    #[test]
    fn modes_are_octal_digits() {
        assert_eq!(serde_yaml::from_str::<Mode>("1777").unwrap(), Mode(0o1777));
        assert!(serde_yaml::from_str::<Mode>("798").is_err());
    }

    #[test]
    fn names_split_at_the_tag() {
        let all = Images::load().unwrap();
        let coredns = all.images.iter().find(|i| i.reference.contains("coredns")).unwrap();
        assert_eq!(coredns.repository().unwrap(), "registry.k8s.io/coredns/coredns");
        assert_eq!(coredns.tag().unwrap(), "v1.14.2");
        let untagged = Image { reference: "localhost:5000/a".into(), ..coredns.clone() };
        assert!(untagged.tag().is_err());
    }
}
