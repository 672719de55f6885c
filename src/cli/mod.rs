//! The command line: types only. What a verb does is in `ops/VERB.rs`.

mod helper;
mod site;

use clap::{Parser, Subcommand};

pub(crate) use helper::{AttachArgs, HelperArgs};
pub(crate) use site::SiteArgs;

/// One signed bundle on a USB stick, one command, a Kubernetes AI cluster where there is no internet.
#[derive(Debug, Parser)]
#[command(
    name = "sealift",
    version,
    max_term_width = 80,
    disable_help_subcommand = true,
    after_help = "Exit codes: 0 done, 1 refused by a node or the cluster, 2 usage or configuration,\n\
                  3 integrity, 4 changes pending, 5 preflight findings, 6 host identity,\n\
                  70 a bug of ours, 130 interrupted."
)]
pub(crate) struct Cli {
    /// Print data as JSON on standard output; with commands that run, events as JSON lines
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Answer every question with yes, for scripts
    #[arg(long, global = true)]
    pub(crate) yes: bool,

    /// Say more on standard error (-v: what is done, -vv: every request)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The verbs, in the order in which a site meets them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The helper on a node; sealift starts it itself
    #[command(hide = true)]
    Helper(HelperArgs),

    /// Bridges standard input and output to a helper's socket; sealift starts it itself
    #[command(hide = true)]
    Attach(AttachArgs),
}
