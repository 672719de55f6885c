//! What the verbs do: one file per verb, its body is its story.

mod exit;

pub(crate) use exit::{Exit, Failure};

use crate::cli::Command;
use crate::shell::Shell;

/// Runs one verb.
pub(crate) async fn run(command: Command, _shell: &Shell) -> anyhow::Result<Exit> {
    match command {
        Command::Helper(_) | Command::Attach(_) => Ok(Exit::Done),
    }
}
