//! The bundle's own helm and kubeadm, at work on the packing machine.

use std::path::{Path, PathBuf};

use sealift_bundle::{ItemKind, Lock, LockedBlob};

use super::{WorldError, blob_of};
use crate::Fetcher;
use crate::local::extract;

/// The recipe's name for it.
pub(super) const HELM: &str = "helm";
/// The recipe's name for it.
pub(super) const KUBEADM: &str = "kubeadm";

/// Where helm's release archive has the program; programs run on the machine that packs.
const HELM_ENTRY: &str = "linux-amd64/helm";

/// helm 4 has some 60 MB.
const PROGRAM_LIMIT: u64 = 512 << 20;

/// What the programs are made from.
pub(super) struct Tools<'a> {
    pub(super) lock: &'a Lock,
    pub(super) fetcher: &'a Fetcher,
    pub(super) scratch: &'a Path,
}

impl Tools<'_> {
    /// A blob as a file in the scratch folder, checked.
    pub(super) async fn file(&self, blob: &LockedBlob, name: &str) -> Result<PathBuf, WorldError> {
        let path = self.scratch.join(name);
        let fetched = self.fetcher.download(blob, &path).await;
        fetched.map_err(|source| WorldError::Fetch { what: name.to_owned(), source })?;
        Ok(path)
    }

    /// The helm program, out of its archive.
    pub(super) async fn helm(&self) -> Result<PathBuf, WorldError> {
        let archive = self.tool(HELM, "helm.tar.gz").await?;
        let program = self.scratch.join(HELM);
        let target = program.clone();
        let extracted =
            tokio::task::spawn_blocking(move || extract(&archive, HELM_ENTRY, &target, PROGRAM_LIMIT)).await;
        match extracted.map_err(std::io::Error::other).flatten() {
            Ok(()) => Ok(program),
            Err(source) => Err(WorldError::Read { path: program, source }),
        }
    }

    /// A program that is a file of its own.
    pub(super) async fn program(&self, name: &'static str) -> Result<PathBuf, WorldError> {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.tool(name, name).await?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700))
            .map_err(|source| WorldError::Read { path: path.clone(), source })?;
        Ok(path)
    }

    async fn tool(&self, name: &'static str, file: &str) -> Result<PathBuf, WorldError> {
        let item = self.lock.item(ItemKind::File, name).ok_or(WorldError::NoTool { name })?;
        self.file(&blob_of(self.lock, item)?, file).await
    }
}
