//! The closed set of what can be asked of a node and done on it. Data, so that a helper can be asked
//! over a wire and a planning helper can refuse every `Action` without knowing it.

use std::net::Ipv4Addr;

use sealift_stream::Digest;
use serde::{Deserialize, Serialize};

use crate::{Measured, Room, Sight, Trial, TrialRecord};

/// A question; none of them changes anything on the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a variant's text tells its fields")]
pub enum Query {
    /// Operating system, kernel, addresses, memory, boot id: [`Answer::Facts`].
    Facts,
    /// A file's bytes, up to `limit`: [`Answer::Bytes`], or [`Answer::Missing`].
    ReadFile { path: String, limit: u64 },
    /// Type, mode, owner, size: [`Answer::Stat`], or [`Answer::Missing`]. Links are not followed.
    Stat { path: String },
    /// Names in a directory, sorted: [`Answer::Names`], or [`Answer::Missing`].
    ListDir { path: String },
    /// SHA-256 of a file: [`Answer::Digest`], or [`Answer::Missing`].
    HashFile { path: String },
    /// A symbolic link's target: [`Answer::Text`], or [`Answer::Missing`].
    ReadLink { path: String },
    /// systemd's view of a unit, `systemctl show`: [`Answer::Unit`].
    Unit { name: String },
    /// A job started by [`Action::Job`]: [`Answer::Job`], or [`Answer::Missing`].
    Job { name: String },
    /// The same, but not before the job has ended: [`Answer::Job`], or [`Answer::Missing`].
    JobEnd { name: String },
    /// Images in containerd's `k8s.io` namespace: [`Answer::Images`]; [`Answer::Missing`] when containerd does not answer.
    Images,
    /// Whether a TCP address accepts a connection, as the node sees it: [`Answer::Bool`].
    Reachable { address: String },
    /// Who has these IPv4 addresses, asked on one interface by ARP probes (RFC 5227): [`Answer::Holders`]. It takes
    /// four seconds. A probe has no sender's address, so that nobody's memory of addresses changes.
    Holders { interface: String, addresses: Vec<Ipv4Addr> },
    /// The network that is being tried: [`Answer::Trial`], or [`Answer::Missing`].
    Trial,
    /// Many files and folders at once, each file up to `limit` bytes; links are followed. One component of a path
    /// may be `*`, which stands for every name there: [`Answer::Sights`], in the order of the paths.
    Look { paths: Vec<String>, limit: u64 },
    /// The lines of a text that hold one of these words, for files too long to be sent: [`Answer::Text`], or
    /// [`Answer::Missing`].
    Lines { path: String, words: Vec<String> },
    /// Room on the file systems that these paths are on, or would be: [`Answer::Rooms`], in that order.
    Rooms { paths: Vec<String> },
    /// The packet filter's chains, as `nft -j list chains` or else `iptables-save` tells them: [`Answer::Output`],
    /// or [`Answer::Missing`] where neither is installed.
    PacketFilter,
    /// Milliseconds since the epoch, at this moment: [`Answer::Clock`].
    Clock,
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a variant's text tells its fields")]
pub enum Action {
    /// Writes a file whole (temporary file, fsync, rename), with mode and `root:root`; makes missing parents 0755.
    WriteFile { path: String, content: Secretless, mode: u32 },
    /// Sets permission bits and `root:root` of a file or directory that is there; its content stays. A link is refused.
    SetMode { path: String, mode: u32 },
    /// Renames a file to `.NAME.set-aside` beside it (`.2`, `.3`, ... where that is taken): programs that read a whole
    /// folder pass it over, and nothing is lost. Absent is fine.
    SetAside { path: String },
    /// Makes a directory and its missing parents; sets the mode of the last.
    MakeDir { path: String, mode: u32 },
    /// Removes a file, link or whole tree; absent is fine. Mounts below a tree are unmounted first.
    Remove { path: String },
    /// Makes a symbolic link, replacing what is there.
    Symlink { path: String, target: String },
    /// Runs a program to its end, for short work: [`Answer::Output`].
    Run(Command),
    /// Runs a program as a transient unit of its own that outlives the helper and the link; waits for
    /// its end. A second `Job` of the same name attaches to the running one: [`Answer::Output`].
    Job { name: String, command: Command },
    /// Copies a blob kept by [`BlobTarget::File`] to `path` (temporary file, fsync, rename) with `mode`.
    InstallBlob { digest: Digest, path: String, mode: u32 },
    /// Unpacks a kept `.tar.gz`/`.tgz`/`.tar` blob below `dir`: only the entries named in `entries`
    /// (archive path -> file name; refused when one is missing), mode 0755 for files.
    ExtractBlob { digest: Digest, dir: String, entries: Vec<(String, String)> },
    /// Drops kept blobs: they have been installed.
    DropBlobs { digests: Vec<Digest> },
    /// Creates an image from blobs already in containerd's content store, unpacks it, pins it
    /// (`io.cri-containerd.pinned=pinned`) and gives it every label needed so that nothing is collected.
    ImportImage { name: String, target: Digest, media_type: String, size: u64, platform: String },
    /// Deletes images by name; absent is fine.
    RemoveImages { names: Vec<String> },
    /// Sets a timer that undoes it, then tries another network, in the background: the answer, the trial's id as
    /// [`Answer::Text`], must go out before. One that is being tried is taken over.
    TryNetwork(Trial),
    /// Undoes the network that is being tried, before its time is up; nothing to undo is fine.
    UndoNetwork,
    /// Makes the network last that is being tried under this id, and stops the timer.
    KeepNetwork { id: String },
}

/// Bytes that may be logged by size only. Its `Debug` prints no content.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secretless(#[serde(with = "crate::wire::base64_bytes")] pub Vec<u8>);

impl std::fmt::Debug for Secretless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// A program to run: an argv array, never a shell line.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Program and arguments; the program is looked up in PATH. Never a secret (law 6).
    pub argv: Vec<String>,
    /// Extra environment; `LC_ALL=C.UTF-8` is always set.
    #[serde(default)]
    pub env: Vec<(String, String)>,
    /// Standard input; may hold a secret, is never logged.
    #[serde(default, with = "crate::wire::base64_bytes")]
    pub stdin: Vec<u8>,
    /// Seconds after which it is ended, with its children.
    pub timeout_s: u64,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Command({:?}, {} bytes of stdin, {} s)", self.argv, self.stdin.len(), self.timeout_s)
    }
}

