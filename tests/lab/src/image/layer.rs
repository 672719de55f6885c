//! Layers: deterministic tar, deterministic gzip, one pass.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use serde::{Deserialize, Serialize};
use tar::{Builder, EntryType, Header};

use super::hash::HashWriter;

/// Every file of a layer has this time, seconds since 1970: 2026-01-01.
pub const MTIME: u64 = 1_767_225_600;

/// A finished layer: a gzip file and what its descriptors need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// sha256 of the gzip file, in hexadecimal.
    pub digest: String,
    /// sha256 of the tar inside it, in hexadecimal.
    pub diff_id: String,
    /// Bytes of the gzip file.
    pub size: u64,
}

/// One thing in a layer.
#[derive(Debug, Clone)]
pub enum Node {
    /// A folder with its mode.
    Folder(u32),
    /// A file with its mode, from a path.
    File(PathBuf, u32),
    /// A file with its mode, from memory.
    Text(Vec<u8>, u32),
    /// A program that may bind ports below 1024 (file capability `cap_net_bind_service=ep`).
    LowPorts(PathBuf, u32),
    /// A symbolic link to a target.
    Link(String),
}

/// A layer being written; its digests are known at the end.
pub struct LayerWriter {
    tar: Builder<HashWriter<GzEncoder<HashWriter<BufWriter<File>>>>>,
}

impl LayerWriter {
    /// Starts a layer file.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("creating the layer {}", path.display()))?;
        // No name, no time, no operating system in the gzip header: the same tar gives the same file.
        let zip = GzBuilder::new()
            .mtime(0)
            .operating_system(255)
            .write(HashWriter::new(BufWriter::new(file)), Compression::new(6));
        Ok(Self { tar: Builder::new(HashWriter::new(zip)) })
    }

    /// Adds one thing; the caller keeps the order (parents first).
    pub fn add(&mut self, path: &str, node: &Node) -> Result<()> {
        let (kind, mode) = match node {
            Node::Folder(mode) => (EntryType::Directory, *mode),
            Node::File(_, mode) | Node::Text(_, mode) | Node::LowPorts(_, mode) => {
                (EntryType::Regular, *mode)
            }
            Node::Link(_) => (EntryType::Symlink, 0o777),
        };
        let mut header = header(kind, mode);
        let added = match node {
            Node::Folder(_) => self.tar.append_data(&mut header, format!("{path}/"), io::empty()),
            Node::Link(target) => self.tar.append_link(&mut header, path, target),
            Node::Text(bytes, _) => {
                header.set_size(bytes.len() as u64);
                self.tar.append_data(&mut header, path, bytes.as_slice())
            }
            Node::File(source, _) | Node::LowPorts(source, _) => {
                let file = File::open(source).with_context(|| format!("opening {}", source.display()))?;
                if matches!(node, Node::LowPorts(..)) {
                    self.tar.append_pax_extensions([(
                        "SCHILY.xattr.security.capability",
                        LOW_PORTS.as_slice(),
                    )])?;
                }
                header.set_size(file.metadata()?.len());
                self.tar.append_data(&mut header, path, file)
            }
        };
        added.with_context(|| format!("adding {path} to a layer"))
    }

    /// Copies an entry of another archive, with the layer's own time.
    pub fn copy<R: Read>(&mut self, path: &str, entry: &mut tar::Entry<'_, R>) -> Result<()> {
        let mut header = entry.header().clone();
        header.set_mtime(MTIME);
        let kind = header.entry_type();
        let added = if kind.is_symlink() || kind.is_hard_link() {
            let link = entry.link_name()?.context("reading a link's target")?.into_owned();
            let link = if kind.is_hard_link() { strip(&link) } else { link };
            self.tar.append_link(&mut header, path, link)
        } else {
            self.tar.append_data(&mut header, path, entry)
        };
        added.with_context(|| format!("copying {path} into a layer"))
    }

    /// Ends the layer.
    pub fn finish(self) -> Result<Layer> {
        let (zip, diff_id, _) = self.tar.into_inner().context("ending a layer's archive")?.end();
        let (mut file, digest, size) = zip.finish().context("ending a layer's compression")?.end();
        file.flush().context("writing a layer")?;
        Ok(Layer { digest, diff_id, size })
    }
}

/// Writes a layer from a sorted map; folders that nobody named are added in front of what they hold.
pub fn write(path: &Path, nodes: &BTreeMap<String, Node>) -> Result<Layer> {
    let mut all = nodes.clone();
    for name in nodes.keys() {
        let mut rest = name.as_str();
        while let Some((parent, _)) = rest.rsplit_once('/') {
            all.entry(parent.to_owned()).or_insert(Node::Folder(0o755));
            rest = parent;
        }
    }
    let mut layer = LayerWriter::create(path)?;
    for (name, node) in &all {
        layer.add(name, node)?;
    }
    layer.finish()
}

/// The path without a leading `./` or `/`.
pub(crate) fn strip(path: &Path) -> PathBuf {
    path.components().filter(|c| matches!(c, std::path::Component::Normal(_))).collect()
}

fn header(kind: EntryType, mode: u32) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(MTIME);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(0);
    header
}

/// `struct vfs_cap_data`, revision 2 with the effective bit: permitted = 1 << 10 (`CAP_NET_BIND_SERVICE`).
const LOW_PORTS: [u8; 20] = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// Reads a layer's record from beside its file.
pub fn load(folder: &Path) -> Result<Layer> {
    let path = folder.join("layer.json");
    let text = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("parsing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_inputs_give_the_same_digest_and_other_inputs_another() {
        let dir = tempfile::tempdir().unwrap();
        let mut nodes = BTreeMap::new();
        nodes.insert("usr/bin/a".to_owned(), Node::Text(b"hello".to_vec(), 0o755));
        nodes.insert("b".to_owned(), Node::Link("usr/bin/a".to_owned()));
        let one = write(&dir.path().join("1"), &nodes).unwrap();
        let two = write(&dir.path().join("2"), &nodes).unwrap();
        assert_eq!(one, two);
        assert_eq!(fs::read(dir.path().join("1")).unwrap(), fs::read(dir.path().join("2")).unwrap());
        nodes.insert("usr/bin/a".to_owned(), Node::Text(b"hello".to_vec(), 0o700));
        assert_ne!(write(&dir.path().join("3"), &nodes).unwrap().digest, one.digest);
    }

    #[test]
    fn parents_come_before_their_children() {
        let dir = tempfile::tempdir().unwrap();
        let nodes = BTreeMap::from([("opt/bin/x".to_owned(), Node::Text(vec![], 0o755))]);
        write(&dir.path().join("l"), &nodes).unwrap();
        let gz = flate2::read::GzDecoder::new(File::open(dir.path().join("l")).unwrap());
        let mut archive = tar::Archive::new(gz);
        let names: Vec<_> =
            archive.entries().unwrap().map(|e| e.unwrap().path().unwrap().display().to_string()).collect();
        assert_eq!(names, ["opt/", "opt/bin/", "opt/bin/x"]);
    }
}
