//! The options that every verb which touches a site takes.

use std::path::PathBuf;

use clap::Args;

use super::LoginArgs;

/// Heading of the options about a bundle.
const BUNDLE: &str = "Bundle";

/// Which site, and where its journals are.
#[derive(Debug, Args)]
#[command(next_help_heading = "Site")]
pub(crate) struct ClusterArgs {
    /// The cluster file: the site as it should be
    #[arg(short, long, value_name = "FILE", default_value = "cluster.yaml", value_hint = clap::ValueHint::FilePath)]
    pub(crate) cluster: PathBuf,

    /// A partial cluster file merged under the cluster file, e.g. for a kind of machine
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) profile: Option<PathBuf>,

    /// Where the journals and locks of each cluster are kept
    #[arg(long, value_name = "DIR", default_value = ".sealift", value_hint = clap::ValueHint::DirPath)]
    pub(crate) state: PathBuf,

    #[command(flatten)]
    pub(crate) logins: LoginArgs,
}

/// Which site, with what, trusted by whom.
#[derive(Debug, Args)]
pub(crate) struct SiteArgs {
    #[command(flatten)]
    pub(crate) at: ClusterArgs,

    /// The bundle directory, NAME-VERSION.sealift
    #[arg(long, value_name = "DIR", help_heading = BUNDLE, value_hint = clap::ValueHint::DirPath)]
    pub(crate) bundle: PathBuf,

    /// A public key whose signature is trusted (repeatable)
    #[arg(
        long,
        value_name = "KEY.pub",
        required = true,
        help_heading = BUNDLE,
        value_hint = clap::ValueHint::FilePath
    )]
    pub(crate) trust: Vec<PathBuf>,

    /// Install this older release on purpose; must be the bundle's sequence number
    #[arg(long, value_name = "SEQUENCE", help_heading = BUNDLE)]
    pub(crate) rollback_to: Option<u64>,
}
