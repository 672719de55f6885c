//! Arguments of `sealift self-update`.

use std::path::PathBuf;

use clap::Args;

/// From which bundle, trusted by whom, and where the program goes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sealift self-update /media/stick/core-1.37.1-1.sealift --trust plant.pub\n  \
    sealift self-update core-1.37.1-1.sealift --trust plant.pub --yes --json\n  \
    /mnt/sealift self-update /mnt/core-1.37.1-1.sealift --trust plant.pub \\\n    \
      --output /usr/local/bin/sealift\n\n\
    Also from a bundle that needs a later sealift than this one. An older one is\n\
    refused with exit code 3."
)]
pub(crate) struct SelfUpdateArgs {
    /// The bundle directory, NAME-VERSION.sealift
    #[arg(value_name = "BUNDLE", value_hint = clap::ValueHint::DirPath)]
    pub(crate) bundle: PathBuf,

    /// A public key whose signature is trusted (repeatable)
    #[arg(long, value_name = "KEY.pub", required = true, value_hint = clap::ValueHint::FilePath)]
    pub(crate) trust: Vec<PathBuf>,

    /// Put the program here [default: in place of the one that runs]
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,

    /// Take this version though it is not later, on purpose; must be the bundle's
    #[arg(long, value_name = "VERSION")]
    pub(crate) rollback_to: Option<String>,
}
