//! Three real machines and no laptop: everything is typed on the first of them, with a stick in it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use lab::cache::Cache;
use lab::node::Node;
use lab::scene::{Guard, Scene};
use lab::state::{NodeSpec, SceneSpec};

use super::disks::Disks;
use super::kit::{Ran, SEALIFT, demo_file, room, source, stick};

/// Where the operator's own files are on the first server.
pub(super) const DESK: &str = "/root/plant";

/// What its runs leave there.
pub(super) const JOURNALS: &str = "/root/plant/.sealift";

/// Runs what follows, notes its process id, the most memory it ever had, and the most room its blobs took on disk.
const WATCH: &str = r#""$@" & pid=$!; echo $pid > /run/it.pid; : > /run/it.blobs
while grep -s VmHWM /proc/$pid/status > /run/it.now; do
  mv /run/it.now /run/it.memory; du -sk /var/lib/sealift/blobs 2>/dev/null >> /run/it.blobs; sleep 0.2
done
wait $pid"#;

/// A scene whose first server is the only place where anything is typed. It goes down when the value is dropped.
pub(super) struct Console {
    scene: Guard,
}

impl Console {
    /// Boots `cp1`, `w1` and `w2`, puts the stick into `cp1` and the operator's files on its desk.
    pub(super) fn up() -> Self {
        let dir = room().join("it-alone");
        let node =
            |name: &str, octet| NodeSpec { name: name.into(), octet, root: lab::root::RootKind::default() };
        let spec = SceneSpec {
            name: "it-alone".to_owned(),
            subnet: "10.81.0.0/24".parse().unwrap(),
            dir,
            nodes: vec![node("cp1", 11), node("w1", 21), node("w2", 22)],
            cache: Cache::open().unwrap(),
        };
        let console = Self { scene: Scene::up(&spec).unwrap().guarded().unwrap() };
        console.fill_stick();
        console.plug_in();
        console
            .here(&format!("mkdir -p {DESK}/ssh && cp /mnt/cluster.yaml /mnt/profile.yaml {DESK}/"))
            .expect(0);
        console.here("cp /mnt/sealift /usr/local/bin/").expect(0);
        let key = console.node("cp1").disk().join(format!("{}/ssh/id_ed25519", &DESK[1..]));
        fs::copy(console.scene.operator_key(), key).unwrap();
        console
    }

    /// What somebody carried in. Links, so that the test needs no room: whatever wrote on it would be seen.
    fn fill_stick(&self) {
        let to = self.node("cp1").disk().join("srv/stick");
        let bundle = to.join("demo.sealift");
        fs::create_dir_all(&bundle).unwrap();
        for entry in fs::read_dir(&stick().bundle).unwrap() {
            let entry = entry.unwrap();
            fs::hard_link(entry.path(), bundle.join(entry.file_name())).unwrap();
        }
        fs::hard_link(*SEALIFT, to.join("sealift")).unwrap();
        fs::hard_link(&stick().key, to.join("plant.pub")).unwrap();
        fs::copy(source("tests/lab/profile.yaml"), to.join("profile.yaml")).unwrap();
        fs::write(to.join("cluster.yaml"), cluster()).unwrap();
    }

    /// Mounts the stick as a careful system does.
    pub(super) fn plug_in(&self) {
        self.here("mount --bind /srv/stick /mnt && mount -o remount,bind,ro,noexec,nosuid,nodev /mnt")
            .expect(0);
    }

    /// Types a line on the first server, at the operator's desk.
    pub(super) fn here(&self, line: &str) -> Ran {
        self.on("cp1", line)
    }

    /// Types a line on any server.
    pub(super) fn on(&self, node: &str, line: &str) -> Ran {
        let line = format!("cd {DESK} 2>/dev/null; {line}");
        Ran::of(&mut self.node(node).command(&["sh", "-c", &line]).unwrap())
    }

    /// Runs a verb with all it needs, watched.
    pub(super) fn verb(&self, verb: &str) -> Ran {
        Ran::of(&mut self.watched(verb))
    }

    fn watched(&self, verb: &str) -> std::process::Command {
        let words = words(verb);
        let line = format!("cd {DESK}; {}", WATCH.replace("\"$@\"", &words));
        self.node("cp1").command(&["sh", "-c", &line]).unwrap()
    }

    /// Starts `install`, and does something to it (or to the server) when `step` has begun and `after` has passed.
    pub(super) fn install_until(&self, step: &str, after: Duration, then: impl FnOnce(&Self)) {
        let mut command = self.watched("install --json");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let events = BufReader::new(child.stdout.take().unwrap());
        let begins = |line: &String| {
            let event = serde_json::from_str::<serde_json::Value>(line);
            event.is_ok_and(|event| event["event"] == "step-change" && event["step"] == step)
        };
        let mut lines = events.lines().map_while(Result::ok);
        let begun = lines.any(|line| begins(&line));
        std::thread::sleep(after);
        if begun {
            then(self);
        }
        let (mut said, end) = (String::new(), child.wait().unwrap());
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(begun && !end.success(), "'{step}' was not cut off ({end}): {said}");
    }

    /// Ends the sealift that was started last, as `kill -9` does.
    pub(super) fn kill(&self) {
        self.here("kill -9 $(cat /run/it.pid)").expect(0);
    }

    /// Cuts the power of the server that everything is typed on, and goes back to it.
    pub(super) fn power_cut(&self) {
        let node = self.node("cp1");
        node.power_cut().unwrap();
        node.switch_on().unwrap();
        node.wait_ready(Duration::from_mins(1)).unwrap();
        self.plug_in();
    }

    pub(super) fn node(&self, name: &str) -> Node {
        self.scene.node(name).unwrap()
    }

    pub(super) fn scene(&self) -> &Scene {
        &self.scene
    }

    /// What lies on all disks.
    pub(super) fn listings(&self) -> Disks {
        self.scene.nodes().iter().map(|node| (node.name().to_owned(), node.listing().unwrap())).collect()
    }
}

/// A verb as it is typed with the stick in `/mnt`.
pub(super) fn words(verb: &str) -> String {
    let site =
        if verb.starts_with("reset") { "" } else { "--bundle /mnt/demo.sealift --trust /mnt/plant.pub" };
    format!("sealift {verb} --yes -c cluster.yaml --profile profile.yaml {site}")
}

/// The demo's cluster file, with its first server as this machine and one worker more.
fn cluster() -> String {
    let text = demo_file("cluster.yaml").replace("10.78.0.", "10.81.0.");
    let local = text.replace("ssh: {address: 10.81.0.11}", "ssh: local\n      address: 10.81.0.11");
    assert_ne!(local, text, "the demo's first server is reached otherwise");
    local + "    - name: w2\n      role: worker\n      ssh: {address: 10.81.0.22}\n"
}

/// How much a bundle is, in KiB.
pub(super) fn kib(bundle: &Path) -> u64 {
    let files = fs::read_dir(bundle).unwrap();
    files.map(|entry| entry.unwrap().metadata().unwrap().len()).sum::<u64>() / 1024
}
