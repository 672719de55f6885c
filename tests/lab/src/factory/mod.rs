//! Builds everything the lab needs, once.

/// Options of `lab build`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Keep Go's build and module caches afterwards (several gigabytes)
    #[arg(long)]
    pub keep_go_caches: bool,
}

/// `lab build`.
pub fn run(_args: &Args) -> anyhow::Result<()> {
    anyhow::bail!("lab build is being written")
}
