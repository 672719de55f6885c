//! The command line: types only. What a verb does is in `ops/VERB.rs`.

mod adopt;
mod completions;
mod enroll;
mod explain;
mod helper;
mod init;
mod inspect;
mod key;
mod logins;
mod man;
mod pack;
mod planned;
mod preflight;
mod report;
mod self_update;
mod site;
mod verify;

use clap::{Parser, Subcommand};

pub(crate) use adopt::AdoptArgs;
pub(crate) use completions::CompletionsArgs;
pub(crate) use enroll::EnrollArgs;
pub(crate) use explain::ExplainArgs;
pub(crate) use helper::{AttachArgs, HelperArgs, HelperCommand};
pub(crate) use init::InitArgs;
pub(crate) use inspect::InspectArgs;
pub(crate) use key::{KeyArgs, KeyCommand, KeyGenerateArgs};
pub(crate) use logins::LoginArgs;
pub(crate) use man::ManArgs;
pub(crate) use pack::PackArgs;
pub(crate) use planned::{InstallArgs, KubeconfigArgs, PlanArgs, ResetArgs, StatusArgs};
pub(crate) use preflight::PreflightArgs;
pub(crate) use report::ReportArgs;
pub(crate) use self_update::SelfUpdateArgs;
pub(crate) use site::{ClusterArgs, SiteArgs};
pub(crate) use verify::VerifyArgs;

/// Heading of the options that every verb takes.
const EVERYWHERE: &str = "Everywhere";

/// One signed bundle on a USB stick, one command, a Kubernetes AI cluster where there is no internet.
#[derive(Debug, Parser)]
#[command(
    name = "sealift",
    version,
    max_term_width = 80,
    disable_help_subcommand = true,
    after_help = "Exit codes: 0 done, 1 a node or the cluster refused, 2 usage or\n\
                  configuration, 3 integrity, 4 changes pending, 5 preflight findings,\n\
                  6 host identity, 70 a bug of ours, 130 interrupted."
)]
pub(crate) struct Cli {
    /// Print data as JSON on standard output; with commands that run, events as JSON lines
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) json: bool,

    /// Answer every question with yes, for scripts
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) yes: bool,

    /// Say more on standard error (-v: what is done, -vv: every request)
    #[arg(short, long, global = true, help_heading = EVERYWHERE, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The verbs, in the order in which a site meets them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the keys that sign bundles
    Key(KeyArgs),

    /// Gather what a recipe names into one signed bundle
    Pack(PackArgs),

    /// Check every bit of a bundle against its signature
    Verify(VerifyArgs),

    /// Show what is in a bundle and who signed it
    Inspect(InspectArgs),

    /// Write a commented cluster file to start from
    Init(InitArgs),

    /// Say what a field of the cluster file, an exit code or a check means
    Explain(ExplainArgs),

    /// Show the servers' host keys and pin them in the cluster file
    Enroll(EnrollArgs),

    /// Say whether these servers can become the cluster; changes nothing
    Preflight(PreflightArgs),

    /// Show what install would do, and why; changes nothing
    Plan(PlanArgs),

    /// Turn servers into a cluster; run it again whenever it was cut off
    Install(InstallArgs),

    /// Say where the site is not as it should be; changes nothing
    Status(StatusArgs),

    /// Print the administrator's kubeconfig
    Kubeconfig(KubeconfigArgs),

    /// Take a site over from a control plane, on a machine that knows nothing of it
    Adopt(AdoptArgs),

    /// Take the cluster away and leave the servers as they were
    Reset(ResetArgs),

    /// Replace this program by the sealift that a bundle brings
    SelfUpdate(SelfUpdateArgs),

    /// Print completions for a shell
    Completions(CompletionsArgs),

    /// Write the manual, one page per verb
    Man(ManArgs),

    /// The helper on a node; sealift starts it itself
    #[command(hide = true)]
    Helper(HelperArgs),

    /// Bridges standard input and output to a helper's socket; sealift starts it itself
    #[command(hide = true)]
    Attach(AttachArgs),
}

#[cfg(test)]
mod tests;
