//! Arguments of `sealift completions`.

use clap::Args;

/// Arguments of `sealift completions`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  sealift completions bash > /etc/bash_completion.d/sealift\n  \
    sealift completions zsh > ~/.zfunc/_sealift\n  \
    sealift completions fish > ~/.config/fish/completions/sealift.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell to complete in
    pub(crate) shell: clap_complete::Shell,
}
