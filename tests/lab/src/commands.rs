//! The commands about scenes: `lab up`, `lab down` and those between.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};

use crate::cache::Cache;
use crate::egress::plant::{Leak, plant, plant_in_node};
use crate::egress::report::Report;
use crate::net::Subnet;
use crate::node::supervise::supervise;
use crate::program::finish;
use crate::root::RootKind;
use crate::say::{data, say};
use crate::scene::Scene;
use crate::state::{NodeSpec, SceneSpec};

/// Commands about a scene.
#[derive(Subcommand)]
pub enum Command {
    /// Bring a scene up: a network without a way out, and machines in it
    Up(Up),
    /// End what a scene started and remove what it made
    Down(At),
    /// Say which nodes are on
    Status(At),
    /// Run a program as root inside a node, past its SSH
    Exec {
        /// Where
        #[command(flatten)]
        node: AtNode,
        /// Program and arguments
        #[arg(last = true, required = true)]
        argv: Vec<String>,
    },
    /// Run a program where the operator is: in the scene's namespace
    Operator {
        /// Where
        #[command(flatten)]
        at: At,
        /// Program and arguments
        #[arg(last = true, required = true)]
        argv: Vec<String>,
    },
    /// Cut a node's power: everything in it is gone at once
    PowerCut(AtNode),
    /// Switch a node on and wait until it is up
    SwitchOn(AtNode),
    /// Pull a node's network cable out (--heal puts it back)
    NetworkCut {
        /// Where
        #[command(flatten)]
        node: AtNode,
        /// Put the cable back
        #[arg(long)]
        heal: bool,
    },
    /// What tried to leave
    #[command(subcommand)]
    Egress(Egress),
    /// Keeps one node running (started by `up`)
    #[command(hide = true)]
    Supervise {
        /// Folder of the scene
        #[arg(long)]
        dir: PathBuf,
        /// Name of the node
        #[arg(long)]
        node: String,
    },
}

/// Commands about the egress recorder.
#[derive(Subcommand)]
pub enum Egress {
    /// Send a known leak, so that the report's 0 means something
    Plant(Plant),
    /// Count planted leaks and everything else; status 1 unless only planted leaks left
    Report {
        /// Where
        #[command(flatten)]
        at: At,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Listens (started by `up` in the scene's namespace)
    #[command(hide = true)]
    Record(At),
}

/// A scene by its folder.
#[derive(Args)]
pub struct At {
    /// Folder of the scene
    #[arg(long)]
    dir: PathBuf,
}

/// A node by its scene's folder and its name.
#[derive(Args)]
pub struct AtNode {
    /// Folder of the scene
    #[arg(long)]
    dir: PathBuf,
    /// Name of the node
    node: String,
}

/// What to bring up.
#[derive(Args)]
pub struct Up {
    /// Name of the scene and of its network namespace
    #[arg(long)]
    name: String,
    /// Folder of the scene
    #[arg(long)]
    dir: PathBuf,
    /// The nodes' network, A.B.C.0/24
    #[arg(long)]
    subnet: Subnet,
    /// A node: `NAME=OCTET` (the last part of its address), with `,bare` for one without packet filters, netplan and such, `,older` for Debian 11
    #[arg(long = "node", required = true)]
    nodes: Vec<NodeArg>,
}

/// A leak to plant.
#[derive(Args)]
pub struct Plant {
    /// Folder of the scene
    #[arg(long)]
    dir: PathBuf,
    /// Node to plant it in (default: the scene's first)
    #[arg(long)]
    node: Option<String>,
    /// Plant it in a pod: a program in that node that runs `bash -c SCRIPT` in the pod when those words are added to it
    #[arg(last = true)]
    pod: Vec<String>,
}

#[derive(Clone)]
struct NodeArg(NodeSpec);

impl FromStr for NodeArg {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, rest) =
            text.split_once('=').with_context(|| format!("reading node {text:?}: no NAME=OCTET"))?;
        let (octet, root) = match rest.split_once(',') {
            None => (rest, RootKind::Full),
            Some((octet, word)) => {
                let known = "full, bare, ifupdown, managed, older";
                let root = RootKind::of(word);
                (
                    octet,
                    root.with_context(|| {
                        format!("reading node {text:?}: {word:?} is no kind of root ({known})")
                    })?,
                )
            }
        };
        let octet =
            octet.parse().with_context(|| format!("reading node {text:?}: {octet:?} is not 2 to 254"))?;
        Ok(Self(NodeSpec { name: name.to_owned(), octet, root }))
    }
}

