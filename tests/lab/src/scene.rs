//! A scene: a network without a way out and the machines in it.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::fcntl::{Flock, FlockArg};

use crate::cgroup;
use crate::egress::recorder::Recorder;
use crate::net::Net;
use crate::node::{Node, machine, prepare};
use crate::parallel::in_parallel;
use crate::process::Process;
use crate::program::{attempt, run};
use crate::qemu;
use crate::root;
use crate::state::{self, NodeState, SceneSpec, SceneState, check_name, node_dir, write_whole};

/// Which folder owns a scene's name on this machine.
const OWNERS: &str = "/run/sealift-lab";

/// How long a node may take from power on to `running`.
const BOOT_LIMIT: Duration = Duration::from_mins(2);

/// A scene that is up.
#[derive(Debug)]
pub struct Scene {
    dir: PathBuf,
    state: SceneState,
}

impl Scene {
    /// Brings a scene up, from the beginning: one that this folder has already (whole, or left by a killed `up`) goes
    /// down first. Returns when every node is `running` and takes the operator's key. A scene that fails goes down.
    pub fn up(spec: &SceneSpec) -> Result<Self> {
        check(spec)?;
        fs::create_dir_all(&spec.dir).with_context(|| format!("making {}", spec.dir.display()))?;
        let dir = fs::canonicalize(&spec.dir).with_context(|| format!("finding {}", spec.dir.display()))?;
        let _lock = lock(&dir)?;
        close(&dir)?;
        claim(&spec.name, &dir)?;
        let state = SceneState {
            schema: 1,
            id: serde_json::to_string(&Process::myself()?)?,
            name: spec.name.clone(),
            subnet: spec.subnet,
            nodes: spec
                .nodes
                .iter()
                .map(|node| {
                    Ok(NodeState {
                        spec: node.clone(),
                        cgroups: cgroup::plan(&machine(&spec.name, &node.name))?,
                    })
                })
                .collect::<Result<_>>()?,
            closing: false,
            keeper: None,
        };
        state.write(&dir)?;
        let scene = Self { dir, state };
        match scene.build(spec) {
            Ok(()) => Ok(scene),
            Err(error) => {
                close(&scene.dir)
                    .with_context(|| format!("removing the scene that failed with: {error:#}"))?;
                Err(error).with_context(|| format!("bringing up scene {} (it is down again)", spec.name))
            }
        }
    }

    /// The scene in this folder, which must be up.
    pub fn open(dir: &Path) -> Result<Self> {
        let dir = fs::canonicalize(dir).with_context(|| format!("finding scene folder {}", dir.display()))?;
        match SceneState::read(&dir)?.filter(|state| !state.closing) {
            Some(state) => Ok(Self { dir, state }),
            None => bail!("there is no scene in {}: bring one up with `lab up --dir {0}`", dir.display()),
        }
    }

    /// Ends what the scene in this folder started and removes what it made; nothing to do is no error.
    /// Files that others put into the folder stay.
    pub fn down(dir: &Path) -> Result<()> {
        let Ok(dir) = fs::canonicalize(dir) else { return Ok(()) };
        {
            let _lock = lock(&dir)?;
            close(&dir)?;
            fs::remove_file(dir.join(LOCK)).ok();
        }
        fs::remove_dir(&dir).ok();
        Ok(())
    }

    /// The scene's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its name, which is the namespace's too.
    pub fn name(&self) -> &str {
        &self.state.name
    }

    /// Its network.
    pub fn net(&self) -> Net {
        Net::new(&self.state.name, self.state.subnet)
    }

    /// All its nodes.
    pub fn nodes(&self) -> Vec<Node> {
        self.state.nodes.iter().map(|node| Node::new(&self.dir, &self.state, node)).collect()
    }

    /// One node by name.
    pub fn node(&self, name: &str) -> Result<Node> {
        let node = self.nodes().into_iter().find(|node| node.name() == name);
        node.with_context(|| format!("scene {} has no node {name:?}", self.name()))
    }

    /// The operator's private key file.
    pub fn operator_key(&self) -> PathBuf {
        self.dir.join("ssh/id_ed25519")
    }

    /// A command that runs where the operator is: inside the namespace, without a route out.
    pub fn operator<S: AsRef<str>>(&self, argv: &[S]) -> Command {
        self.net().enter(argv)
    }

