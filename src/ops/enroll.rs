//! `sealift enroll`: shows every server's host key, and pins in the cluster file what a person has agreed to.

mod known_hosts;
mod servers;
mod ssh_config;

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use futures::future::join_all;
use sealift_cluster::{Cluster, HostKey, Pin, with_host_keys, with_ssh_settings};
use sealift_stream::AtomicFile;

use super::{Exit, Failure, Logins, this_machine};
use crate::cli::EnrollArgs;
use crate::shell::Shell;
use known_hosts::KnownHosts;
use servers::{Finding, Scanned, Server, scan, servers};

/// Runs `sealift enroll`.
pub(crate) async fn run(args: &EnrollArgs, shell: &Shell) -> anyhow::Result<Exit> {
    if args.print_known_hosts {
        let cluster = parse(args, &read(&args.cluster)?)?;
        shell.data(known_hosts::lines(&cluster).trim_end());
        return Ok(Exit::Done);
    }
    let known = KnownHosts::read(&args.known_hosts).map_err(|error| {
        Failure::new(Exit::Usage, format!("{error}; nothing was asked of any server"))
            .next("name a known_hosts file, like ~/.ssh/known_hosts")
    })?;
    for place in &known.authorities {
        shell.warn(&format!("{place} names a certificate authority: not taken, a node's own key is pinned"));
    }
    if args.ssh_config {
        take_settings(args, shell)?;
    }
    let mut scanned = vec![];
    let ended = rounds(args, &known, &mut scanned, shell).await;
    if shell.json() && !scanned.is_empty() {
        shell.data_json(&scanned)?;
    }
    match ended? {
        Some(exit) => Ok(exit),
        None => unreachable_last(&scanned),
    }
}

/// Looks at all servers that can be asked; what is behind a jump host can be when that one is pinned. Ends early where
/// a person says no.
async fn rounds(
    args: &EnrollArgs,
    known: &KnownHosts,
    done: &mut Vec<Scanned>,
    shell: &Shell,
) -> anyhow::Result<Option<Exit>> {
    let origin = args.cluster.display().to_string();
    let logins = Logins::new(args.cluster.parent().unwrap_or(Path::new("")), &args.logins);
    loop {
        let text = read(&args.cluster)?;
        let cluster = parse(args, &text)?;
        this_machine::check(cluster.nodes().iter()).await?;
        let left: Vec<Server> = servers(&cluster, &logins)?
            .into_iter()
            .filter(|server| !done.iter().any(|one| one.pin == server.pin))
            .collect();
        let (now, later): (Vec<_>, Vec<_>) = left.into_iter().partition(|server| server.ready);
        let round = if now.is_empty() {
            later.iter().map(Server::unasked).collect()
        } else {
            join_all(now.iter().map(|server| scan(server, known))).await
        };
        if !shell.json() {
            show(&round, shell);
        }
        let at = done.len();
        done.extend(round);
        let round = &done[at..];
        refuse_changed(round)?;
        let found = |one: &&Scanned| matches!(one.finding, Finding::Unknown { .. } | Finding::Known { .. });
        let new: Vec<(Pin, HostKey)> =
            round.iter().filter(found).filter_map(|one| Some((one.pin.clone(), one.key.clone()?))).collect();
        if !new.is_empty() && !pin(args, &origin, &text, &new, round, shell)? {
            shell.say("nothing was written");
            return Ok(Some(Exit::HostIdentity));
        }
        if now.is_empty() || later.is_empty() {
            return Ok(None);
        }
    }
}

/// Writes new keys into the file, once a person has agreed to those that no `known_hosts` file has.
fn pin(
    args: &EnrollArgs,
    origin: &str,
    text: &str,
    new: &[(Pin, HostKey)],
    round: &[Scanned],
    shell: &Shell,
) -> anyhow::Result<bool> {
    let keys = |count| match count {
        1 => "1 new key".to_owned(),
        count => format!("{count} new keys"),
    };
    let unknown = round.iter().filter(|one| matches!(one.finding, Finding::Unknown { .. })).count();
    let question =
        format!("Pin {} in {origin}, having compared with the servers' own consoles?", keys(unknown));
    if unknown > 0 && !shell.confirm(&question)? {
        return Ok(false);
    }
    let written = with_host_keys(text, origin, new).map_err(|error| {
        Failure::new(Exit::Usage, format!("{error}; nothing was written")).next("write `hostKey` by hand")
    })?;
    write(&args.cluster, text, &written)?;
    shell.say(&format!("pinned {} in {origin}", keys(new.len())));
    Ok(true)
}

