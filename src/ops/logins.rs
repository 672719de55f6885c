//! How this operator logs in: whose keys, which agent, and where a password comes from.

use std::io::{BufRead as _, BufReader, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealift_cluster::{Jump, Login, Node, identity_path};
use sealift_node::{Ask, HostError, HostKey, Identity, Secret, Shared, Target, Wanted};

use crate::cli::LoginArgs;

/// A password file is one line; whoever names a disk image by mistake is not read.
const LINE: u64 = 4096;

/// Everything a login needs that the cluster file does not say. What a person typed is known to all connections that
/// are made by it, for as long as it lives.
pub(crate) struct Logins {
    folder: PathBuf,
    home: Option<PathBuf>,
    agent: Option<Identity>,
    shared: Arc<Shared>,
}

impl Logins {
    /// For a cluster file in `folder`, to which its identity files are relative.
    pub(crate) fn new(folder: &Path, args: &LoginArgs) -> Self {
        Self {
            folder: folder.to_owned(),
            home: std::env::var_os("HOME").map(PathBuf::from),
            agent: std::env::var_os("SSH_AUTH_SOCK")
                .filter(|socket| !socket.is_empty())
                .map(|socket| Identity::Agent(socket.into())),
            shared: Arc::new(Shared::new(Arc::new(Operator(args.clone())))),
        }
    }

    /// A node over SSH, through its jump hosts.
    pub(crate) fn target(&self, node: &Node, login: &Login) -> Result<Target, HostError> {
        let name = node.name.to_string();
        Ok(Target {
            address: node.ssh.address.to_string(),
            before: node
                .network
                .as_ref()
                .and_then(|network| network.current)
                .map(|address| address.to_string()),
            port: login.port,
            user: login.user.clone(),
            identities: self.identities(&login.identity_files),
            host_key: pinned(&name, login.host_key.as_ref())?,
            through: self.way(&name, &login.jump)?,
            shared: Arc::clone(&self.shared),
            name,
        })
    }

    /// The last of a chain of jump hosts, each reached through the one before it.
    pub(crate) fn way(&self, node: &str, chain: &[Jump]) -> Result<Option<Box<Target>>, HostError> {
        let mut through = None;
        for hop in chain {
            let name = format!("the jump host {} of {node}", hop.address);
            through = Some(Box::new(Target {
                address: hop.address.to_string(),
                before: None,
                port: hop.port,
                user: hop.user.clone(),
                identities: self.identities(&hop.identity_files),
                host_key: pinned(&name, hop.host_key.as_ref())?,
                through,
                shared: Arc::clone(&self.shared),
                name,
            }));
        }
        Ok(through)
    }

    /// What is tried to log in with these keys.
    pub(crate) fn identities(&self, files: &[String]) -> Vec<Identity> {
        let home = self.home.as_deref();
        let files = files.iter().map(|file| Identity::File(identity_path(file, &self.folder, home)));
        files.chain(self.agent.clone()).collect()
    }

    /// What all connections of this run share.
    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }
}

fn pinned(host: &str, key: Option<&sealift_cluster::HostKey>) -> Result<Option<HostKey>, HostError> {
    let parse = |key: &sealift_cluster::HostKey| {
        key.to_string().parse().map_err(|error| HostError::Protocol {
            host: host.to_owned(),
            why: format!("reading its pinned host key: {error}"),
        })
    };
    key.map(parse).transpose()
}

/// The person at the terminal, or files in their place.
struct Operator(LoginArgs);

impl Ask for Operator {
    fn ask(&self, wanted: &Wanted) -> Result<Secret, String> {
        let (file, option, question) = match wanted {
            Wanted::Passphrase { file, again } => {
                let wrong = if *again { "That was not it. " } else { "" };
                let question = format!("{wrong}Passphrase of {}: ", file.display());
                if *again && self.0.ssh_passphrase_file.is_some() {
                    return Err("that of --ssh-passphrase-file is another one".to_owned());
                }
                (&self.0.ssh_passphrase_file, "--ssh-passphrase-file", question)
            }
            Wanted::Login { user, host } => {
                let question =
                    format!("Password of {user} to log in, on {host} and wherever it is asked for: ");
                (&self.0.ssh_password_file, "--ssh-password-file", question)
            }
            Wanted::Sudo { user, host } => {
                let question =
                    format!("Password of {user} for sudo, on {host} and wherever it is asked for: ");
                (&self.0.sudo_password_file, "--sudo-password-file", question)
            }
            Wanted::Answer { host, prompt, .. } => (&None, "", format!("{host} asks: {} ", prompt.trim())),
        };
        match file {
            Some(file) => first_line(file),
            None => typed(&question, option),
        }
    }
}

fn typed(question: &str, option: &str) -> Result<Secret, String> {
    if !std::io::stdin().is_terminal() {
        let instead = if option.is_empty() { String::new() } else { format!(" (scripts: {option})") };
        return Err(format!("there is no terminal to ask for it{instead}"));
    }
    let typed = rpassword::prompt_password(question).map_err(|error| format!("asking for it: {error}"))?;
    if typed.is_empty() { Err("nothing was typed".to_owned()) } else { Ok(Secret::new(typed)) }
}

/// The first line, also of a pipe (`/dev/fd/3`).
fn first_line(file: &Path) -> Result<Secret, String> {
    let shown = file.display();
    let mut line = String::new();
    let read = std::fs::File::open(file)
        .and_then(|file| BufReader::new(std::io::Read::take(file, LINE)).read_line(&mut line));
    read.map_err(|error| format!("reading {shown}: {error}"))?;
    let text = line.trim_end_matches(['\n', '\r']);
    if text.is_empty() { Err(format!("the first line of {shown} is empty")) } else { Ok(Secret::new(text)) }
}

#[cfg(test)]
mod tests {
    use super::{Ask as _, LoginArgs, Operator, Wanted};

    #[test]
    fn files_stand_in_for_the_terminal() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::write(path("login"), "canary-1\nsecond line\n").unwrap();
        std::fs::write(path("empty"), "\n").unwrap();
        let args = LoginArgs {
            ssh_password_file: Some(path("login")),
            sudo_password_file: Some(path("empty")),
            ssh_passphrase_file: Some(path("none")),
        };
        let operator = Operator(args);
        let (user, host) = ("ops".to_owned(), "cp1".to_owned());
        let login = operator.ask(&Wanted::Login { user: user.clone(), host: host.clone() }).unwrap();
        assert_eq!(login, sealift_node::Secret::new("canary-1"));
        let empty = operator.ask(&Wanted::Sudo { user, host }).unwrap_err();
        assert!(empty.contains("is empty"), "{empty}");
        let file = path("key");
        let missing = operator.ask(&Wanted::Passphrase { file: file.clone(), again: false }).unwrap_err();
        assert!(missing.contains("No such file"), "{missing}");
        let again = operator.ask(&Wanted::Passphrase { file, again: true }).unwrap_err();
        assert!(again.contains("--ssh-passphrase-file is another one"), "{again}");
    }
}
