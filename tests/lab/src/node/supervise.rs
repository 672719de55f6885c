//! The supervisor of one node: a process of our own in the background that boots the node, boots it again when it
//! reboots, and ends when it powers off or its power is cut.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::Node;
use super::boot::{REBOOT, boot, find_leader};
use crate::process::Process;
use crate::say::say;
use crate::state::{SceneState, write_whole};

/// Body of `lab supervise`: returns when the node is off.
pub fn supervise(dir: &Path, name: &str) -> Result<()> {
    // Its own session: it outlives `lab up`, whose terminal it must not hold.
    nix::unistd::setsid().ok();
    let Some(node) = wanted(dir, name)? else { return Ok(()) };
    write_whole(&node.dir().join("supervisor.json"), &serde_json::to_string(&Process::myself()?)?)?;
    // Only after the note above: whoever closes the scene sets its mark first and reads the notes then.
    while wanted(dir, name)?.is_some() {
        let mut child = boot(&node)?;
        let nspawn = Process::of(i32::try_from(child.id())?)?;
        let leader = loop {
            if let Some(leader) = find_leader(nspawn) {
                break Some(leader);
            }
            if child.try_wait().context("waiting for nspawn")?.is_some() {
                break None;
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let leader_file = node.dir().join("leader.json");
        if let Some(leader) = leader {
            write_whole(&leader_file, &serde_json::to_string(&leader)?)?;
        }
        let end = child.wait().context("waiting for nspawn")?;
        fs::remove_file(&leader_file).ok();
        let ended = end.code().or(end.signal());
        say(format!("node {name} ended with {ended:?} (0 power off, {REBOOT} reboot, other power cut)"));
        if end.code() != Some(REBOOT) || leader.is_none() {
            break;
        }
    }
    fs::remove_file(node.dir().join("supervisor.json")).context("removing supervisor.json")
}

/// The node, unless the scene is gone or going.
fn wanted(dir: &Path, name: &str) -> Result<Option<Node>> {
    let Some(scene) = SceneState::read(dir)?.filter(|scene| !scene.closing) else { return Ok(None) };
    Ok(scene.nodes.iter().find(|node| node.spec.name == name).map(|node| Node::new(dir, &scene, node)))
}
