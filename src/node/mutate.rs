//! The handle that can change things, given to `apply` alone.

use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;

use sealift_stream::Digest;

use crate::{
    Action, Answer, BlobReader, BlobTarget, Came, Command, Giver, Host, HostError, Output, Probe, RelayKey,
    Secretless, Trial,
};

/// Typed changes to one node; everything a [`Probe`] can ask, too.
#[derive(Debug, Clone, Copy)]
pub struct Mutate<'a> {
    probe: Probe<'a>,
}

impl<'a> Deref for Mutate<'a> {
    type Target = Probe<'a>;

    fn deref(&self) -> &Probe<'a> {
        &self.probe
    }
}

impl<'a> Mutate<'a> {
    /// Hands on a node.
    pub fn new(host: &'a dyn Host) -> Self {
        Self { probe: Probe::new(host) }
    }

    /// Writes a file whole (temporary file, fsync, rename) as `root:root` with these permission bits;
    /// makes missing parents 0755.
    pub async fn write_file(
        &self,
        path: &str,
        content: impl Into<Vec<u8>>,
        mode: u32,
    ) -> Result<(), HostError> {
        let content = Secretless(content.into());
        self.done("write-file", Action::WriteFile { path: path.to_owned(), content, mode }).await
    }

    /// Sets permission bits and `root:root` of a file or directory; its content stays.
    pub async fn set_mode(&self, path: &str, mode: u32) -> Result<(), HostError> {
        self.done("set-mode", Action::SetMode { path: path.to_owned(), mode }).await
    }

    /// Renames a file so that programs that read its whole folder pass it over; absent is fine.
    pub async fn set_aside(&self, path: &str) -> Result<(), HostError> {
        self.done("set-aside", Action::SetAside { path: path.to_owned() }).await
    }

    /// Makes a directory and its missing parents; sets the mode of the last.
    pub async fn make_dir(&self, path: &str, mode: u32) -> Result<(), HostError> {
        self.done("make-dir", Action::MakeDir { path: path.to_owned(), mode }).await
    }

    /// Removes a file, link or whole tree; absent is fine. Mounts below are unmounted first.
    pub async fn remove(&self, path: &str) -> Result<(), HostError> {
        self.done("remove", Action::Remove { path: path.to_owned() }).await
    }

    /// Makes a symbolic link at `path`, replacing what is there.
    pub async fn symlink(&self, path: &str, target: &str) -> Result<(), HostError> {
        self.done("symlink", Action::Symlink { path: path.to_owned(), target: target.to_owned() }).await
    }

    /// Runs a short program to its end. A status other than 0 is not an error here.
    pub async fn run(&self, command: Command) -> Result<Output, HostError> {
        match self.host().act(Action::Run(command)).await? {
            Answer::Output(output) => Ok(output),
            other => Err(self.surprise("run", &other)),
        }
    }

    /// Runs a long program as a unit of its own that outlives helper and link, and waits for its end;
    /// attaches to a job of this name that is still running, whatever its command.
    pub async fn job(&self, name: &str, command: Command) -> Result<Output, HostError> {
        match self.host().act(Action::Job { name: name.to_owned(), command }).await? {
            Answer::Output(output) => Ok(output),
            other => Err(self.surprise("job", &other)),
        }
    }

    /// Copies a kept blob to `path` with these permission bits (temporary file, fsync, rename).
    pub async fn install_blob(&self, digest: Digest, path: &str, mode: u32) -> Result<(), HostError> {
        self.done("install-blob", Action::InstallBlob { digest, path: path.to_owned(), mode }).await
    }

    /// Unpacks named entries (archive path, file name) of a kept tar archive below `dir`, mode 0755.
    pub async fn extract_blob(
        &self,
        digest: Digest,
        dir: &str,
        entries: Vec<(String, String)>,
    ) -> Result<(), HostError> {
        self.done("extract-blob", Action::ExtractBlob { digest, dir: dir.to_owned(), entries }).await
    }

    /// Drops kept blobs; absent is fine.
    pub async fn drop_blobs(&self, digests: Vec<Digest>) -> Result<(), HostError> {
        self.done("drop-blobs", Action::DropBlobs { digests }).await
    }

    /// Creates, unpacks and pins an image whose blobs are in containerd's content store already.
    /// `platform` is OCI's `os/arch[/variant]`.
    pub async fn import_image(
        &self,
        name: &str,
        target: Digest,
        media_type: &str,
        size: u64,
        platform: &str,
    ) -> Result<(), HostError> {
        let (name, media_type, platform) = (name.to_owned(), media_type.to_owned(), platform.to_owned());
        self.done("import-image", Action::ImportImage { name, target, media_type, size, platform }).await
    }

    /// Deletes images by name; absent is fine.
    pub async fn remove_images(&self, names: Vec<String>) -> Result<(), HostError> {
        self.done("remove-images", Action::RemoveImages { names }).await
    }

    /// Has another network tried, with a timer that undoes it; says the trial's id. It is not yet tried when this returns.
    pub async fn try_network(&self, trial: Trial) -> Result<String, HostError> {
        match self.host().act(Action::TryNetwork(trial)).await? {
            Answer::Text(id) => Ok(id),
            other => Err(self.surprise("try-network", &other)),
        }
    }

    /// Makes the network last that is being tried under this id.
    pub async fn keep_network(&self, id: &str) -> Result<(), HostError> {
        self.done("keep-network", Action::KeepNetwork { id: id.to_owned() }).await
    }

    /// Undoes the network that is being tried; nothing to undo is fine.
    pub async fn undo_network(&self) -> Result<(), HostError> {
        self.done("undo-network", Action::UndoNetwork).await
    }

    /// Reaches the node anew; see [`Host::reach_anew`].
    pub async fn reach_anew(&self) -> Result<(), HostError> {
        self.host().reach_anew().await
    }

    /// How many bytes of this blob the node has already; see [`Host::blob_offset`].
    pub async fn blob_offset(&self, target: BlobTarget) -> Result<u64, HostError> {
        self.host().blob_offset(target).await
    }

    /// Sends a blob from `offset` on; see [`Host::put_blob`].
    pub async fn put_blob(
        &self,
        target: BlobTarget,
        offset: u64,
        content: BlobReader,
    ) -> Result<(), HostError> {
        self.host().put_blob(target, offset, content).await
    }

    /// Has the node give blobs to others; see [`Host::give_blobs`].
    pub async fn give_blobs(&self, address: IpAddr, key: RelayKey) -> Result<SocketAddr, HostError> {
        self.host().give_blobs(address, key).await
    }

    /// Has the node take a blob from another one; see [`Host::fetch_blob`].
    pub async fn fetch_blob(&self, target: BlobTarget, giver: Giver, came: Came) -> Result<bool, HostError> {
        self.host().fetch_blob(target, giver, came).await
    }

    async fn done(&self, asked: &str, action: Action) -> Result<(), HostError> {
        match self.host().act(action).await? {
            Answer::Done => Ok(()),
            other => Err(self.surprise(asked, &other)),
        }
    }
}
