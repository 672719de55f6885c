//! Arguments of `sealift inspect`.

use std::path::PathBuf;

use clap::Args;

/// Which bundle, trusted by whom, if by anybody.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sealift inspect out/core-1.36.4-1.sealift\n  \
    sealift inspect core-1.36.4-1.sealift --trust plant.pub --json | jq .items")]
pub(crate) struct InspectArgs {
    /// The bundle directory, NAME-VERSION.sealift
    #[arg(value_name = "BUNDLE", value_hint = clap::ValueHint::DirPath)]
    pub(crate) bundle: PathBuf,

    /// A public key whose signature is trusted (repeatable); without it nothing shown is proved
    #[arg(long, value_name = "KEY.pub", value_hint = clap::ValueHint::FilePath)]
    pub(crate) trust: Vec<PathBuf>,
}
