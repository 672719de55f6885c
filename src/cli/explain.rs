//! Arguments of `sealift explain`.

use clap::Args;

/// What is to be explained.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sealift explain\n  sealift explain hostKey\n  sealift explain 'spec.nodes[].ssh.user'\n  \
                  sealift explain 6\n  sealift explain leftover-etcd\n  sealift explain --checks\n  sealift explain --schema > cluster.schema.json"
)]
pub(crate) struct ExplainArgs {
    /// A field's path or the end of it, an exit code, or a check of preflight [default: all fields]
    #[arg(value_name = "FIELD|CODE|CHECK")]
    pub(crate) what: Option<String>,

    /// Print the JSON schema of the cluster file, for editors
    #[arg(long, conflicts_with = "what")]
    pub(crate) schema: bool,

    /// List the checks of preflight
    #[arg(long, conflicts_with_all = ["what", "schema"])]
    pub(crate) checks: bool,
}
