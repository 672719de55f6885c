//! The control plane to adopt from, and that it is the one that is meant.

use std::io::IsTerminal as _;
use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr;

use sealift_node::{HostKey, Target, scan_host_key};

use super::refused;
use crate::cli::AdoptArgs;
use crate::ops::{Exit, Failure, Logins};
use crate::shell::Shell;

/// `[USER@]ADDRESS[:PORT]`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) user: Option<String>,
    address: IpAddr,
    port: u16,
}

impl FromStr for Place {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let wrong = || {
            let message =
                format!("--from: '{text}' is no [USER@]ADDRESS[:PORT] with an IP address; nothing was asked");
            Failure::new(Exit::Usage, message).next("sealift adopt --from ops@10.77.0.11")
        };
        let (user, place) = match text.rsplit_once('@') {
            Some((user, place)) => (Some(user.to_owned()), place),
            None => (None, text),
        };
        if user.as_ref().is_some_and(String::is_empty) {
            return Err(wrong());
        }
        let (address, port) = if let Ok(address) = place.parse::<IpAddr>() {
            (address, 22)
        } else {
            let place: std::net::SocketAddr = place.parse().map_err(|_| wrong())?;
            (place.ip(), place.port())
        };
        Ok(Self { user, address, port })
    }
}

impl Place {
    /// Where to connect, with a host key that was confirmed: by `--host-key`, or by a person at a terminal. Never
    /// blindly: `--yes` does not answer for it.
    pub(super) async fn confirmed(&self, args: &AdoptArgs, shell: &Shell) -> anyhow::Result<Target> {
        let address = self.address.to_string();
        let logins = Logins::new(Path::new(""), &args.logins);
        let files = args.identity.iter().map(|path| path.display().to_string());
        let target = Target {
            name: address.clone(),
            address: address.clone(),
            before: None,
            port: self.port,
            user: self.user.clone().unwrap_or_else(|| "root".to_owned()),
            identities: logins.identities(&files.collect::<Vec<_>>()),
            host_key: None,
            through: None,
            shared: logins.shared(),
        };
        let seen = scan_host_key(&target).await.map_err(refused)?;
        let agree = match &args.host_key {
            Some(wanted) => is(&seen, wanted).then_some(()).ok_or_else(|| {
                let message = format!(
                    "{address} shows {}, not the host key that was given; no credential was sent and nothing was written",
                    seen.fingerprint()
                );
                Failure::new(Exit::HostIdentity, message).next("compare at the machine's own console")
            }),
            None => self.asked(&seen, shell),
        };
        agree?;
        Ok(Target { host_key: Some(seen), ..target })
    }

    fn asked(&self, seen: &HostKey, shell: &Shell) -> Result<(), Failure> {
        let fingerprint = seen.fingerprint();
        if !shell.asks() || !std::io::stdin().is_terminal() {
            let message = format!(
                "{} shows {fingerprint}, and nobody says that this is right; no credential was sent and nothing was written",
                self.address
            );
            let key = fingerprint.split(' ').next_back().unwrap_or_default();
            return Err(Failure::new(Exit::HostIdentity, message)
                .next(format!("compare with the machine's own console, then add --host-key {key}")));
        }
        shell.say(&format!("{} shows {fingerprint}", self.address));
        let agreed = shell.confirm("Is that what the machine's own console says?");
        match agreed {
            Ok(true) => Ok(()),
            Ok(false) => {
                Err(Failure::new(Exit::HostIdentity, "no credential was sent and nothing was written"))
            }
            Err(error) => Err(Failure::new(Exit::of(&error), error.to_string())),
        }
    }
}

/// Whether a person's words name this key: its fingerprint, or the whole key, with or without a comment.
fn is(seen: &HostKey, wanted: &str) -> bool {
    let wanted = wanted.trim();
    let fingerprint = seen.fingerprint();
    wanted == fingerprint
        || fingerprint.split(' ').next_back() == Some(wanted)
        || wanted.parse::<HostKey>().is_ok_and(|key| key == *seen)
}

#[cfg(test)]
mod tests {
    use super::{Exit, Place, is};

    #[test]
    fn an_address_with_and_without_user_and_port() {
        for (text, user, address, port) in [
            ("10.0.0.1", None, "10.0.0.1", 22),
            ("ops@10.0.0.1", Some("ops"), "10.0.0.1", 22),
            ("ops@10.0.0.1:2222", Some("ops"), "10.0.0.1", 2222),
            ("ops@fd00::1", Some("ops"), "fd00::1", 22),
            ("[fd00::1]:2222", None, "fd00::1", 2222),
        ] {
            let user = user.map(str::to_owned);
            assert_eq!(
                text.parse::<Place>().unwrap(),
                Place { user, address: address.parse().unwrap(), port }
            );
        }
        for text in ["", "cp1", "@10.0.0.1", "ops@cp1", "10.0.0.1:x", "10.0.0"] {
            assert_eq!(text.parse::<Place>().unwrap_err().exit, Exit::Usage, "{text}");
        }
    }

    #[test]
    fn a_key_is_named_by_fingerprint_or_whole() {
        let text = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
        let key: sealift_node::HostKey = text.parse().unwrap();
        let fingerprint = key.fingerprint();
        let short = fingerprint.split(' ').next_back().unwrap();
        for good in [text, &format!("{text} root@cp1"), &fingerprint, short] {
            assert!(is(&key, good), "{good}");
        }
        for bad in ["", "SHA256:", "ssh-ed25519", "SHA256:AAAA"] {
            assert!(!is(&key, bad), "{bad}");
        }
    }
}
