//! Room on file systems, by statvfs(3).

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::dir::Dir;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use super::LocalHost;
use crate::error::Context as _;
use crate::{Answer, HostError, Room};

impl LocalHost {
    pub(super) fn rooms(&self, paths: &[String]) -> Result<Answer, HostError> {
        let rooms: Result<Vec<Room>, HostError> = paths.iter().map(|path| self.room(path)).collect();
        Ok(Answer::Rooms(rooms?))
    }

    fn room(&self, path: &str) -> Result<Room, HostError> {
        let place = self.root.checked(&self.name, path)?;
        let what = || format!("asking how much room there is for {path}");
        let at = place.ancestors().find(|place| place.is_dir()).unwrap_or(Path::new("/"));
        let stat = nix::sys::statvfs::statvfs(at).on(&self.name, what)?;
        let device = std::fs::metadata(at).on(&self.name, what)?.dev();
        let shown = match self.root.dir() {
            Some(root) => Path::new("/").join(at.strip_prefix(root).unwrap_or(Path::new(""))),
            None => at.to_owned(),
        };
        Ok(Room {
            path: path.to_owned(),
            at: shown.to_string_lossy().into_owned(),
            device,
            size: stat.blocks().saturating_mul(stat.fragment_size()),
            free: stat.blocks_available().saturating_mul(stat.fragment_size()),
            inodes: stat.files(),
            inodes_free: stat.files_available(),
            types: types(at).on(&self.name, what)?,
        })
    }
}

/// Whether readdir(3) tells what `..` is; every folder has that name.
fn types(at: &Path) -> nix::Result<bool> {
    let mut dir = Dir::open(at, OFlag::O_RDONLY | OFlag::O_DIRECTORY, Mode::empty())?;
    let mut told = false;
    for entry in dir.iter() {
        told |= entry?.file_type().is_some();
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use crate::{LocalHost, Probe};

    #[tokio::test]
    async fn tells_room_for_what_is_not_there_yet() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("var/lib")).unwrap();
        let host = LocalHost::rooted("cp1", dir.path());
        let paths = vec!["/var/lib/etcd/member".to_owned(), "/var/lib".to_owned()];
        let rooms = Probe::new(&host).rooms(paths).await.unwrap();
        assert_eq!((rooms[0].at.as_str(), rooms[0].device), ("/var/lib", rooms[1].device));
        assert!(rooms[0].size > rooms[0].free && rooms[0].free > 0 && rooms[0].types, "{rooms:?}");
    }
}
