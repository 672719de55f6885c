//! Arguments of `sealift verify`.

use std::path::PathBuf;

use clap::Args;

/// Which bundle, trusted by whom.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sealift verify /media/stick/core-1.36.4-1.sealift --trust keys/plant.pub\n  \
    sealift verify core-1.36.4-1.sealift --trust plant.pub --json | jq .signer\n\n\
    Exit code 3 and the volume and range when one bit is not as it was signed."
)]
pub(crate) struct VerifyArgs {
    /// The bundle directory, NAME-VERSION.sealift
    #[arg(value_name = "BUNDLE", value_hint = clap::ValueHint::DirPath)]
    pub(crate) bundle: PathBuf,

    /// A public key whose signature is trusted (repeatable)
    #[arg(long, value_name = "KEY.pub", required = true, value_hint = clap::ValueHint::FilePath)]
    pub(crate) trust: Vec<PathBuf>,

    /// How many threads hash [default: one per processor]
    #[arg(short, long, value_name = "N")]
    pub(crate) jobs: Option<usize>,
}
