//! `sealift enroll`: shows every server's host key, and pins in the cluster file what a person has agreed to.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use futures::future::join_all;
use sealift_cluster::{Access, Cluster, HostKey, Node, NodeName, with_host_keys};
use sealift_stream::AtomicFile;
use serde::Serialize;

use super::{Exit, Failure, this_machine};
use crate::cli::EnrollArgs;
use crate::shell::Shell;

/// What is known about one server's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
enum Finding {
    /// The file has none: this one could be pinned.
    Unknown { fingerprint: String },
    /// It is the pinned one.
    Pinned { fingerprint: String },
    /// It is not the pinned one.
    Changed { pinned: String, seen: String },
    /// The pinned key is of a type that the server did not choose to show; the first connection checks it.
    OtherType { pinned: String, seen: String },
    /// It is the machine that sealift runs on: there is nobody in between to be mistaken for it.
    Local,
    /// The server did not show one.
    Unreachable { why: String },
}

/// One server.
#[derive(Debug, Serialize)]
struct Scanned {
    node: NodeName,
    address: String,
    #[serde(flatten)]
    finding: Finding,
    #[serde(skip)]
    key: Option<HostKey>,
}

/// Runs `sealift enroll`.
pub(crate) async fn run(args: &EnrollArgs, shell: &Shell) -> anyhow::Result<Exit> {
    let origin = args.cluster.display().to_string();
    let text = read(&args.cluster)?;
    let profile =
        args.profile.as_deref().map(|path| Ok::<_, anyhow::Error>((read(path)?, path.display().to_string())));
    let profile = profile.transpose()?;
    let profile = profile.as_ref().map(|(text, origin)| (text.as_str(), origin.as_str()));
    let cluster = Cluster::parse(&text, &origin, profile).map_err(|problems| {
        Failure::new(Exit::Usage, format!("{problems}\nnothing was asked of any server"))
    })?;

    this_machine::check(cluster.nodes().iter()).await?;
    let scanned = join_all(cluster.nodes().iter().map(scan)).await;
    show(&scanned, shell)?;
    refuse_changed(&scanned)?;
    let unknown: Vec<(NodeName, HostKey)> = scanned
        .iter()
        .filter(|one| matches!(one.finding, Finding::Unknown { .. }))
        .filter_map(|one| Some((one.node.clone(), one.key.clone()?)))
        .collect();
    if !unknown.is_empty() {
        let keys = match unknown.len() {
            1 => "1 new key".to_owned(),
            count => format!("{count} new keys"),
        };
        let question = format!("Pin {keys} in {origin}, having compared with the servers' own consoles?");
        if !shell.confirm(&question)? {
            shell.say("nothing was written");
            return Ok(Exit::HostIdentity);
        }
        let new = with_host_keys(&text, &origin, &unknown).map_err(|error| {
            Failure::new(Exit::Usage, format!("{error}; nothing was written")).next("write `hostKey` by hand")
        })?;
        write(&args.cluster, &text, &new)?;
        shell.say(&format!("pinned {keys} in {origin}"));
    }
    unreachable_last(&scanned)
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

async fn scan(node: &Node) -> Scanned {
    let address = node.ssh.address.to_string();
    let login = match &node.ssh.access {
        Access::Login(login) => login,
        Access::Local => {
            return Scanned { node: node.name.clone(), address, finding: Finding::Local, key: None };
        }
    };
    let scan = |address: String| async move {
        (sealift_node::scan_host_key(node.name.as_str(), &address, login.port).await, address)
    };
    // before its addresses are set somebody else may answer at the one it is to have
    let current =
        node.network.as_ref().and_then(|network| network.current).map(|current| current.to_string());
    let (seen, address) = match current.filter(|_| login.host_key.is_none()) {
        Some(current) => match scan(current).await {
            (Err(_), _) => scan(address).await,
            seen => seen,
        },
        None => scan(address).await,
    };
    let key = seen.map_err(|error| error.to_string()).and_then(|key| {
        key.to_string()
            .parse::<HostKey>()
            .map_err(|wrong| format!("it showed a key that cannot be pinned: {wrong}"))
    });
    let finding = match &key {
        Err(why) => Finding::Unreachable { why: why.clone() },
        Ok(seen) => judge(login.host_key.as_ref(), seen),
    };
    Scanned {
        node: node.name.clone(),
        address: format!("{address} port {}", login.port),
        finding,
        key: key.ok(),
    }
}

fn judge(pinned: Option<&HostKey>, seen: &HostKey) -> Finding {
    let (fingerprint, say) =
        (seen.fingerprint(), |key: &HostKey| format!("{} {}", key.algorithm(), key.fingerprint()));
    match pinned {
        None => Finding::Unknown { fingerprint },
        Some(pinned) if pinned == seen => Finding::Pinned { fingerprint },
        Some(pinned) if pinned.algorithm() != seen.algorithm() => {
            Finding::OtherType { pinned: say(pinned), seen: say(seen) }
        }
        Some(pinned) => Finding::Changed { pinned: say(pinned), seen: say(seen) },
    }
}

fn show(scanned: &[Scanned], shell: &Shell) -> anyhow::Result<()> {
    if shell.json() {
        return shell.data_json(&scanned);
    }
    let wide = scanned.iter().map(|one| one.node.as_str().len()).max().unwrap_or(0);
    for one in scanned {
        let finding = match &one.finding {
            Finding::Unknown { fingerprint } => format!("{} {fingerprint}", shell.yellow("new")),
            Finding::Pinned { fingerprint } => format!("{} {fingerprint}", shell.green("pinned")),
            Finding::Changed { pinned, seen } => {
                format!("{}\n    pinned {pinned}\n    seen   {seen}", shell.red("CHANGED"))
            }
            Finding::OtherType { pinned, seen } => {
                format!(
                    "pinned {pinned}, not compared: it shows {seen}; the first connection asks for the pinned type"
                )
            }
            Finding::Local => "this machine, needs no key".to_owned(),
            Finding::Unreachable { why } => format!("{} {why}", shell.red("not reached")),
        };
        shell.data(&format!("{:wide$}  {}  {finding}", one.node.as_str(), one.address));
    }
    Ok(())
}

/// One changed key stops everything: the network is not what the file says.
fn refuse_changed(scanned: &[Scanned]) -> anyhow::Result<()> {
    let changed: Vec<String> = scanned
        .iter()
        .filter_map(|one| match &one.finding {
            Finding::Changed { pinned, seen } => Some(format!("{}: pinned {pinned}, seen {seen}", one.node)),
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
        .map(|one| one.node.as_str())
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
    use super::{Exit, Finding, HostKey, Scanned, judge, refuse_changed, unreachable_last, write};

    /// Two keys made once by `ssh-keygen -t ed25519`.
    const ONE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB17WsHfdX2mQEAx6cSX505TEmHdRl4dDgn3I2Ulau3L";
    const TWO: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn key(text: &str) -> HostKey {
        text.parse().unwrap()
    }

    fn scanned(finding: Finding) -> [Scanned; 1] {
        [Scanned { node: "cp1".parse().unwrap(), address: String::new(), finding, key: None }]
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
