//! How long a disk takes to keep a small write, as etcd's log asks of it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;

use crate::error::Context as _;
use crate::{HostError, LocalHost, Measured, Timing};

/// Bytes of one write: what etcd's documentation lets fio write to compare disks.
const WRITE: usize = 2300;
/// Writes at most, 22 MiB of them in all there.
const WRITES: u32 = 2000;
/// A slow disk is known after this long.
const LONGEST: Duration = Duration::from_secs(5);
/// Where the folder itself is not there: on the same disk, as etcd's would be made beside it.
const BESIDE: &str = crate::paths::STATE;

impl LocalHost {
    pub(super) fn sync(&self, dir: &str) -> Result<Measured, HostError> {
        let what = || format!("measuring fdatasync in {dir}");
        let place = [dir, BESIDE].into_iter().map(|dir| self.root.checked(&self.name, dir));
        let place = place.collect::<Result<Vec<_>, _>>()?.into_iter().find(|place| place.is_dir());
        let place = place.ok_or("neither it nor the helper's folder is there").on(&self.name, what)?;
        Ok(Measured::Sync(timing(nameless(&place).on(&self.name, what)?).on(&self.name, what)?))
    }
}

/// A file in no folder: the kernel forgets it when it is closed, whatever happens to us or to the node. Where a file
/// system cannot do that, one whose name is taken away at once.
fn nameless(dir: &Path) -> io::Result<File> {
    let flag = OFlag::O_TMPFILE.bits();
    match OpenOptions::new().write(true).mode(0o600).custom_flags(flag).open(dir) {
        Err(error) if error.raw_os_error() == Some(nix::errno::Errno::EOPNOTSUPP as i32) => {
            let path = dir.join(".sealift-measure");
            let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
            fs::remove_file(path)?;
            Ok(file)
        }
        other => other,
    }
}

fn timing(mut file: File) -> io::Result<Timing> {
    let bytes = [0x5a; WRITE];
    let (began, mut took) = (Instant::now(), vec![]);
    while took.len() < WRITES as usize && began.elapsed() < LONGEST {
        file.write_all(&bytes)?;
        let now = Instant::now();
        file.sync_data()?;
        took.push(u64::try_from(now.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    took.sort_unstable();
    let at = |part: usize| took.get((took.len() * part / 100).min(took.len() - 1)).copied().unwrap_or(0);
    Ok(Timing {
        count: u32::try_from(took.len()).unwrap_or(u32::MAX),
        p50: at(50),
        p99: at(99),
        longest: took.last().copied().unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use crate::{Gauge, LocalHost};

    #[tokio::test]
    async fn measures_and_leaves_nothing() {
        let dir = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let host = LocalHost::rooted("cp1", dir.path());
        assert!(Gauge::new(&host).sync("/var/lib/etcd").await.is_err(), "no folder to write in");
        std::fs::create_dir_all(dir.path().join("var/lib/etcd")).unwrap();
        let timing = Gauge::new(&host).sync("/var/lib/etcd").await.unwrap();
        assert!(timing.count > 5 && timing.p50 <= timing.p99 && timing.p99 <= timing.longest, "{timing:?}");
        assert_eq!(std::fs::read_dir(dir.path().join("var/lib/etcd")).unwrap().count(), 0);
    }
}