/// Runs one command.
pub fn run(command: Command) -> Result<()> {
    match command {
        Command::Up(up) => bring_up(up),
        Command::Down(at) => Scene::down(&at.dir),
        Command::Status(at) => status(&at),
        Command::Exec { node, argv } => pass_on(open(&node)?.command(&argv)?),
        Command::Operator { at, argv } => pass_on(Scene::open(&at.dir)?.operator(&argv)),
        Command::PowerCut(node) => open(&node)?.power_cut(),
        Command::SwitchOn(node) => {
            let node = open(&node)?;
            node.switch_on()?;
            node.wait_ready(Duration::from_mins(2))
        }
        Command::NetworkCut { node, heal: false } => open(&node)?.network_cut(),
        Command::NetworkCut { node, heal: true } => open(&node)?.network_heal(),
        Command::Egress(Egress::Plant(args)) => plant_leak(&args),
        Command::Egress(Egress::Report { at, json }) => report(&at, json),
        Command::Egress(Egress::Record(at)) => crate::egress::listen::listen(&at.dir),
        Command::Supervise { dir, node } => supervise(&dir, &node),
    }
}

fn bring_up(up: Up) -> Result<()> {
    let start = std::time::Instant::now();
    let nodes = up.nodes.into_iter().map(|node| node.0).collect();
    let spec = SceneSpec { name: up.name, subnet: up.subnet, dir: up.dir, nodes, cache: Cache::open()? };
    let scene = Scene::up(&spec)?;
    say(format!("scene {} is up in {:.1} s", scene.name(), start.elapsed().as_secs_f32()));
    for node in scene.nodes() {
        data(format!("{} {} {}", node.name(), node.address(), node.host_key()?));
    }
    Ok(())
}

fn status(at: &At) -> Result<()> {
    let scene = Scene::open(&at.dir)?;
    data(format!("scene {} in {}", scene.name(), scene.dir().display()));
    for node in scene.nodes() {
        let power =
            node.leader().map_or("off".to_owned(), |leader| format!("on (PID 1 is {} here)", leader.pid));
        data(format!("node {} {} {power}", node.name(), node.address()));
    }
    let listens = if scene.recorder().listens() { "listens" } else { "does NOT run" };
    data(format!("egress recorder {listens}"));
    Ok(())
}

fn open(at: &AtNode) -> Result<crate::node::Node> {
    Scene::open(&at.dir)?.node(&at.node)
}

/// Runs a command with this process's own input and output, and ends as it ends.
fn pass_on(mut command: std::process::Command) -> Result<()> {
    command.stdin(std::process::Stdio::inherit());
    let status = command.status().context("starting it")?;
    std::process::exit(status.code().unwrap_or(1));
}

fn plant_leak(chosen: &Plant) -> Result<()> {
    let scene = Scene::open(&chosen.dir)?;
    let node = match &chosen.node {
        Some(name) => scene.node(name)?,
        None => scene.nodes().into_iter().next().context("the scene has no node")?,
    };
    if chosen.pod.is_empty() {
        return plant_in_node(&scene.recorder(), &node);
    }
    plant(&scene.recorder(), &Leak::new("pod")?, |script| {
        let mut argv = chosen.pod.clone();
        argv.extend(["bash", "-c", script].map(str::to_owned));
        finish(node.command(&argv)?).map(drop)
    })
}

fn report(at: &At, as_json: bool) -> Result<()> {
    let verdict = Report::of(&Scene::open(&at.dir)?.recorder())?;
    data(if as_json { serde_json::to_string_pretty(&verdict)? } else { verdict.to_string() });
    match verdict.fault() {
        Some(fault) => bail!("{fault}"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_named_with_its_octet_and_its_root() {
        let node: NodeArg = "cp1=11".parse().unwrap();
        assert_eq!((node.0.name.as_str(), node.0.octet, node.0.root), ("cp1", 11, RootKind::Full));
        assert_eq!("w1=21,bare".parse::<NodeArg>().unwrap().0.root, RootKind::Bare);
        assert_eq!("w2=22,older".parse::<NodeArg>().unwrap().0.root, RootKind::Older);
        for bad in ["", "cp1", "cp1=", "cp1=256", "cp1=11,fat", "cp1=11,"] {
            assert!(bad.parse::<NodeArg>().is_err(), "{bad:?}");
        }
    }
}