impl BlobTarget {
    /// The blob's digest.
    pub fn digest(&self) -> Digest {
        match self {
            Self::File { digest, .. } | Self::Content { digest, .. } => *digest,
        }
    }

    /// The blob's size in bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::File { size, .. } | Self::Content { size, .. } => *size,
        }
    }
}

impl Command {
    /// A program with arguments, no input, 60 seconds.
    pub fn new<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Self {
        Self { argv: argv.into_iter().map(Into::into).collect(), env: vec![], stdin: vec![], timeout_s: 60 }
    }

    /// The program's name; empty when there is no argv at all.
    pub fn program(&self) -> &str {
        self.argv.first().map_or("", String::as_str)
    }

    /// Sets the time-out in seconds.
    #[must_use]
    pub fn timeout(mut self, seconds: u64) -> Self {
        self.timeout_s = seconds;
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.env.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Gives standard input.
    #[must_use]
    pub fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.stdin = bytes;
        self
    }
}

/// Where a blob goes on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a variant's text tells its fields")]
pub enum BlobTarget {
    /// `/var/lib/sealift/blobs/sha256/<hex>` (as `.part` until its digest has matched).
    File { digest: Digest, size: u64 },
    /// containerd's content store, namespace `k8s.io`, held by sealift's lease until an image refers to it.
    Content { digest: Digest, size: u64 },
}