/// Writes how `ssh` reaches the servers into the file, which says all from then on: nothing of `~/.ssh` counts later.
fn take_settings(args: &EnrollArgs, shell: &Shell) -> anyhow::Result<()> {
    let origin = args.cluster.display().to_string();
    let text = read(&args.cluster)?;
    let found = ssh_config::settings(&parse(args, &text)?, args.ssh_config_file.as_deref());
    let settings = found.map_err(|why| {
        Failure::new(Exit::Usage, format!("{why}; nothing was written and nothing was asked of any server"))
            .next("mend it, or write the node's ssh block by hand")
    })?;
    let new = with_ssh_settings(&text, &origin, &settings).map_err(|error| {
        Failure::new(Exit::Usage, format!("{error}; nothing was written")).next("write the ssh block by hand")
    })?;
    if new == text {
        shell.say(&format!("{origin} says already what ssh does"));
        return Ok(());
    }
    for (name, fields) in &settings {
        let fields: Vec<String> = fields.iter().map(|(field, value)| format!("{field}: {value}")).collect();
        shell.say(&format!("{name}: {}", fields.join(", ")));
    }
    if !shell.confirm(&format!("Write this into the ssh blocks of {origin}, where they say nothing else?"))? {
        return Err(Failure::new(
            Exit::Interrupted,
            "nothing was written and nothing was asked of any server",
        )
        .into());
    }
    write(&args.cluster, &text, &new)
}

fn parse(args: &EnrollArgs, text: &str) -> anyhow::Result<Cluster> {
    let profile =
        args.profile.as_deref().map(|path| Ok::<_, anyhow::Error>((read(path)?, path.display().to_string())));
    let profile = profile.transpose()?;
    let profile = profile.as_ref().map(|(text, origin)| (text.as_str(), origin.as_str()));
    let cluster = Cluster::parse(text, &args.cluster.display().to_string(), profile);
    cluster.map_err(|problems| {
        Failure::new(Exit::Usage, format!("{problems}\nnothing was asked of any server")).into()
    })
}

fn read(path: &Path) -> anyhow::Result<String> {
    sealift_cluster::read(path).map_err(|error| {
        Failure::new(Exit::Usage, error.to_string())
            .next("sealift init writes a cluster file to start from")
            .into()
    })
}

/// Puts the new text in place, unless somebody saved the file while the question stood on the screen.
fn write(path: &Path, before: &str, new: &str) -> anyhow::Result<()> {
    if read(path)? != before {
        let message =
            format!("{} was changed by someone else meanwhile; nothing was written", path.display());
        return Err(Failure::new(Exit::Refused, message).next("run the same command again").into());
    }
    // a link stays a link: its target is what is replaced
    let replace = || {
        let target = fs::canonicalize(path)?;
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&target)?.permissions()) & 0o7777;
        let mut file = AtomicFile::create_mode(&target, mode)?;
        file.write_all(new.as_bytes())?;
        file.commit()
    };
    replace().map_err(|error: io::Error| {
        let message = format!("writing {}: {error}; it is as it was, no key was pinned", path.display());
        let next = "copy it to a folder of this machine and enroll there: a stick is best left read-only";
        Failure::new(Exit::Refused, message).next(next).into()
    })
}

