//! `sealift init --interactive`: what only the person in front of the servers knows, asked one by one.

use std::os::unix::fs::FileTypeExt as _;

use sealift_cluster::{Answers, KeyPath, Role, Server, Wrong, reachable};

use super::super::{Exit, Failure};
use super::check;
use crate::cli::InitArgs;
use crate::shell::Shell;

/// Asks for what no option has said. Each answer is checked as a part of the file that it becomes.
pub(super) fn the_rest(args: &InitArgs, answers: &mut Answers, shell: &Shell) -> anyhow::Result<()> {
    if !shell.answers() && nobody_answers() {
        let message = "--interactive asks questions, and nobody can answer: standard input is neither a terminal \
                       nor a pipe nor a file; nothing was written";
        return Err(Failure::new(Exit::Usage, message)
            .next("use a terminal, or options: sealift init --help")
            .into());
    }
    let asker = Asker { shell };
    if args.name.is_none() {
        answers.name = asker.ask("name of the site", Some("site"), str::parse)?;
    }
    if args.control_plane.is_none() {
        let address = asker.ask("address of the control plane", None, reachable)?;
        let name = asker.ask("  its name", Some("cp1"), str::parse)?;
        answers.nodes.insert(0, Server { name, role: Role::ControlPlane, address });
        check(answers).map_err(|wrong| super::refused("the control plane", wrong))?;
    }
    if args.worker.is_empty() {
        asker.workers(answers)?;
    }
    if args.user.is_none() {
        answers.user = asker.ask("who logs in, root or one that may sudo", Some("root"), str::parse)?;
    }
    if args.identity_file.is_none() {
        let key = |text: &str| (text != "-").then(|| text.parse::<KeyPath>()).transpose();
        answers.identity_file =
            asker.ask("private key, or - for the agent's keys only", Some("~/.ssh/id_ed25519"), key)?;
    }
    if args.pool.is_none() {
        answers.pool =
            asker.ask("free addresses for services, FIRST-LAST, or - for none", Some("-"), |text| {
                let pool = (text != "-").then(|| text.parse()).transpose()?;
                check(&Answers { pool, ..answers.clone() }).map(|()| pool)
            })?;
    }
    Ok(())
}

/// Whether standard input is something like `/dev/null`, from which no answer ever comes.
fn nobody_answers() -> bool {
    std::fs::metadata("/dev/stdin").is_ok_and(|input| input.file_type().is_char_device())
}

struct Asker<'a> {
    shell: &'a Shell,
}

impl Asker<'_> {
    /// Asks until the answer is right; a pipe, which cannot mend one, is refused at the first that is not.
    fn ask<T>(
        &self,
        question: &str,
        default: Option<&str>,
        read: impl Fn(&str) -> Result<T, Wrong>,
    ) -> anyhow::Result<T> {
        loop {
            let shown = default.map_or_else(String::new, |default| format!(" [{default}]"));
            let Some(line) = self.shell.ask(&format!("{question}{shown}: "))? else {
                let message = "the answers ended before the last question; nothing was written";
                return Err(Failure::new(Exit::Interrupted, message)
                    .next("run the same command again")
                    .into());
            };
            let text = match (line.trim(), default) {
                ("", Some(default)) => default,
                (text, _) => text,
            };
            match read(text) {
                Ok(value) => return Ok(value),
                Err(wrong) if !self.shell.answers() => {
                    return Err(super::refused(question.trim(), wrong).into());
                }
                Err(wrong) => {
                    let hint = wrong.hint.as_ref().map_or_else(String::new, |hint| format!("; {hint}"));
                    self.shell.say(&format!("  {} {wrong}{hint}", self.shell.yellow("no:")));
                }
            }
        }
    }

    /// One worker after another, until there is no more.
    fn workers(&self, answers: &mut Answers) -> anyhow::Result<()> {
        loop {
            let number = answers.nodes.len();
            let nodes = answers.nodes.clone();
            let with = |name: &str, address| {
                let server = Server { name: name.parse()?, role: Role::Worker, address };
                let nodes = nodes.iter().cloned().chain([server.clone()]).collect();
                check(&Answers { nodes, ..answers.clone() }).map(|()| server)
            };
            let address = self.ask("address of a worker, or - for no more", Some("-"), |text| {
                if text == "-" {
                    return Ok(None);
                }
                let address = reachable(text)?;
                // a name that nobody has, so that only the address can be wrong
                with(&format!("w-{number}-new"), address).map(|server| Some(server.address))
            })?;
            let Some(address) = address else { return Ok(()) };
            let name = format!("w{number}");
            let server = self.ask("  its name", Some(&name), |text| with(text, address))?;
            answers.nodes.push(server);
        }
    }
}
