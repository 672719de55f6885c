//! What the verbs do: one file per verb, its body is its story.

mod adopt;
mod before;
mod change;
mod completions;
mod connect;
mod course;
mod enroll;
mod exit;
mod explain;
mod frozen;
mod helper;
mod init;
mod inspect;
mod install;
mod key;
mod kubeconfig;
mod logins;
mod man;
mod output;
mod pack;
mod plan;
mod preflight;
mod receipt;
mod receipt_site;
mod record;
mod report;
mod reset;
mod self_update;
mod signals;
mod site;
mod status;
mod this_machine;
mod verify;
mod who;

pub(crate) use connect::{Connected, Mode};
pub(crate) use exit::{Exit, Failure};
pub(crate) use logins::Logins;
pub(crate) use preflight::Document as PreflightDocument;
pub(crate) use receipt::{Applied, End, Receipt, State, StepState, Timing};
pub(crate) use receipt_site::{Image, Item, Node};

use crate::cli::Command;
use crate::shell::Shell;

/// Runs the commands of the node's side, which make the runtime they need themselves.
pub(crate) fn run_on_node(command: &Command) -> Option<anyhow::Result<Exit>> {
    match command {
        Command::Helper(args) => Some(helper::run(args)),
        Command::Attach(args) => Some(helper::attach(args)),
        _ => None,
    }
}

/// Runs one verb.
pub(crate) async fn run(command: Command, shell: &Shell) -> anyhow::Result<Exit> {
    match command {
        Command::Key(args) => key::run(args, shell),
        Command::Pack(args) => pack::run(args, shell).await,
        Command::Verify(args) => verify::run(&args, shell),
        Command::Inspect(args) => inspect::run(&args, shell),
        Command::Init(args) => init::run(&args, shell),
        Command::Explain(args) => explain::run(&args, shell),
        Command::Enroll(args) => enroll::run(&args, shell).await,
        Command::Preflight(args) => preflight::run(&args, shell).await,
        Command::Plan(args) => plan::run(&args, shell).await,
        Command::Install(args) => install::run(&args, shell).await,
        Command::Status(args) => status::run(&args, shell).await,
        Command::Kubeconfig(args) => kubeconfig::run(&args, shell).await,
        Command::Adopt(args) => adopt::run(&args, shell).await,
        Command::Reset(args) => reset::run(&args, shell).await,
        Command::SelfUpdate(args) => self_update::run(&args, shell).await,
        Command::Completions(args) => completions::run(&args, shell),
        Command::Man(args) => man::run(&args, shell),
        Command::Helper(_) | Command::Attach(_) => anyhow::bail!("the node's side runs without this runtime"),
    }
}
