//! `sealift init`: a commented cluster file to start from.

mod ask;

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::str::FromStr;

use sealift_cluster::{Answers, Cluster, Role, Server, Wrong, template};

use super::{Exit, Failure};
use crate::cli::InitArgs;
use crate::shell::Shell;

/// Runs `sealift init`.
pub(crate) fn run(args: &InitArgs, shell: &Shell) -> anyhow::Result<Exit> {
    if args.output.exists() {
        return Err(there_already(&args.output).into());
    }
    let mut answers = given(args)?;
    if args.interactive {
        ask::the_rest(args, &mut answers, shell)?;
    }
    check(&answers).map_err(|wrong| refused("the file would be wrong", wrong))?;
    write(&args.output, &template(&answers))?;
    let path = args.output.display();
    if shell.json() {
        shell.data_json(&serde_json::json!({"file": args.output, "name": answers.name}))?;
    } else {
        shell.say(&format!("wrote {path}"));
        let first =
            if args.control_plane.is_some() || args.interactive { "" } else { "put your servers in, then: " };
        shell.say(&format!("{} {first}sealift enroll -c {path}", shell.cyan("next:")));
    }
    Ok(Exit::Done)
}

/// What the options say, and made-up servers as long as they name none.
fn given(args: &InitArgs) -> Result<Answers, Failure> {
    let mut answers = Answers::example(read("--name", args.name.as_deref().unwrap_or("site"))?);
    if let Some(user) = &args.user {
        answers.user = read("--user", user)?;
    }
    if let Some(path) = &args.identity_file {
        answers.identity_file = Some(read("--identity-file", path)?);
    }
    if args.interactive || args.control_plane.is_some() || !args.worker.is_empty() {
        answers.nodes.clear();
        answers.pool = None;
    }
    if let Some(pool) = &args.pool {
        answers.pool = Some(read("--pool", pool)?);
    }
    if let Some(written) = &args.control_plane {
        answers.nodes.push(server("--control-plane", written, Role::ControlPlane, "cp1")?);
    } else if !args.worker.is_empty() && !args.interactive {
        let message = "--worker needs a --control-plane: a cluster is at least one; nothing was written";
        return Err(Failure::new(Exit::Usage, message).next("add --control-plane ADDRESS"));
    }
    for (index, written) in args.worker.iter().enumerate() {
        answers.nodes.push(server("--worker", written, Role::Worker, &format!("w{}", index + 1))?);
    }
    Ok(answers)
}

/// `cp1=10.77.0.11`, or the address alone.
fn server(option: &str, written: &str, role: Role, default: &str) -> Result<Server, Failure> {
    let (name, address) = written.split_once('=').unwrap_or((default, written));
    let address = sealift_cluster::reachable(address).map_err(|wrong| refused(option, wrong))?;
    Ok(Server { name: read(option, name)?, role, address })
}

fn read<T: FromStr<Err = Wrong>>(option: &str, text: &str) -> Result<T, Failure> {
    text.parse().map_err(|wrong| refused(option, wrong))
}

fn refused(what: &str, wrong: Wrong) -> Failure {
    let failure = Failure::new(Exit::Usage, format!("{what}: {wrong}; nothing was written"));
    failure.next(wrong.hint.unwrap_or_else(|| "sealift init --help".to_owned()))
}