    /// The recorder of what tries to leave.
    pub fn recorder(&self) -> Recorder {
        Recorder::new(&self.dir)
    }

    /// The scene wrapped so that it goes down when the value is dropped, in a failing test too. What a killed test
    /// leaves goes down when the name is wanted again.
    pub fn guarded(mut self) -> Result<Guard> {
        self.state.keeper = Some(Process::myself()?);
        self.state.write(&self.dir)?;
        Ok(Guard(self))
    }

    fn build(&self, spec: &SceneSpec) -> Result<()> {
        let mut trees = Vec::new();
        for node in &spec.nodes {
            trees.push(root::ensure(&spec.cache, node.root)?);
        }
        self.net().up()?;
        let public = self.make_operator_key()?;
        self.recorder().start(&self.net())?;
        let nodes = self.nodes();
        in_parallel(nodes.iter().zip(&trees), |(node, tree)| {
            prepare(node, tree, &public)?;
            node.switch_on()
        })?;
        let known = nodes.iter().map(|node| Ok(format!("{} {}\n", node.address(), node.host_key()?)));
        write_whole(&self.dir.join("ssh/known_hosts"), &known.collect::<Result<String>>()?)?;
        in_parallel(nodes.iter(), |node| node.wait_ready(BOOT_LIMIT)).map(drop)
    }

