//! A machine's disk as this machine sees it while the other is off: mounted for a moment.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Machine;
use super::image::{SWAP_UUID, make_swap};
use crate::furnish::{By, Server, host_key, write};
use crate::node::listing::{Listing, VOLATILE, list};
use crate::program::{attempt, run};

/// What the kernel mounts as the root, and swap as an installer sets it up.
const FSTAB: &str = "/dev/vda / ext4 errors=remount-ro 0 1\nUUID=SWAP none swap sw 0 0\n";

/// An image that is mounted until the value is dropped. A killed test's mount is below the scene's folder of nodes,
/// where `down` looks.
struct Mounted(PathBuf);

impl Mounted {
    fn at(image: &Path, folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        run(&["mount", "-o", "loop", &image.display().to_string(), &folder.display().to_string()])?;
        Ok(Self(folder))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        attempt(&[Path::new("umount"), &self.0]);
    }
}

impl Machine {
    /// Gives a new machine its disks: a copy of the image, furnished, and swap. Returns its host key.
    pub(super) fn make_disks(&self, operator_key: &str) -> Result<String> {
        fs::create_dir_all(&self.dir).with_context(|| format!("making {}", self.dir.display()))?;
        self.image.copy(&self.disk())?;
        make_swap(&self.swap())?;
        let mounted = self.mounted()?;
        let interface = format!("MACAddress={}", self.mac(0));
        let server = Server {
            name: &self.spec.name,
            octet: self.spec.octet,
            by: By::Networkd(&interface),
            operator_key,
        };
        server.furnish(&mounted.0, &self.shell.net, self.subnet)?;
        write(&mounted.0, "etc/fstab", &FSTAB.replace("SWAP", SWAP_UUID))?;
        host_key(&mounted.0)
    }

    /// Lists the disk without [`VOLATILE`]; only while the machine is off.
    pub fn listing(&self) -> Result<Listing> {
        anyhow::ensure!(!self.is_on(), "machine {} is on: its disk is its own", self.spec.name);
        list(&self.mounted()?.0, &VOLATILE)
    }

    fn mounted(&self) -> Result<Mounted> {
        Mounted::at(&self.disk(), self.dir.join("root"))
    }
}
