//! Arguments of the two hidden commands by which sealift talks to itself on a node.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `sealift helper`.
#[derive(Debug, Args)]
pub(crate) struct HelperArgs {
    /// The socket to listen on
    #[arg(long)]
    pub(crate) socket: PathBuf,
}

/// Arguments of `sealift attach`.
#[derive(Debug, Args)]
pub(crate) struct AttachArgs {
    /// The helper's socket
    #[arg(long)]
    pub(crate) socket: PathBuf,
}
