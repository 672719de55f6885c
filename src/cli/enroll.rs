//! Arguments of `sealift enroll`.

use std::path::PathBuf;

use clap::Args;

use super::LoginArgs;

/// Whose host keys are shown and pinned.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sealift enroll -c plant.yaml\n  sealift enroll -c plant.yaml --json | jq '.[] | .fingerprint'\n  \
                        sealift enroll -c plant.yaml --known-hosts ~/.ssh/known_hosts\n  \
                        sealift enroll -c plant.yaml --print-known-hosts > known_hosts\n\n\
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

    /// Take keys that this `known_hosts` file has for a server, without asking (repeatable)
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) known_hosts: Vec<PathBuf>,

    /// Write into the file how your own ssh reaches the servers (`ssh -G`): user, port, keys, jump hosts
    #[arg(long)]
    pub(crate) ssh_config: bool,

    /// With --ssh-config: another file than ~/.ssh/config
    #[arg(long, value_name = "FILE", requires = "ssh_config", value_hint = clap::ValueHint::FilePath)]
    pub(crate) ssh_config_file: Option<PathBuf>,

    /// Print the pinned keys as lines of a `known_hosts` file, for plain ssh; ask no server
    #[arg(long, conflicts_with_all = ["known_hosts", "ssh_config"])]
    pub(crate) print_known_hosts: bool,

    #[command(flatten)]
    pub(crate) logins: LoginArgs,
}