    fn make_operator_key(&self) -> Result<String> {
        let key = self.operator_key();
        let folder = self.dir.join("ssh");
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let path = key.display().to_string();
        run(&["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "operator", "-f", &path])?;
        fs::read_to_string(key.with_extension("pub")).context("reading the operator's public key")
    }
}

/// A scene that goes down with this value.
#[derive(Debug)]
pub struct Guard(Scene);

impl std::ops::Deref for Guard {
    type Target = Scene;

    fn deref(&self) -> &Scene {
        &self.0
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Err(error) = Scene::down(self.0.dir()) {
            crate::say::say(format!("scene {} did not go down: {error:#}", self.0.name()));
        }
    }
}

const LOCK: &str = ".scene.lock";

fn lock(dir: &Path) -> Result<Flock<File>> {
    let file =
        File::create(dir.join(LOCK)).with_context(|| format!("opening the lock of {}", dir.display()))?;
    Flock::lock(file, FlockArg::LockExclusive)
        .map_err(|(_, error)| anyhow::anyhow!("waiting for the lock of {}: {error}", dir.display()))
}

fn check(spec: &SceneSpec) -> Result<()> {
    if !nix::unistd::Uid::effective().is_root() {
        bail!("scene {} needs root (namespaces, cgroups, systemd-nspawn): run this as root", spec.name);
    }
    check_name("scene", &spec.name, 24)?;
    let mut octets = std::collections::BTreeSet::from([0, 1, 255]);
    for node in &spec.nodes {
        check_name("node", &node.name, 24)?;
        if !octets.insert(node.octet) {
            bail!("node {} cannot have address {}: it is taken", node.name, spec.subnet.address(node.octet));
        }
        if spec.nodes.iter().filter(|other| other.name == node.name).count() > 1 {
            bail!("there are two nodes named {}", node.name);
        }
    }
    Ok(())
}

/// Takes the scene's name for this folder; a living scene of another folder keeps it.
fn claim(name: &str, dir: &Path) -> Result<()> {
    let note = Path::new(OWNERS).join(name);
    let owner = fs::read_to_string(&note).ok().map(PathBuf::from);
    if let Some(other) = owner.as_ref().filter(|other| *other != dir) {
        if !close_abandoned(name, other)? {
            bail!("a scene named {name} is up in {0}: end it with `lab down --dir {0}`", other.display());
        }
        // Its folder was deleted without `down`: the namespace is ours to remove, and only that can be left.
        attempt(&["ip", "netns", "del", name]);
    } else if owner.is_none() && Path::new("/run/netns").join(name).exists() {
        bail!(
            "a network namespace named {name} exists and is not the lab's: choose another name for the scene"
        );
    }
    // Whichever scene goes down last takes the folder with it, so it may go between these two.
    for _ in 0..100 {
        fs::create_dir_all(OWNERS).with_context(|| format!("making {OWNERS}"))?;
        if write_whole(&note, &dir.display().to_string()).is_ok() {
            return Ok(());
        }
    }
    write_whole(&note, &dir.display().to_string())
}

/// Ends what a killed test left in another folder under this name; false where somebody may still want it: its keeper
/// runs or, where it has none, one of its nodes, or it is being brought up at this moment.
fn close_abandoned(name: &str, dir: &Path) -> Result<bool> {
    let Some(state) = SceneState::read(dir)?.filter(|state| state.name == name) else { return Ok(true) };
    let lives = match state.keeper {
        Some(keeper) => keeper.alive(),
        None => state.nodes.iter().any(|node| Node::new(dir, &state, node).supervisor().is_some()),
    };
    let file =
        File::create(dir.join(LOCK)).with_context(|| format!("opening the lock of {}", dir.display()))?;
    let Ok(_lock) = Flock::lock(file, FlockArg::LockExclusiveNonblock) else { return Ok(false) };
    if lives {
        return Ok(false);
    }
    close(dir).with_context(|| format!("removing what a killed test left in {}", dir.display()))?;
    Ok(true)
}

/// Ends and removes a scene; the caller holds the lock. Each act may find its work done already.
fn close(dir: &Path) -> Result<()> {
    let Some(mut state) = SceneState::read(dir)? else { return Ok(()) };
    state.closing = true;
    state.write(dir)?;
    in_parallel(state.nodes.iter(), |node| {
        Node::new(dir, &state, node).end().with_context(|| format!("ending node {}", node.spec.name))
    })?;
    for folder in fs::read_dir(dir.join("nodes")).into_iter().flatten().flatten() {
        qemu::end(&folder.path()).with_context(|| format!("ending machine {}", folder.path().display()))?;
    }
    Recorder::new(dir).stop()?;
    unmount_below(dir)?;
    Net::new(&state.name, state.subnet).down()?;
    in_parallel(state.nodes.iter(), |node| {
        remove_traces(dir, &state, &node.spec.name)?;
        remove_tree(&node_dir(dir, &node.spec.name))
    })?;
    for folder in ["nodes", "ssh"] {
        remove_tree(&dir.join(folder))?;
    }
    Recorder::new(dir).remove()?;
    let owner = Path::new(OWNERS).join(&state.name);
    remove(fs::remove_file(&owner), &owner)?;
    fs::remove_dir(OWNERS).ok();
    fs::remove_file(state::file(dir)).context("removing scene.json")
}

/// Removes what an nspawn that was killed leaves in /run.
fn remove_traces(dir: &Path, state: &SceneState, node: &str) -> Result<()> {
    let traces = Path::new("/run/systemd/nspawn");
    let propagate = traces.join("propagate").join(machine(&state.name, node));
    remove(fs::remove_dir_all(&propagate), &propagate)?;
    let Ok(disk) = fs::metadata(node_dir(dir, node).join("root")) else { return Ok(()) };
    let lock = traces.join(format!("locks/inode-{}:{}", disk.dev(), disk.ino()));
    remove(fs::remove_file(&lock), &lock)
}

/// Unmounts what may be mounted on this machine below the nodes' disks (nspawn's own mounts are not: they are in the
/// node's mount namespace), or removing them would empty what is mounted there.
fn unmount_below(dir: &Path) -> Result<()> {
    let mounts = fs::read_to_string("/proc/self/mounts").context("reading /proc/self/mounts")?;
    let below = dir.join("nodes");
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    let mut points: Vec<&str> = points.filter(|point| Path::new(point).starts_with(&below)).collect();
    points.reverse();
    for point in points {
        run(&["umount", "--lazy", point])?;
    }
    Ok(())
}

/// Removes a tree. A copy begun by an `up` that was killed may write for another moment: then once more.
fn remove_tree(path: &Path) -> Result<()> {
    let start = std::time::Instant::now();
    loop {
        match fs::remove_dir_all(path) {
            Err(error)
                if error.kind() == std::io::ErrorKind::DirectoryNotEmpty
                    && start.elapsed() < Duration::from_secs(10) =>
            {
                std::thread::sleep(Duration::from_millis(50));
            }
            result => return remove(result, path),
        }
    }
}

fn remove(result: std::io::Result<()>, path: &Path) -> Result<()> {
    match result {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}
