//! Secrets of an install on real machines (S6, F45): the sudo password, the operator's key, the keys that kubeadm makes and
//! the tokens with which nodes join are where they have to be and nowhere else, neither in a file nor in any process's
//! words, while it runs and afterwards.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::kit::{Ran, sealift};
use super::place::Place;

const PASSWORD: &str = "canary-oothu9Ai";
/// Long enough to be nobody else's text, short enough not to be broken by a line's end.
const PIECE: usize = 40;
/// Where kubeadm has keys and kubeconfigs.
const RIGHTLY: &str = "etc/kubernetes/";
/// Where else an install writes, but for etcd's data and the images.
const WRITTEN: [&str; 10] = [
    "etc",
    "home",
    "opt",
    "root",
    "tmp",
    "var/lib/containerd/io.containerd.grpc.v1.cri",
    "var/lib/kubelet",
    "var/lib/sealift",
    "var/log",
    "var/tmp",
];

#[test]
fn an_install_leaves_no_secret_where_none_belongs() {
    let place = Place::with_workers("it-secrets", "10.89.0", 1);
    for name in ["cp1", "w1"] {
        let node = place.node(name);
        node.exec(&["sh", "-c", &format!("echo ops:{PASSWORD} | chpasswd")]).unwrap();
        fs::write(node.disk().join("etc/sudoers.d/ops"), "ops ALL=(ALL:ALL) ALL\n").unwrap();
    }
    let papers = Papers::of(&place);
    let over = AtomicBool::new(false);
    let (run, seen) = std::thread::scope(|threads| {
        let watcher = threads.spawn(|| watch(&place, &over));
        let run = {
            let _over = Over(&over);
            papers.install(&place)
        };
        (run, watcher.join().unwrap())
    });
    let run = run.expect(0);
    assert!(!seen.tokens.is_empty(), "no join was seen, so nothing would be shown of its token");
    let secrets = Secrets::of(&place, seen.tokens);
    assert!(secrets.0.len() >= 8, "{:?}", secrets.names());
    secrets.are_not_in("standard output", &run.stdout);
    secrets.are_not_in("standard error", &run.stderr);
    for words in &seen.words {
        secrets.are_not_in("the words or the environment of a process", words);
    }
    let mut read = 0;
    for path in files(&papers.dir).into_iter().chain(files(&place.state())) {
        read += 1;
        secrets.are_not_in(&path.display().to_string(), &text(&path));
    }
    assert!(read > 4, "only {read} files of the operator");
    for name in ["cp1", "w1"] {
        secrets.are_only_where_they_belong(&place, name);
    }
    place.verb_with("reset", &["--sudo-password-file", papers.password().to_str().unwrap()]).expect(0);
    for name in ["cp1", "w1"] {
        let journal = place.node(name).exec(&["journalctl", "--no-pager", "-q"]).unwrap();
        secrets.are_not_in(&format!("the journal of {name} after a reset"), &journal);
    }
}

/// What stays of a run, in a folder of its own beside what its operator has.
struct Papers {
    dir: PathBuf,
}

impl Papers {
    fn of(place: &Place) -> Self {
        let desk = place.scene().dir().join("desk");
        let dir = desk.join("papers");
        // of an earlier run
        let _ = fs::remove_dir_all(&desk);
        fs::create_dir_all(&dir).unwrap();
        fs::write(desk.join("sudo"), format!("{PASSWORD}\n")).unwrap();
        sealift(&["key", "generate", "--no-password", "--output", desk.join("plant").to_str().unwrap()])
            .expect(0);
        Self { dir }
    }

    fn password(&self) -> PathBuf {
        self.dir.with_file_name("sudo")
    }

    fn install(&self, place: &Place) -> Ran {
        let path = |name: &str| self.dir.join(name).to_str().unwrap().to_owned();
        let (key, password) = (self.dir.with_file_name("plant.sec"), self.password());
        let words = [
            "--json",
            "--sudo-password-file",
            password.to_str().unwrap(),
            "--report",
            &path("report.html"),
            "--receipt",
            &path("receipt.json"),
            "--receipt-key",
            key.to_str().unwrap(),
        ];
        place.verb_with("install", &words)
    }
}

/// Ends the watch, also of a test that has failed.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// What could be seen while it ran, looking some ten times a second.
#[derive(Default)]
struct Seen {
    /// Command lines and environments of all processes, each once.
    words: BTreeSet<String>,
    /// Tokens of joins, from the file that kubeadm reads while it joins.
    tokens: BTreeSet<String>,
}