fn show(scanned: &[Scanned], shell: &Shell) {
    let wide = scanned.iter().map(|one| one.whose.len()).max().unwrap_or(0);
    for one in scanned {
        let finding = match &one.finding {
            Finding::Unknown { fingerprint } => format!("{} {fingerprint}", shell.yellow("new")),
            Finding::Known { fingerprint, place } => {
                format!("{} {fingerprint}, as in {place}", shell.green("known"))
            }
            Finding::Pinned { fingerprint } => format!("{} {fingerprint}", shell.green("pinned")),
            Finding::Changed { pinned, seen } => {
                format!("{}\n    pinned {pinned}\n    seen   {seen}", shell.red("CHANGED"))
            }
            Finding::Revoked { fingerprint, place } => {
                format!("{} {fingerprint}, by {place}", shell.red("REVOKED"))
            }
            Finding::OtherType { pinned, seen } => {
                format!(
                    "pinned {pinned}, not compared: it shows {seen}; the first connection asks for the pinned type"
                )
            }
            Finding::Local => "this machine, needs no key".to_owned(),
            Finding::Unreachable { why } => format!("{} {why}", shell.red("not reached")),
        };
        shell.data(&format!("{:wide$}  {}  {finding}", one.whose, one.address));
    }
}

/// One changed key stops everything: the network is not what the file says.
fn refuse_changed(scanned: &[Scanned]) -> anyhow::Result<()> {
    let changed: Vec<String> = scanned
        .iter()
        .filter_map(|one| match &one.finding {
            Finding::Changed { pinned, seen } => Some(format!("{}: pinned {pinned}, seen {seen}", one.whose)),
            Finding::Revoked { fingerprint, place } => {
                Some(format!("{}: {fingerprint} is revoked by {place}", one.whose))
            }
            _ => None,
        })
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let message =
        format!("host key changed; no credential was sent and nothing was written\n{}", changed.join("\n"));
    Err(Failure::new(Exit::HostIdentity, message)
        .next("if the server was reinstalled, compare on its console, delete its hostKey from the file, enroll again")
        .into())
}

fn unreachable_last(scanned: &[Scanned]) -> anyhow::Result<Exit> {
    let missing: Vec<&str> = scanned
        .iter()
        .filter(|one| matches!(one.finding, Finding::Unreachable { .. }))
        .map(|one| one.whose.as_str())
        .collect();
    if missing.is_empty() {
        return Ok(Exit::Done);
    }
    let message = format!("no host key from {}; the others are done", missing.join(", "));
    Err(Failure::new(Exit::Refused, message)
        .next("check power, cable and address, then run the same command again")
        .into())
}

#[cfg(test)]
mod tests {
    use super::servers::judge;
    use super::{Exit, Finding, HostKey, Pin, Scanned, refuse_changed, unreachable_last, write};

    /// Two keys made once by `ssh-keygen -t ed25519`.
    const ONE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB17WsHfdX2mQEAx6cSX505TEmHdRl4dDgn3I2Ulau3L";
    const TWO: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn key(text: &str) -> HostKey {
        text.parse().unwrap()
    }

    fn scanned(finding: Finding) -> [Scanned; 1] {
        let pin = Pin::Node("cp1".parse().unwrap());
        [Scanned { whose: "cp1".to_owned(), address: String::new(), finding, key: None, pin }]
    }

    #[test]
    fn a_changed_key_is_exit_6_and_names_both_fingerprints() {
        let finding = judge(Some(&key(ONE)), &key(TWO));
        let error = refuse_changed(&scanned(finding)).unwrap_err();
        assert_eq!(Exit::of(&error), Exit::HostIdentity);
        let text = error.to_string();
        assert!(text.contains(&key(ONE).fingerprint()) && text.contains(&key(TWO).fingerprint()), "{text}");
    }

    #[test]
    fn new_and_known_keys_are_told_apart() {
        assert!(matches!(judge(None, &key(ONE)), Finding::Unknown { .. }));
        assert!(matches!(judge(Some(&key(ONE)), &key(ONE)), Finding::Pinned { .. }));
        let silent = scanned(Finding::Unreachable { why: "no route".to_owned() });
        assert_eq!(Exit::of(&unreachable_last(&silent).unwrap_err()), Exit::Refused);
    }

    #[test]
    fn a_file_that_was_saved_meanwhile_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.yaml");
        std::fs::write(&path, "theirs").unwrap();
        assert!(write(&path, "as it was read", "ours").is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "theirs");
        write(&path, "theirs", "ours").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "ours");
    }
}
