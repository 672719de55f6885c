//! Arguments of `sealift adopt`.

use std::path::PathBuf;

use clap::Args;

use super::LoginArgs;

/// From where a site's record is taken, and where it goes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sealift adopt --from ops@10.77.0.11 --identity ~/.ssh/id_ed25519\n  \
                        sealift adopt --from 10.77.0.11 \\\n    \
                        --host-key SHA256:jvWVDXwHbCd3qbJmFE2vjuWUVMnTJdFQkDdYYnKUn1k\n\n\
                        Compare the host key with what the server's own console says:\n  \
                        ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")]
pub(crate) struct AdoptArgs {
    /// A control plane of the site; 22 and root when not said
    #[arg(long, value_name = "[USER@]ADDRESS[:PORT]")]
    pub(crate) from: String,

    /// Its host key, as the server's console shows it: a fingerprint (SHA256:...) or the whole key
    #[arg(long, value_name = "KEY")]
    pub(crate) host_key: Option<String>,

    /// Your private key for every server of the site; written into the cluster file, as is the user
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) identity: Option<PathBuf>,

    /// The cluster file to write; one that says something else is never overwritten
    #[arg(short, long, value_name = "FILE", default_value = "cluster.yaml", value_hint = clap::ValueHint::FilePath)]
    pub(crate) output: PathBuf,

    /// Where the journals and locks of each cluster are kept
    #[arg(long, value_name = "DIR", default_value = ".sealift", value_hint = clap::ValueHint::DirPath)]
    pub(crate) state: PathBuf,

    #[command(flatten)]
    pub(crate) logins: LoginArgs,
}
