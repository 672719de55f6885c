//! Arguments of the hidden commands by which sealift talks to itself on a node.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Arguments of `sealift helper`.
#[derive(Debug, Args)]
pub(crate) struct HelperArgs {
    #[command(subcommand)]
    pub(crate) command: HelperCommand,
}

/// What the helper is asked to be.
#[derive(Debug, Subcommand)]
pub(crate) enum HelperCommand {
    /// Make a helper a unit of its own; configuration on standard input
    Start,
    /// Be that unit
    Serve {
        /// Its configuration, mode 0600
        #[arg(long)]
        config: PathBuf,
    },
    /// Go back to the network that was there before the one that is being tried
    UndoNetwork,
}

/// Arguments of `sealift attach`.
#[derive(Debug, Args)]
pub(crate) struct AttachArgs {
    /// The helper's socket
    #[arg(long)]
    pub(crate) socket: PathBuf,
}
