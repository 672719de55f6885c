//! What is being done, in words: a lower-case gerund that names the object.

use crate::{Action, BlobTarget, Measure, Query};

impl Query {
    /// E.g. `reading /etc/hosts`.
    pub fn what(&self) -> String {
        match self {
            Self::Facts => "reading facts".to_owned(),
            Self::ReadFile { path, .. } => format!("reading {path}"),
            Self::Stat { path } => format!("looking at {path}"),
            Self::ListDir { path } => format!("listing {path}"),
            Self::HashFile { path } => format!("hashing {path}"),
            Self::ReadLink { path } => format!("reading link {path}"),
            Self::Unit { name } => format!("asking systemd about {name}"),
            Self::Job { name } => format!("looking at job {name}"),
            Self::JobEnd { name } => format!("waiting for job {name}"),
            Self::Images => "listing containerd's images".to_owned(),
            Self::Reachable { address } => format!("trying {address}"),
            Self::Holders { interface, .. } => format!("asking on {interface} who has an address"),
            Self::Trial => "looking at the network that is tried".to_owned(),
            Self::Look { paths, .. } => format!("looking at {} paths", paths.len()),
            Self::Lines { path, .. } => format!("searching {path}"),
            Self::Rooms { .. } => "asking how much room there is".to_owned(),
            Self::PacketFilter => "reading the packet filter's chains".to_owned(),
            Self::Clock => "reading the clock".to_owned(),
        }
    }
}

impl Action {
    /// E.g. `writing /etc/hosts`. Never content or arguments.
    pub fn what(&self) -> String {
        match self {
            Self::WriteFile { path, .. } => format!("writing {path}"),
            Self::SetMode { path, .. } => format!("setting the mode of {path}"),
            Self::SetAside { path } => format!("setting {path} aside"),
            Self::MakeDir { path, .. } => format!("making directory {path}"),
            Self::Remove { path } => format!("removing {path}"),
            Self::Symlink { path, .. } => format!("linking {path}"),
            Self::Run(command) => format!("running {}", command.program()),
            Self::Job { name, .. } => format!("running job {name}"),
            Self::InstallBlob { path, .. } => format!("installing {path}"),
            Self::ExtractBlob { digest, dir, .. } => format!("unpacking {} into {dir}", digest.short()),
            Self::DropBlobs { .. } => "dropping kept blobs".to_owned(),
            Self::ImportImage { name, .. } => format!("importing image {name}"),
            Self::RemoveImages { .. } => "removing images".to_owned(),
            Self::TryNetwork(_) => "trying another network".to_owned(),
            Self::UndoNetwork => "going back to the old network".to_owned(),
            Self::KeepNetwork { .. } => "keeping the new network".to_owned(),
        }
    }
}

impl BlobTarget {
    /// E.g. `sending blob 0123456789ab`.
    pub fn what(&self) -> String {
        format!("sending blob {}", self.digest().short())
    }
}

impl Measure {
    /// E.g. `measuring fdatasync in /var/lib/etcd`.
    pub fn what(&self) -> String {
        match self {
            Self::Sync { dir } => format!("measuring fdatasync in {dir}"),
            Self::Listen { ports, .. } => format!("listening on {} ports for a moment", ports.len()),
            Self::Reach { address, .. } => format!("trying ports of {address}"),
            Self::Rate { address, .. } => format!("measuring the rate from {address}"),
            Self::Ping { address, .. } => format!("measuring packets to {address}"),
            Self::Arp { addresses } => format!("asking the network about {} addresses", addresses.len()),
        }
    }
}
