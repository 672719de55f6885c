//! Arguments of `sealift explain`.

use clap::Args;

/// What is to be explained.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sealift explain\n  sealift explain hostKey\n  sealift explain 'spec.nodes[].ssh.user'\n  \
                  sealift explain 6\n  sealift explain --schema > cluster.schema.json"
)]
pub(crate) struct ExplainArgs {
    /// A field's path or the end of it, or an exit code [default: all fields]
    #[arg(value_name = "FIELD|CODE")]
    pub(crate) what: Option<String>,

    /// Print the JSON schema of the cluster file, for editors
    #[arg(long, conflicts_with = "what")]
    pub(crate) schema: bool,
}
