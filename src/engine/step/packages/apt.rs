//! apt with nothing but the bundle's packages: every other source is off, and nobody's pins count.
//!
//! `[trusted=yes]` because who vouches for these files is the bundle: its signature names the digest of each.

use sealift_bundle::{Item, PackageItem};
use sealift_node::{Command, JobState, Mutate};

use super::super::program::well;
use crate::{Ctx, StepError};

/// There while packages are being installed.
pub(super) const DIR: &str = "/var/lib/sealift/apt";
/// The unit that installs.
pub(super) const JOB: &str = "packages";
/// The unit that finishes what dpkg was cut off in.
const FINISH: &str = "packages-finish";
/// The unit that takes packages away.
const PURGE: &str = "packages-purge";
/// A list that apt gave out is whole below this many bytes; of longer outputs only the end is kept.
const WHOLE: usize = 60 << 10;
/// Half an hour: some build an initramfs each, and a disk may be slow.
pub(super) const SECONDS: u64 = 1800;

/// As nobody sits there, with the files of the packages where the site has not changed its own (dpkg(1)).
const ALONE: [(&str, &str); 2] = [("DEBIAN_FRONTEND", "noninteractive"), ("NEEDRESTART_MODE", "l")];

/// The folder as apt sees it.
pub(super) struct Repository {
    options: Vec<String>,
}

impl Repository {
    /// Lays out the packages and their index (a flat repository: sources.list(5), `DebianRepository/Format`).
    pub(super) async fn make(
        mutate: &Mutate<'_>,
        packages: &[(&Item, &PackageItem)],
    ) -> Result<Self, StepError> {
        mutate.make_dir(DIR, 0o755).await?;
        let mut index = vec![];
        for (item, package) in packages {
            let file = format!("{}.deb", item.name);
            mutate.install_blob(item.digest, &format!("{DIR}/{file}"), 0o644).await?;
            index.push(format!("{}Filename: ./{file}\n", package.control));
        }
        mutate.write_file(&format!("{DIR}/Packages"), index.join("\n").into_bytes(), 0o644).await?;
        let source = format!("deb [trusted=yes] file:{DIR} ./\n");
        mutate.write_file(&format!("{DIR}/sources.list"), source.into_bytes(), 0o644).await?;
        let settings = [
            format!("Dir::Etc::SourceList={DIR}/sources.list"),
            "Dir::Etc::SourceParts=/dev/null".to_owned(),
            "Dir::Etc::Preferences=/dev/null".to_owned(),
            "Dir::Etc::PreferencesParts=/dev/null".to_owned(),
            format!("Dir::State::Lists={DIR}/lists"),
            format!("Dir::Cache={DIR}/cache"),
            "Acquire::Languages=none".to_owned(),
            "APT::Default-Release=".to_owned(),
            "APT::Sandbox::User=root".to_owned(),
            "APT::Install-Recommends=false".to_owned(),
            "DPkg::Lock::Timeout=120".to_owned(),
            "Dpkg::Options::=--force-confdef".to_owned(),
            "Dpkg::Options::=--force-confold".to_owned(),
        ];
        let repository =
            Self { options: settings.into_iter().flat_map(|one| ["-o".to_owned(), one]).collect() };
        mutate.make_dir(&format!("{DIR}/lists"), 0o755).await?;
        mutate.make_dir(&format!("{DIR}/cache"), 0o755).await?;
        well(mutate, repository.command(&["update"], &[])).await?;
        Ok(repository)
    }

    fn command(&self, verb: &[&str], packages: &[String]) -> Command {
        let verb = verb.iter().map(|word| (*word).to_owned());
        let argv = std::iter::once("apt-get".to_owned()).chain(self.options.iter().cloned()).chain(verb);
        alone(argv.chain(packages.iter().cloned()).collect())
    }

    /// The packages that would be new on the node, if apt's list of them is short enough. That none would go but those
    /// that may is made sure of here, for a word that people understand, and where none may by apt itself.
    pub(super) async fn would_install(
        &self,
        mutate: &Mutate<'_>,
        packages: &[String],
        may_go: &[&str],
    ) -> Result<Option<Vec<String>>, StepError> {
        let output = well(
            mutate,
            self.command(
                &["--simulate", "--fix-broken", "--allow-change-held-packages", "install"],
                packages,
            ),
        )
        .await?;
        let (new, mut gone) = simulated(&output.stdout);
        gone.retain(|name| !may_go.contains(&name.as_str()));
        let whole = output.stdout.len() < WHOLE;
        let (why, next) = if !gone.is_empty() {
            let why = format!("to install {}, apt would remove {}", packages.join(", "), gone.join(", "));
            (why, format!("apt-get remove {} if the site can do without, or pack without it", gone.join(" ")))
        } else if !whole && !may_go.is_empty() {
            let why = format!(
                "apt has so much to do that it cannot be seen whether more than {} would go",
                may_go.join(", ")
            );
            (why, format!("apt-get remove {} first", may_go.join(" ")))
        } else {
            return Ok(whole.then_some(new));
        };
        Err(StepError::Refused { what: "packages of the bundle".to_owned(), why, next: Some(next) })
    }

