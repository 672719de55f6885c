//! OpenSSH's `known_hosts` (sshd(8)): keys taken from it, and lines made for it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use sealift_cluster::{Access, Cluster, HostKey};

/// A line that names a key.
#[derive(Debug)]
struct Line {
    place: String,
    revoked: bool,
    hosts: String,
    key: HostKey,
}

/// What some files know.
#[derive(Debug, Default)]
pub(super) struct KnownHosts {
    lines: Vec<Line>,
    /// Lines that name a certificate authority, which no node's key can be pinned from.
    pub(super) authorities: Vec<String>,
}

impl KnownHosts {
    /// Reads all of them; what cannot be read is an error, what is no key that can be pinned is passed over.
    pub(super) fn read(files: &[PathBuf]) -> Result<Self, String> {
        let mut known = Self::default();
        for file in files {
            let text = std::fs::read_to_string(file)
                .map_err(|error| format!("reading {}: {error}", file.display()))?;
            known.add(&text, file);
        }
        Ok(known)
    }

    fn add(&mut self, text: &str, file: &Path) {
        for (at, line) in text.lines().enumerate() {
            let place = format!("{}:{}", file.display(), at + 1);
            let mut words = line.split_ascii_whitespace().peekable();
            let marker = words.next_if(|word| word.starts_with('@'));
            let Some(hosts) = words.next().filter(|word| !word.starts_with('#')) else { continue };
            if marker == Some("@cert-authority") {
                self.authorities.push(place);
                continue;
            }
            let key = format!("{} {}", words.next().unwrap_or_default(), words.next().unwrap_or_default());
            if let Ok(key) = key.parse() {
                let revoked = marker == Some("@revoked");
                self.lines.push(Line { place, revoked, hosts: hosts.to_owned(), key });
            }
        }
    }

    /// Keys that stand for a server with one of these names, with their places: ed25519 first, the order in which
    /// sealift asks a server.
    pub(super) fn keys(&self, names: &[String]) -> Vec<(&HostKey, &str)> {
        let of = |line: &&Line| !line.revoked && names.iter().any(|name| matches(&line.hosts, name));
        let mut keys: Vec<_> =
            self.lines.iter().filter(of).map(|line| (&line.key, line.place.as_str())).collect();
        keys.sort_by_key(|(key, _)| match key.algorithm() {
            "ssh-ed25519" => 0,
            "ssh-rsa" => 2,
            _ => 1,
        });
        keys
    }

    /// Where it says that this key must not be trusted any more, whoever shows it.
    pub(super) fn revoked(&self, key: &HostKey) -> Option<&str> {
        self.lines.iter().find(|line| line.revoked && line.key == *key).map(|line| line.place.as_str())
    }
}

/// A server's name as `known_hosts` has it.
pub(super) fn name(host: &str, port: u16) -> String {
    if port == 22 { host.to_owned() } else { format!("[{host}]:{port}") }
}

/// Whether the first field of a line is for this name: a hash, or patterns of which none may say no.
fn matches(hosts: &str, name: &str) -> bool {
    let mut found = false;
    for pattern in hosts.split(',') {
        match pattern.strip_prefix('!') {
            Some(not) if glob(not.as_bytes(), name.as_bytes()) => return false,
            Some(_) => {}
            None if pattern.starts_with("|1|") => found |= hashed(pattern, name),
            None => found |= glob(pattern.as_bytes(), name.as_bytes()),
        }
    }
    found
}

/// `|1|SALT|HASH`: an HMAC-SHA1 of the name.
fn hashed(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('|').skip(2).map(|part| STANDARD.decode(part));
    let (Some(Ok(salt)), Some(Ok(hash))) = (parts.next(), parts.next()) else { return false };
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &salt);
    hmac::verify(&key, name.as_bytes(), &hash).is_ok()
}

fn glob(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => {
            glob(rest, name) || name.split_first().is_some_and(|(_, tail)| glob(pattern, tail))
        }
        ([b'?', rest @ ..], [_, tail @ ..]) => glob(rest, tail),
        ([one, rest @ ..], [other, tail @ ..]) => one.eq_ignore_ascii_case(other) && glob(rest, tail),
        _ => false,
    }
}

/// Lines by which plain `ssh` trusts the same keys: nodes by address and name, jump hosts by address.
pub(super) fn lines(cluster: &Cluster) -> String {
    let mut text = String::new();
    let mut line = |names: String, key: Option<&HostKey>| {
        if let Some(key) = key {
            let line = format!("{names} {key}\n");
            if !text.contains(&line) {
                // writing to a String cannot fail
                let _ = write!(text, "{line}");
            }
        }
    };
    for node in cluster.nodes() {
        let Access::Login(login) = &node.ssh.access else { continue };
        for hop in &login.jump {
            line(name(&hop.address.to_string(), hop.port), hop.host_key.as_ref());
        }
        let (address, called) = (node.ssh.address.to_string(), node.name.as_str());
        line(format!("{},{}", name(&address, login.port), name(called, login.port)), login.host_key.as_ref());
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::{KnownHosts, matches, name};

    #[test]
    fn names_are_matched_as_openssh_does() {
        for (hosts, wanted, is) in [
            ("10.0.0.1", "10.0.0.1", true),
            ("cp1,10.0.0.1", "10.0.0.1", true),
            ("10.0.0.11", "10.0.0.1", false),
            ("10.0.0.?", "10.0.0.1", true),
            ("*.plant", "CP1.plant", true),
            ("10.*,!10.0.0.1", "10.0.0.1", false),
            ("[10.0.0.1]:2222", "[10.0.0.1]:2222", true),
            ("10.0.0.1", "[10.0.0.1]:2222", false),
            ("|1|broken", "10.0.0.1", false),
        ] {
            assert_eq!(matches(hosts, wanted), is, "{hosts} {wanted}");
        }
    }

    /// The hashes are those of the real ssh-keygen.
    #[test]
    fn files_of_openssh_are_understood() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("known_hosts");
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB17WsHfdX2mQEAx6cSX505TEmHdRl4dDgn3I2Ulau3L";
        let other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        std::fs::write(&path, format!("10.0.0.1 {key} root@cp1\n[10.0.0.2]:2222 {key}\n")).unwrap();
        let hashed = Command::new("ssh-keygen").args(["-q", "-H", "-f"]).arg(&path).status().unwrap();
        assert!(hashed.success());
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("|1|"), "{text}");
        let mut known = KnownHosts::default();
        known.add(&text, Path::new("k"));
        known.add(
            &format!(
                "# no\n\n@cert-authority * {key}\n@revoked * {other}\nw1\tssh-dss AAAA\nw1\t{other} c\n"
            ),
            Path::new("l"),
        );
        let found =
            |host: &str, port| known.keys(&[name(host, port)]).first().map(|(_, place)| (*place).to_owned());
        assert_eq!(found("10.0.0.1", 22).as_deref(), Some("k:1"));
        assert_eq!(found("10.0.0.2", 2222).as_deref(), Some("k:2"));
        assert_eq!(found("10.0.0.2", 22), None);
        assert_eq!(found("w1", 22).as_deref(), Some("l:6"));
        assert_eq!(known.authorities, ["l:3"]);
        assert_eq!(known.revoked(&other.parse().unwrap()), Some("l:4"));
        assert_eq!(known.revoked(&key.parse().unwrap()), None);
    }
}
