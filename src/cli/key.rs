//! Arguments of `sealift key`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to do with keys.
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    pub(crate) command: KeyCommand,
}

/// The verbs of `sealift key`.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key pair: NAME.sec signs and stays at home, NAME.pub travels
    #[command(after_help = "Examples:\n  sealift key generate --output keys/plant\n  \
        sealift key generate --output ci/key --no-password\n\nThe files are minisign's; the minisign program can use them.")]
    Generate(KeyGenerateArgs),
}

/// Where, and how protected.
#[derive(Debug, Args)]
pub(crate) struct KeyGenerateArgs {
    /// Where, without the ending: keys/plant makes keys/plant.sec and keys/plant.pub
    #[arg(short, long, value_name = "DIR/NAME", value_hint = clap::ValueHint::FilePath)]
    pub(crate) output: PathBuf,

    /// Leave the secret key unprotected in its file (mode 0600)
    #[arg(long)]
    pub(crate) no_password: bool,
}
