//! The internet as the lab sees it.

/// Subcommands of `lab internet`.
#[derive(Debug, clap::Subcommand)]
pub enum Command {}

/// `lab internet ...`.
pub fn run(command: Command) -> anyhow::Result<()> {
    match command {}
}
