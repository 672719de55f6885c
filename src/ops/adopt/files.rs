//! What adopt writes on this machine.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sealift_engine::{RecordedJournal, WrittenFile};
use sealift_stream::AtomicFile;

use crate::cli::AdoptArgs;
use crate::ops::{Exit, Failure};

/// A site as it will lie on this machine.
pub(super) struct Adopted {
    pub(super) cluster: String,
    pub(super) cluster_file: WrittenFile,
    pub(super) profile: Option<WrittenFile>,
    /// Key numbers and `.pub` files.
    pub(super) trust: Vec<(String, String)>,
    pub(super) journals: Vec<RecordedJournal>,
}

impl Adopted {
    /// Where the trusted keys go.
    pub(super) fn trust_dir(&self, args: &AdoptArgs) -> PathBuf {
        args.state.join(&self.cluster).join("trust")
    }

    /// Writes everything, the cluster file last: where it is, all else is. Nothing is written when something else is
    /// in the way. Returns the command that goes on.
    pub(super) fn write(&self, args: &AdoptArgs) -> anyhow::Result<String> {
        let state = args.state.join(&self.cluster);
        let mut words = vec!["sealift install -c".to_owned(), args.output.display().to_string()];
        let mut all: Vec<(PathBuf, &[u8])> = vec![];
        for journal in &self.journals {
            all.push((state.join("runs").join(&journal.name), &journal.text));
        }
        words.push("--bundle DIR".to_owned());
        for (number, text) in &self.trust {
            let path = self.trust_dir(args).join(format!("{number}.pub"));
            words.push(format!("--trust {}", path.display()));
            all.push((path, text.as_bytes()));
        }
        if let Some(profile) = &self.profile {
            let path = args.output.with_file_name(plain(&profile.name));
            words.push(format!("--profile {}", path.display()));
            all.push((path, profile.text.as_bytes()));
        }
        all.push((args.output.clone(), self.cluster_file.text.as_bytes()));
        if args.state != Path::new(".sealift") {
            words.push(format!("--state {}", args.state.display()));
        }
        let mut missing = vec![];
        for (path, bytes) in all {
            if !there(&path, bytes)? {
                missing.push((path, bytes));
            }
        }
        for (path, bytes) in missing {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let written =
                parent.map_or(Ok(()), fs::create_dir_all).and_then(|()| AtomicFile::write(&path, bytes));
            written.map_err(|error| {
                Failure::new(Exit::Refused, format!("writing {}: {error}", path.display()))
                    .next("make room or name other places, and run the same command again")
            })?;
        }
        Ok(words.join(" "))
    }
}

/// The profile's own name, unless it would leave the folder.
fn plain(name: &str) -> &str {
    let fine = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(fine) { "profile.yaml" } else { name }
}

/// Whether the file is there already with this content; one with another is somebody's work.
fn there(path: &Path, bytes: &[u8]) -> anyhow::Result<bool> {
    match fs::read(path) {
        Ok(known) if known == bytes => Ok(true),
        Ok(_) => {
            let message = format!("{} is there and says something else; nothing was written", path.display());
            Err(Failure::new(Exit::Usage, message).next("move it away, or work in another folder").into())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::new(
            Exit::Usage,
            format!("reading {}: {error}; nothing was written", path.display()),
        )
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{AdoptArgs, Adopted, Exit, RecordedJournal, WrittenFile, plain};

    fn adopted() -> Adopted {
        let file = |name: &str, text: &str| WrittenFile { name: name.to_owned(), text: text.to_owned() };
        Adopted {
            cluster: "plant-7".to_owned(),
            cluster_file: file("cluster.yaml", "the file"),
            profile: Some(file("../../etc/passwd", "the profile")),
            trust: vec![("0123456789ABCDEF".to_owned(), "a key".to_owned())],
            journals: vec![RecordedJournal { name: "2026-install.jsonl".to_owned(), text: b"{}\n".to_vec() }],
        }
    }

    fn args(dir: &std::path::Path) -> AdoptArgs {
        let (output, state) = (dir.join("site/cluster.yaml"), dir.join("state"));
        let logins = crate::cli::LoginArgs::default();
        AdoptArgs { from: String::new(), host_key: None, identity: None, output, state, logins }
    }

    #[test]
    fn everything_is_written_twice_is_fine_and_nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let args = args(dir.path());
        let next = adopted().write(&args).unwrap();
        assert!(next.contains("--profile") && next.contains("0123456789ABCDEF.pub"), "{next}");
        let read = |path: &str| std::fs::read_to_string(dir.path().join(path)).unwrap();
        assert_eq!(read("site/cluster.yaml"), "the file");
        assert_eq!(read("site/profile.yaml"), "the profile");
        assert_eq!(read("state/plant-7/runs/2026-install.jsonl"), "{}\n");
        adopted().write(&args).unwrap();

        std::fs::write(&args.output, "mine").unwrap();
        std::fs::remove_dir_all(&args.state).unwrap();
        let error = adopted().write(&args).unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Usage);
        assert_eq!(read("site/cluster.yaml"), "mine");
        assert!(!args.state.exists(), "nothing else was written either");
    }

    #[test]
    fn a_name_from_a_server_stays_in_the_folder() {
        for (name, want) in
            [("lab.yaml", "lab.yaml"), ("../x", "profile.yaml"), ("", "profile.yaml"), (".x", "profile.yaml")]
        {
            assert_eq!(plain(name), want);
        }
    }
}
