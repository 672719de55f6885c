//! Arguments of `sealift preflight`.

use std::path::PathBuf;

use clap::Args;

use super::ClusterArgs;

/// Which site, with which bundle, which checks.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    sealift preflight -c cluster.yaml\n  \
    sealift preflight --bundle core-1.36.4-1.sealift --trust plant.pub\n  \
    sealift preflight --html preflight.html --skip etcd-sync\n  \
    sealift preflight --only ports-tcp --only ports-udp\n\n\
    Ends with 5 when there is a finding that install refuses, with 1 when such a\n\
    check could not be made, with 0 when there are warnings or nothing at all.")]
pub(crate) struct PreflightArgs {
    #[command(flatten)]
    pub(crate) at: ClusterArgs,

    /// The bundle that shall be installed: is there room for it, is it for these servers?
    #[arg(long, value_name = "DIR", requires = "trust", help_heading = "Bundle", value_hint = clap::ValueHint::DirPath)]
    pub(crate) bundle: Option<PathBuf>,

    /// A public key whose signature is trusted (repeatable)
    #[arg(long, value_name = "KEY.pub", requires = "bundle", help_heading = "Bundle", value_hint = clap::ValueHint::FilePath)]
    pub(crate) trust: Vec<PathBuf>,

    /// Only this check (repeatable)
    #[arg(long, value_name = "CHECK")]
    pub(crate) only: Vec<String>,

    /// A check whose findings you answer for (repeatable)
    #[arg(long, value_name = "CHECK")]
    pub(crate) skip: Vec<String>,

    /// Only what can be read: no measurements of disks and between nodes
    #[arg(long)]
    pub(crate) quick: bool,

    /// Write the same as one HTML page
    #[arg(long, value_name = "FILE.html", value_hint = clap::ValueHint::FilePath)]
    pub(crate) html: Option<PathBuf>,
}