/// The answer to a [`Query`] or [`Action`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Done; nothing more to tell.
    Done,
    /// What was asked about is not there.
    Missing,
    /// Yes or no.
    Bool(bool),
    /// A file's bytes.
    Bytes(Secretless),
    /// A text.
    Text(String),
    /// Sorted names.
    Names(Vec<String>),
    /// A digest.
    Digest(Digest),
    /// What a path is.
    Stat(Stat),
    /// The node's facts.
    Facts(Box<crate::Facts>),
    /// A systemd unit.
    Unit(UnitState),
    /// A job.
    Job(JobState),
    /// How a program ended.
    Output(Output),
    /// Images in containerd.
    Images(Vec<ImageState>),
    /// Who has an address.
    Holders(Vec<Holder>),
    /// The network that is being tried.
    Trial(Box<TrialRecord>),
    /// What is at paths.
    Sights(Vec<(String, Sight)>),
    /// Room on file systems.
    Rooms(Vec<Room>),
    /// Milliseconds since the epoch.
    Clock(u64),
    /// What was measured.
    Measured(Measured),
}

impl Answer {
    /// Its kind in one word, for messages: never its content.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Missing => "missing",
            Self::Bool(_) => "bool",
            Self::Bytes(_) => "bytes",
            Self::Text(_) => "text",
            Self::Names(_) => "names",
            Self::Digest(_) => "digest",
            Self::Stat(_) => "stat",
            Self::Facts(_) => "facts",
            Self::Unit(_) => "unit",
            Self::Job(_) => "job",
            Self::Output(_) => "output",
            Self::Images(_) => "images",
            Self::Holders(_) => "holders",
            Self::Trial(_) => "trial",
            Self::Sights(_) => "sights",
            Self::Rooms(_) => "rooms",
            Self::Clock(_) => "clock",
            Self::Measured(_) => "measured",
        }
    }
}

/// What a path is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stat {
    /// `file`, `dir`, `link` or `other`.
    pub kind: PathKind,
    /// Permission bits, e.g. 0o644.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes.
    pub size: u64,
    /// When its content was written last, in milliseconds since the epoch (`st_mtime`).
    pub written_ms: u64,
}

/// Type of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PathKind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Link,
    /// A device, socket or pipe.
    Other,
}

/// systemd's view of a unit (`systemctl show`, systemd.unit(5)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitState {
    /// `LoadState`: loaded, not-found, masked...
    pub load: String,
    /// `ActiveState`: active, inactive, failed, activating...
    pub active: String,
    /// `UnitFileState`: enabled, disabled, static...; empty when there is no file.
    pub enabled: String,
    /// `NeedDaemonReload`.
    pub needs_reload: bool,
    /// `InvocationID`: another one after every start; empty when it was never started.
    pub invocation: String,
    /// `ExecMainStartTimestamp` in milliseconds since the epoch, 0 when never.
    pub started_ms: u64,
}

/// A job: a program in a transient unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// Still running.
    Running,
    /// Ended by itself.
    Ended(Output),
    /// Its unit is gone and it left no exit status: the node went down under it.
    Lost,
}

/// How a program ended. Outputs are cut to the last 64 KiB.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Exit status; 128 + signal when it was killed.
    pub status: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Output(status {}, {} + {} bytes)", self.status, self.stdout.len(), self.stderr.len())
    }
}

/// Somebody who answers for an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The address.
    pub address: Ipv4Addr,
    /// The MAC address of the interface that has it.
    pub mac: String,
}

/// An image as containerd has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageState {
    /// Full name, e.g. `registry.k8s.io/pause:3.10.2`.
    pub name: String,
    /// What the name points to: an index or a manifest.
    pub target: Digest,
    /// Whether kubelet's garbage collection leaves it alone.
    pub pinned: bool,
    /// Whether every blob for this platform is there and it is unpacked.
    pub complete: bool,
}
