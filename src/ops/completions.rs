//! `sealift completions`: what a shell needs to complete our words.

use clap::CommandFactory as _;

use super::Exit;
use crate::cli::{Cli, CompletionsArgs};
use crate::shell::Shell;

/// Prints the completion script as data.
pub(crate) fn run(args: &CompletionsArgs, shell: &Shell) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "sealift", &mut script);
    shell.data(String::from_utf8(script)?.trim_end());
    Ok(Exit::Done)
}
