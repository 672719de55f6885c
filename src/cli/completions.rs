//! Arguments of `sealift completions`.

use clap::Args;

/// Arguments of `sealift completions`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  sealift completions bash > /etc/bash_completion.d/sealift")]
pub(crate) struct CompletionsArgs {
    /// The shell to complete in
    pub(crate) shell: clap_complete::Shell,
}