/// Reads the file as the other verbs will; the first thing that is wrong with it, without a line in a file
/// that is not there yet.
fn check(answers: &Answers) -> Result<(), Wrong> {
    let cluster = Cluster::parse(&template(answers), "the answers", None);
    let problems = match &cluster {
        Ok(cluster) => cluster.not_yet(),
        Err(problems) => Some(problems.clone()),
    };
    match problems.as_ref().and_then(|problems| problems.iter().next()) {
        Some(problem) => Err(Wrong { message: problem.message.clone(), hint: problem.hint.clone() }),
        None => Ok(()),
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    // `create_new`: two people, or a slip in the shell's history, must not overwrite an engineer's work
    let opened = OpenOptions::new().write(true).create_new(true).open(path);
    let written = opened.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    match written {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(there_already(path)),
        Err(error) => {
            let failure = Failure::new(Exit::Usage, format!("writing {}: {error}", path.display()));
            Err(failure.next("name a file in a folder that can be written, with --output"))
        }
        Ok(()) => Ok(()),
    }
}

fn there_already(path: &Path) -> Failure {
    let message = format!("{} is there already; nothing was written", path.display());
    Failure::new(Exit::Usage, message).next("name another file with --output")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::{Exit, InitArgs, run};
    use crate::cli::{Cli, Command};
    use crate::shell::Shell;

    /// The arguments of `sealift init` as typed, writing to a file of this folder.
    fn args(dir: &tempfile::TempDir, words: &[&str]) -> InitArgs {
        let file = dir.path().join("cluster.yaml");
        let words =
            ["sealift", "init", "--output", file.to_str().unwrap()].into_iter().chain(words.iter().copied());
        let Command::Init(args) = Cli::parse_from(words).command else { panic!("not init") };
        args
    }

    #[test]
    fn writes_a_file_that_parses_and_never_overwrites_one() {
        let dir = tempfile::tempdir().unwrap();
        let args = args(&dir, &["--name", "plant-7"]);
        let shell = Shell::new(false, true);
        assert_eq!(run(&args, &shell).unwrap(), Exit::Done);
        let text = std::fs::read_to_string(&args.output).unwrap();
        assert!(sealift_cluster::Cluster::parse(&text, "c", None).is_ok());

        std::fs::write(&args.output, "mine").unwrap();
        assert_eq!(Exit::of(&run(&args, &shell).unwrap_err()), Exit::Usage);
        assert_eq!(std::fs::read_to_string(&args.output).unwrap(), "mine");
    }

    #[test]
    fn options_become_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let words = [
            "--control-plane",
            "10.9.0.1",
            "--worker",
            "gpu1=10.9.0.2",
            "--worker",
            "10.9.0.3",
            "--user",
            "ops",
        ];
        let args = args(&dir, &words);
        assert_eq!(run(&args, &Shell::new(false, true)).unwrap(), Exit::Done);
        let text = std::fs::read_to_string(&args.output).unwrap();
        let cluster = sealift_cluster::Cluster::parse(&text, "c", None).unwrap();
        let users = serde_json::to_value(&cluster).unwrap();
        let user = |at: usize| users["nodes"][at]["ssh"]["user"].as_str().unwrap();
        let nodes = cluster.nodes().iter().enumerate();
        let nodes: Vec<String> =
            nodes.map(|(at, node)| format!("{}={} {}", node.name, node.ssh.address, user(at))).collect();
        assert_eq!(nodes, ["cp1=10.9.0.1 ops", "gpu1=10.9.0.2 ops", "w2=10.9.0.3 ops"]);
        assert!(cluster.load_balancer().pools.is_empty(), "no address of the site was made up");
    }

    #[test]
    fn what_cannot_be_is_refused_before_anything_is_written() {
        let dir = tempfile::tempdir().unwrap();
        for (words, said) in [
            (&["--name", "Plant 7"][..], "--name: the name"),
            (&["--user", "a b"], "--user: "),
            (&["--worker", "10.9.0.2"], "--worker needs a --control-plane"),
            (&["--control-plane", "cp1"], "--control-plane: \"cp1\" is not an IP address"),
            (&["--control-plane", "10.9.0.2", "--worker", "10.9.0.2"], "10.9.0.2 is there twice"),
            (&["--control-plane", "10.9.0.2", "--pool", "10.9.0.1-10.9.0.9"], "contains 10.9.0.2"),
        ] {
            let args = args(&dir, words);
            let error = run(&args, &Shell::new(false, true)).unwrap_err();
            assert_eq!(Exit::of(&error), Exit::Usage);
            assert!(error.to_string().contains(said), "{error}");
            assert!(!args.output.exists());
        }
    }
}
