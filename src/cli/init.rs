//! Arguments of `sealift init`.

use std::path::PathBuf;

use clap::Args;

/// Where the commented cluster file goes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sealift init --name plant-7\n  sealift init --output sites/plant-7.yaml --name plant-7\n\n\
                        An existing file is never overwritten."
)]
pub(crate) struct InitArgs {
    /// The file to write
    #[arg(short, long, value_name = "FILE", default_value = "cluster.yaml", value_hint = clap::ValueHint::FilePath)]
    pub(crate) output: PathBuf,

    /// The site's name: a-z, 0-9 and -
    #[arg(long, value_name = "NAME", default_value = "site")]
    pub(crate) name: String,
}
