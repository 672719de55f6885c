//! `lab`: one command builds the factory, one brings machines up, one takes them down.

use clap::{Parser, Subcommand};
use lab::{commands, factory, internet};

#[derive(Parser)]
#[command(name = "lab", about = "Real machines, a real Kubernetes and a real air gap on one box")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build everything the lab needs into its cache (programs, images, registry, downloads)
    Build(factory::Args),
    /// The internet as the lab sees it: a registry and a download site on loopback
    #[command(subcommand)]
    Internet(internet::Command),
    #[command(flatten)]
    Scene(commands::Command),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Build(args) => factory::run(&args),
        Command::Internet(command) => internet::run(command),
        Command::Scene(command) => commands::run(command),
    }
}
