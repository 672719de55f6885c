//! `lab`: one command builds the factory, one brings machines up, one takes them down.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use lab::cache::Cache;
use lab::say::{data, say};
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
    /// Print the path of a program the lab has built, e.g. `kubernetes kubectl`
    Program {
        /// Component, with or without its version
        component: String,
        /// Program
        name: String,
    },
    /// Print the full name of an image the lab has built, e.g. `agnhost`
    Image {
        /// Last part of its repository
        name: String,
    },
    /// The internet as the lab sees it: a registry and a download site on loopback
    #[command(subcommand)]
    Internet(internet::Command),
    #[command(flatten)]
    Scene(commands::Command),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        // no backtrace, whatever the environment says: the chain of causes is the message
        Err(error) => {
            say(format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Build(args) => factory::run(&args),
        Command::Program { component, name } => {
            data(factory::build_all(&Cache::open()?)?.program(&component, &name)?.to_string_lossy());
            Ok(())
        }
        Command::Image { name } => {
            let built = factory::build_all(&Cache::open()?)?;
            let part = format!("/{name}:");
            let image = built.images.iter().find(|built| built.image.reference.contains(&part));
            data(&image.with_context(|| format!("finding image {name}"))?.image.reference);
            Ok(())
        }
        Command::Internet(command) => internet::run(command),
        Command::Scene(command) => commands::run(command),
    }
}