    /// Installs them in a unit of its own, that a lost link does not leave dpkg half done.
    /// Without `some_go` apt itself refuses to remove any.
    pub(super) async fn install(
        &self,
        mutate: &Mutate<'_>,
        packages: &[String],
        some_go: bool,
    ) -> Result<(), StepError> {
        let verb = ["--yes", "--no-remove", "--fix-broken", "install"];
        let verb: Vec<&str> = verb.into_iter().filter(|word| !some_go || *word != "--no-remove").collect();
        let command = self.command(&verb, packages);
        let output = mutate.job(JOB, command.clone()).await?;
        if output.status == 0 { Ok(()) } else { Err(StepError::program(&command.argv, &output)) }
    }
}

/// Lines of `apt-get --simulate`: what is new (`Inst name (version ...)`, and no old version in brackets), what goes.
fn simulated(text: &str) -> (Vec<String>, Vec<String>) {
    let (mut new, mut gone) = (vec![], vec![]);
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("Inst"), Some(name), Some(next)) if !next.starts_with('[') => new.push(name.to_owned()),
            (Some("Remv" | "Purg"), Some(name), _) => gone.push(name.to_owned()),
            _ => {}
        }
    }
    (new, gone)
}

/// Waits for those that an earlier run started; how they ended is seen in what is there.
pub(super) async fn wait_for_another_run(mutate: &Mutate<'_>) -> Result<(), StepError> {
    for job in [FINISH, JOB, PURGE] {
        if matches!(mutate.job_state(job).await?, Some(JobState::Running)) {
            mutate.job_end(job).await?;
        }
    }
    Ok(())
}

/// Finishes what dpkg was cut off in, as far as it can: what it needs may not have been unpacked yet, and then apt brings it.
pub(super) async fn finish(mutate: &Mutate<'_>, ctx: &Ctx<'_>) -> Result<(), StepError> {
    let argv = ["dpkg", "--force-confdef", "--force-confold", "--configure", "--pending"];
    let output = mutate.job(FINISH, alone(argv.map(str::to_owned).to_vec())).await?;
    if output.status != 0 {
        ctx.note("dpkg was cut off in the middle and cannot finish alone; apt goes on from there");
    }
    Ok(())
}

/// Has packages stay as they are.
pub(super) async fn hold(mutate: &Mutate<'_>, packages: &[String]) -> Result<(), StepError> {
    mark(mutate, "hold", packages).await
}

/// The opposite of [`hold`].
pub(super) async fn let_go(mutate: &Mutate<'_>, packages: &[String]) -> Result<(), StepError> {
    mark(mutate, "unhold", packages).await
}

/// Takes packages away, with their configuration; dpkg, unlike apt, leaves those that others need.
pub(super) async fn purge(mutate: &Mutate<'_>, ctx: &Ctx<'_>, packages: &[String]) -> Result<(), StepError> {
    away(mutate, ctx, "--purge", packages).await
}

/// Takes packages away, and leaves their configuration.
pub(super) async fn remove(mutate: &Mutate<'_>, ctx: &Ctx<'_>, packages: &[String]) -> Result<(), StepError> {
    away(mutate, ctx, "--remove", packages).await
}

async fn away(mutate: &Mutate<'_>, ctx: &Ctx<'_>, how: &str, packages: &[String]) -> Result<(), StepError> {
    if packages.is_empty() {
        return Ok(());
    }
    let argv = [vec!["dpkg".to_owned(), how.to_owned()], packages.to_vec()].concat();
    let command = alone(argv);
    let output = mutate.job(PURGE, command.clone()).await?;
    if output.status != 0 {
        let error = StepError::program(&command.argv, &output);
        // dpkg's words for a lock of another one that is at work: nothing was looked at
        if error.to_string().contains("locked by another process") {
            return Err(error);
        }
        ctx.note(format!("some packages stay: {error}"));
    }
    Ok(())
}

/// Has dpkg want packages that it was asked to purge and did not: else its next `--pending` would.
pub(super) async fn want(mutate: &Mutate<'_>, packages: &[String]) -> Result<(), StepError> {
    if packages.is_empty() {
        return Ok(());
    }
    let mut command = alone(["dpkg", "--set-selections"].map(str::to_owned).to_vec());
    command.stdin = packages.iter().flat_map(|name| [name, " install\n"]).collect::<String>().into_bytes();
    well(mutate, command).await.map(drop)
}

async fn mark(mutate: &Mutate<'_>, how: &str, packages: &[String]) -> Result<(), StepError> {
    if packages.is_empty() {
        return Ok(());
    }
    let mut argv = vec!["apt-mark".to_owned(), how.to_owned()];
    argv.extend_from_slice(packages);
    well(mutate, alone(argv)).await.map(drop)
}

fn alone(argv: Vec<String>) -> Command {
    let mut command = Command::new(argv).timeout(SECONDS);
    command.env = ALONE.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    command
}

#[cfg(test)]
mod tests {
    use super::simulated;

    #[test]
    fn what_apt_would_do() {
        let text = "NOTE: This is only a simulation!\nInst libseccomp2 [2.5.3] (2.5.4-1 Debian:12.5/stable [amd64])\n\
            Inst chrony (4.3-2+deb12u1 . [amd64])\nRemv ntp [1:4.2]\nConf chrony (4.3-2+deb12u1 . [amd64])\n";
        assert_eq!(simulated(text), (vec!["chrony".to_owned()], vec!["ntp".to_owned()]));
    }
}