fn watch(place: &Place, over: &AtomicBool) -> Seen {
    let join = place.node("w1").disk().join("var/lib/sealift/kubeadm/join.yaml");
    let mut seen = Seen::default();
    while !over.load(Ordering::SeqCst) {
        for process in fs::read_dir("/proc").unwrap().flatten() {
            for file in ["cmdline", "environ"] {
                let words = fs::read(process.path().join(file)).unwrap_or_default();
                seen.words.insert(String::from_utf8_lossy(&words).into_owned());
            }
        }
        let config = fs::read_to_string(&join).unwrap_or_default();
        let token = config.lines().find_map(|line| line.trim().strip_prefix("tlsBootstrapToken: "));
        seen.tokens.extend(token.map(|token| token.trim_matches('"').to_owned()));
        std::thread::sleep(Duration::from_millis(50));
    }
    seen
}

/// What is looked for, and its name.
struct Secrets(Vec<(String, String)>);

impl Secrets {
    fn of(place: &Place, tokens: BTreeSet<String>) -> Self {
        let mut all = vec![("the sudo password".to_owned(), PASSWORD.to_owned())];
        all.extend(tokens.into_iter().map(|token| ("a join token".to_owned(), token)));
        all.push(("the operator's key".to_owned(), seed(&place.scene().dir().join("ssh/id_ed25519"))));
        let pki = place.node("cp1").disk().join("etc/kubernetes/pki");
        for path in files(&pki).into_iter().filter(|path| path.extension().is_some_and(|is| is == "key")) {
            all.push((path.strip_prefix(&pki).unwrap().display().to_string(), piece(&path)));
        }
        let admin = place.node("cp1").disk().join("etc/kubernetes/admin.conf");
        let text = fs::read_to_string(admin).unwrap();
        let (_, key) = text.split_once("client-key-data: ").unwrap();
        all.push(("the administrator's key".to_owned(), key[PIECE..3 * PIECE].to_owned()));
        Self(all)
    }

    fn names(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).collect()
    }

    fn found_in(&self, text: &str) -> Vec<&str> {
        self.0.iter().filter(|(_, secret)| text.contains(secret)).map(|(name, _)| name.as_str()).collect()
    }

    #[track_caller]
    fn are_not_in(&self, place: &str, text: &str) {
        let found = self.found_in(text);
        assert!(found.is_empty(), "{place}: {found:?}");
    }

    /// On a node's disk, in its journal and in what systemd was told.
    fn are_only_where_they_belong(&self, place: &Place, name: &str) {
        let node = place.node(name);
        let journal = node.exec(&["journalctl", "--no-pager", "-q"]).unwrap();
        self.are_not_in(&format!("the journal of {name}"), &journal);
        let all = "find /run /tmp /var/tmp -xdev -type f -size -1024k -exec cat {} + 2> /dev/null; true";
        let said = Ran::of(&mut node.command(&["sh", "-c", all]).unwrap()).stdout;
        self.are_not_in(&format!("/run or /tmp on {name}"), &said);
        assert_eq!(self.strays(&node.disk()), Vec::<String>::new(), "on {name}");
        let planted = node.disk().join("var/log/planted");
        fs::write(&planted, format!("it says {PASSWORD}\n")).unwrap();
        assert_eq!(self.strays(&node.disk()), ["/var/log/planted"], "on {name}");
        fs::remove_file(planted).unwrap();
    }

    /// Files with a secret in them where none belongs.
    fn strays(&self, disk: &Path) -> Vec<String> {
        let (mut found, mut read, mut rightly) = (vec![], 0, 0);
        for path in WRITTEN.iter().flat_map(|folder| files(&disk.join(folder))) {
            let (inside, text) = (path.strip_prefix(disk).unwrap().display().to_string(), text(&path));
            read += 1;
            if inside.starts_with(RIGHTLY) {
                rightly += 1;
            } else if !self.found_in(&text).is_empty() {
                found.push(format!("/{inside}"));
            }
        }
        assert!(read > 100 && rightly > 0, "only {read} files, {rightly} of them for secrets");
        found
    }
}

/// A part of an ed25519 key's seed. Its file is base64 of what PROTOCOL.key of OpenSSH says: the seed is bytes 161 to 192.
fn seed(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    text[216..216 + PIECE].to_owned()
}

/// A part of a PEM file's last whole line, far from where keys of one kind begin alike.
fn piece(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<&str> =
        text.lines().filter(|line| !line.starts_with("-----") && line.len() >= PIECE).collect();
    lines.last().unwrap_or_else(|| panic!("{} has no line of a key", path.display()))[..PIECE].to_owned()
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

/// Regular files below a folder; a link is not followed.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files(&entry.path()));
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found
}
