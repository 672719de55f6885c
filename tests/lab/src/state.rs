//! What a scene is, written down before anything of it exists, so that `down` (or the next `up` after a power cut)
//! knows what there may be to remove.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::cache::Cache;
use crate::net::Subnet;
use crate::process::Process;
use crate::root::RootKind;

/// What to bring up.
#[derive(Debug, Clone)]
pub struct SceneSpec {
    /// Name of the namespace; machines and cgroups carry it too. At most 24 of `a-z0-9-`.
    pub name: String,
    /// The nodes' network.
    pub subnet: Subnet,
    /// Folder of the scene; what lies in it beside the scene's own files is left alone.
    pub dir: PathBuf,
    /// The machines.
    pub nodes: Vec<NodeSpec>,
    /// Where prepared node roots are kept.
    pub cache: Cache,
}

/// One machine of a scene.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NodeSpec {
    /// Its host name.
    pub name: String,
    /// Last part of its address.
    pub octet: u8,
    /// What is installed on it.
    #[serde(default)]
    pub root: RootKind,
}

/// A scene as written in `scene.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SceneState {
    /// Schema number of this file.
    pub schema: u32,
    /// Tells one `up` from the next in the same folder.
    pub id: String,
    /// See [`SceneSpec::name`].
    pub name: String,
    /// See [`SceneSpec::subnet`].
    pub subnet: Subnet,
    /// The machines.
    pub nodes: Vec<NodeState>,
    /// Set by `down` first of all: a supervisor that starts late ends itself.
    #[serde(default)]
    pub closing: bool,
    /// The process whose end ends the scene; none where it stays up until `down`.
    #[serde(default)]
    pub keeper: Option<Process>,
}

/// A machine as written in `scene.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NodeState {
    /// What it is.
    pub spec: NodeSpec,
    /// The control groups that are its own.
    pub cgroups: Vec<PathBuf>,
}

impl SceneState {
    /// Reads the state of the scene in this folder; `None` where there is none.
    pub fn read(dir: &Path) -> Result<Option<Self>> {
        let path = file(dir);
        match fs::read_to_string(&path) {
            Ok(text) => {
                let state: Self = serde_json::from_str(&text)
                    .with_context(|| format!("understanding {}", path.display()))?;
                if state.schema != 1 {
                    bail!("{} has schema {}, this lab knows 1", path.display(), state.schema);
                }
                Ok(Some(state))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
        }
    }

    /// Writes it to its folder, whole or not at all.
    pub fn write(&self, dir: &Path) -> Result<()> {
        write_whole(&file(dir), &serde_json::to_string_pretty(self)?)
    }
}

/// `scene.json` of a scene's folder.
pub fn file(dir: &Path) -> PathBuf {
    dir.join("scene.json")
}

/// Folder of one node.
pub fn node_dir(dir: &Path, node: &str) -> PathBuf {
    dir.join("nodes").join(node)
}

/// Writes a small file so that a reader sees the old one or the new one.
pub fn write_whole(path: &Path, text: &str) -> Result<()> {
    let part = path.with_extension(format!("{}.part", std::process::id()));
    fs::write(&part, text).with_context(|| format!("writing {}", part.display()))?;
    fs::rename(&part, path).with_context(|| format!("moving {} into its place", path.display()))
}

/// Refuses names that would not do as a file, interface and cgroup name.
pub fn check_name(what: &str, name: &str, limit: usize) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > limit || !name.bytes().all(plain) || name.starts_with('-') {
        bail!("{what} {name:?} is not a name of 1 to {limit} of a-z, 0-9 and '-'");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_their_folder_are_refused() {
        check_name("scene", "lab-t1", 24).unwrap();
        for bad in ["", "..", "a/b", "Lab", "-a", "a b", "abcdefghijklmnopqrstuvwxyz"] {
            assert!(check_name("scene", bad, 24).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_state_of_another_schema_or_half_a_state_is_an_error_and_none_is_none() {
        let dir = tempfile::tempdir().unwrap();
        assert!(SceneState::read(dir.path()).unwrap().is_none());
        fs::write(file(dir.path()), "{\"schema\": 1, ").unwrap();
        assert!(SceneState::read(dir.path()).is_err());
        fs::write(
            file(dir.path()),
            r#"{"schema":2,"id":"x","name":"lab","subnet":"10.77.0.0/24","nodes":[]}"#,
        )
        .unwrap();
        assert!(SceneState::read(dir.path()).unwrap_err().to_string().contains("schema 2"));
    }
}
