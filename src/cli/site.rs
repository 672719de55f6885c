//! The options that every verb which touches a site takes.

use std::path::PathBuf;

use clap::Args;

/// Which site, with what, trusted by whom.
#[derive(Debug, Args)]
pub(crate) struct SiteArgs {
    /// The cluster file: the site as it should be
    #[arg(short, long, value_name = "FILE", default_value = "cluster.yaml")]
    pub(crate) cluster: PathBuf,

    /// The bundle directory, NAME-VERSION.sealift
    #[arg(long, value_name = "DIR")]
    pub(crate) bundle: PathBuf,

    /// A public key whose signature is trusted (repeatable)
    #[arg(long, value_name = "KEY.pub", required = true)]
    pub(crate) trust: Vec<PathBuf>,

    /// A partial cluster file merged under the cluster file, e.g. for a kind of machine
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,

    /// Where the journals and locks of each cluster are kept
    #[arg(long, value_name = "DIR", default_value = ".sealift")]
    pub(crate) state: PathBuf,
}
