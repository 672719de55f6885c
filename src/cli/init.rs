//! Arguments of `sealift init`.

use std::path::PathBuf;

use clap::Args;

/// Where the commented cluster file goes, and what is known already.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sealift init --name plant-7\n  sealift init --interactive --output sites/plant-7.yaml\n  \
                  sealift init --name plant-7 \\\n    --control-plane 10.77.0.11 --worker gpu1=10.77.0.21\n\n\
                  An existing file is never overwritten."
)]
pub(crate) struct InitArgs {
    /// The file to write
    #[arg(short, long, value_name = "FILE", default_value = "cluster.yaml", value_hint = clap::ValueHint::FilePath)]
    pub(crate) output: PathBuf,

    /// Ask for what is not given; each answer is checked at once
    #[arg(short, long)]
    pub(crate) interactive: bool,

    /// The site's name: a-z, 0-9 and - [default: site]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// The control plane's address, and its name [default name: cp1]
    #[arg(long, value_name = "[NAME=]ADDRESS")]
    pub(crate) control_plane: Option<String>,

    /// A worker's address, and its name [default name: w1, w2, ...] (repeatable)
    #[arg(long, value_name = "[NAME=]ADDRESS")]
    pub(crate) worker: Vec<String>,

    /// Who logs in: root, or one that may sudo [default: root]
    #[arg(long, value_name = "USER")]
    pub(crate) user: Option<String>,

    /// The private key to log in with [default: `~/.ssh/id_ed25519`]
    #[arg(long, value_name = "FILE")]
    pub(crate) identity_file: Option<String>,

    /// Free addresses of the nodes' network, for services
    #[arg(long, value_name = "FIRST-LAST")]
    pub(crate) pool: Option<String>,
}
