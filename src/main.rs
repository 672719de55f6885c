//! sealift: a Kubernetes AI platform onto bare servers where there is no internet.
//!
//! This file only starts things: the crypto provider, tracing, the parser, the verb, the exit code.

mod cli;
mod ops;
mod shell;

use clap::Parser as _;

use ops::Exit;
use shell::Shell;

fn main() -> std::process::ExitCode {
    // One provider for SSH, HTTPS and the Kubernetes API: rustls panics at run time when it finds two.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return Exit::Bug.into();
    }
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return shell::usage(&error).into(),
    };
    shell::start_tracing(cli.verbose);
    let shell = Shell::new(cli.json, cli.yes);
    let result = ops::run_on_node(&cli.command).unwrap_or_else(|| start(cli.command, &shell));
    result
        .and_then(|exit| shell.lost().map_or(Ok(exit), Err))
        .unwrap_or_else(|error| {
            shell.error(&error);
            Exit::of(&error)
        })
        .into()
}

fn start(command: cli::Command, shell: &Shell) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(ops::run(command, shell));
    // A blocking read (of a slow stick, of a terminal) must not hold up an exit that is already decided.
    runtime.shutdown_background();
    result
}
