//! Arguments of `sealift man`.

use std::path::PathBuf;

use clap::Args;

/// Where the manual goes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sealift man --output /usr/local/share/man/man1 && man sealift-install\n  \
    sealift man --output man && man -l man/sealift.1"
)]
pub(crate) struct ManArgs {
    /// The folder for sealift.1, sealift-install.1 and so on; made when it is not there
    #[arg(short, long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) output: PathBuf,
}
