//! The disk a machine starts from: a freshly installed Debian 12 with its own kernel, as one ext4 image.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cache::Cache;
use crate::program::{run, run_bound};
use crate::root::Recipe;

/// The distribution's own kernel, modules and initrd; the cloud kernel has no USB, bonds or VLANs.
const KERNEL: &str = "linux-image-amd64";

/// Room for a release's images twice over and then some; what is not written takes no place here.
const SIZE: &str = "12G";

/// Of the swap partition, also what fstab calls it.
pub(super) const SWAP_UUID: &str = "5ea11f70-0000-4000-8000-000000000001";
const SWAP_SIZE: &str = "1G";

/// What a machine boots from.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    entry: PathBuf,
}

impl Image {
    /// The image in the cache; made when it is not there (about two minutes).
    pub(crate) fn ensure(cache: &Cache) -> Result<Self> {
        let (recipe, name) = (Recipe::usual("bookworm").with(KERNEL), "debian12");
        let key = recipe.key().add("size", SIZE).end();
        let build = |part: &Path| {
            let tree = part.join("tree");
            recipe.make(cache, name, &tree)?;
            for (link, file) in [("vmlinuz", "kernel"), ("initrd.img", "initrd")] {
                fs::copy(tree.join(link), part.join(file)).with_context(|| format!("copying {link}"))?;
            }
            let (from, image) = (tree.display().to_string(), part.join("disk.img").display().to_string());
            run_bound(&["mke2fs", "-q", "-t", "ext4", "-d", &from, &image, SIZE])?;
            fs::remove_dir_all(&tree).with_context(|| format!("removing {}", tree.display()))
        };
        let (entry, is_new) = cache.entry("machines", name, &key, build)?;
        if is_new {
            cache.prune("machines", name, &key)?;
        }
        Ok(Self { entry })
    }

    pub(super) fn kernel(&self) -> PathBuf {
        self.entry.join("kernel")
    }

    pub(super) fn initrd(&self) -> PathBuf {
        self.entry.join("initrd")
    }

    /// A machine's own copy of the disk.
    pub(super) fn copy(&self, target: &Path) -> Result<()> {
        let (from, to) = (self.entry.join("disk.img").display().to_string(), target.display().to_string());
        run(&["cp", "--reflink=auto", "--sparse=always", "-T", &from, &to]).map(drop)
    }
}

/// A new swap partition.
pub(super) fn make_swap(target: &Path) -> Result<()> {
    let path = target.display().to_string();
    run(&["truncate", "--size", SWAP_SIZE, &path])?;
    run(&["mkswap", "--quiet", "--uuid", SWAP_UUID, &path]).map(drop)
}
