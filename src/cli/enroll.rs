//! Arguments of `sealift enroll`.

use std::path::PathBuf;

use clap::Args;

/// Whose host keys are shown and pinned.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sealift enroll -c plant.yaml\n  sealift enroll -c plant.yaml --json | jq '.[] | .fingerprint'\n\n\
                        Compare each fingerprint with what the server's own console says:\n  \
                        ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\n\n\
                        A key that differs from the pinned one ends with 6 and changes nothing."
)]
pub(crate) struct EnrollArgs {
    /// The cluster file
    #[arg(short, long, value_name = "FILE", default_value = "cluster.yaml", value_hint = clap::ValueHint::FilePath)]
    pub(crate) cluster: PathBuf,

    /// A partial cluster file merged under the cluster file
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) profile: Option<PathBuf>,
}
