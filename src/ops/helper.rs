//! `sealift helper` and `sealift attach`: sealift on a node, talking to itself. Not async: each makes the
//! runtime it needs, or none.

use anyhow::Context as _;
use sealift_node::helper;

use super::Exit;
use crate::cli::{AttachArgs, HelperArgs, HelperCommand};

/// Starts a helper, or is one.
pub(crate) fn run(args: &HelperArgs) -> anyhow::Result<Exit> {
    match &args.command {
        HelperCommand::Start => {
            helper::start(std::io::stdin(), std::io::stdout()).context("starting the helper")?;
        }
        HelperCommand::Serve { config } => helper::serve(config)?,
        HelperCommand::UndoNetwork => helper::undo_network()?,
    }
    Ok(Exit::Done)
}

/// Bridges standard input and output to the helper's socket.
pub(crate) fn attach(args: &AttachArgs) -> anyhow::Result<Exit> {
    helper::attach(&args.socket).context("attaching to the helper")?;
    Ok(Exit::Done)
}
