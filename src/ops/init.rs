//! `sealift init`: a commented cluster file to start from.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};

use sealift_cluster::{Label, template};

use super::{Exit, Failure};
use crate::cli::InitArgs;
use crate::shell::Shell;

/// Runs `sealift init`.
pub(crate) fn run(args: &InitArgs, shell: &Shell) -> anyhow::Result<Exit> {
    let name: Label = args.name.parse().map_err(|wrong: sealift_cluster::Wrong| {
        Failure::new(Exit::Usage, format!("--name: {wrong}"))
            .next(wrong.hint.unwrap_or("try --name plant-7".into()))
    })?;
    let path = args.output.display();
    // `create_new`: two people, or a slip in the shell's history, must not overwrite an engineer's work
    let opened = OpenOptions::new().write(true).create_new(true).open(&args.output);
    let written = opened.and_then(|mut file| {
        file.write_all(template(&name).as_bytes())?;
        file.sync_all()
    });
    match written {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(Failure::new(Exit::Usage, format!("{path} is there already; nothing was written"))
                .next("name another file with --output")
                .into());
        }
        Err(error) => return Err(Failure::new(Exit::Usage, format!("writing {path}: {error}")).into()),
        Ok(()) => {}
    }
    if shell.json() {
        shell.data_json(&serde_json::json!({"file": args.output, "name": name}))?;
    } else {
        shell.say(&format!("wrote {path}"));
        shell.say(&format!("{} put your servers in, then: sealift enroll -c {path}", shell.cyan("next:")));
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::{Exit, InitArgs, run};
    use crate::shell::Shell;

    #[test]
    fn writes_a_file_that_parses_and_never_overwrites_one() {
        let dir = tempfile::tempdir().unwrap();
        let args = InitArgs { output: dir.path().join("cluster.yaml"), name: "plant-7".to_owned() };
        let shell = Shell::new(false, true);
        assert_eq!(run(&args, &shell).unwrap(), Exit::Done);
        let text = std::fs::read_to_string(&args.output).unwrap();
        assert!(sealift_cluster::Cluster::parse(&text, "c", None).is_ok());

        std::fs::write(&args.output, "mine").unwrap();
        assert_eq!(Exit::of(&run(&args, &shell).unwrap_err()), Exit::Usage);
        assert_eq!(std::fs::read_to_string(&args.output).unwrap(), "mine");
    }

    #[test]
    fn a_name_that_is_none_is_refused_before_anything_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let args = InitArgs { output: dir.path().join("cluster.yaml"), name: "Plant 7".to_owned() };
        assert_eq!(Exit::of(&run(&args, &Shell::new(false, true)).unwrap_err()), Exit::Usage);
        assert!(!args.output.exists());
    }
}
