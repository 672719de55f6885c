//! From a login to a helper that listens: one look, then one command, through sudo where needed.

use std::fmt::Write as _;
use std::io::Cursor;

use tokio::io::AsyncReadExt as _;

use super::Inner;
use crate::error::Context as _;
use crate::helper::{Config, Mode, Started};
use crate::{HostError, Owner, paths};

const DOING: &str = "starting the helper";

/// A helper that has been started.
pub(super) struct Listening {
    /// What opens a channel to it: a command over SSH, its socket here.
    pub(super) attach: String,
    /// What it wants to hear first.
    pub(super) token: String,
    /// Its systemd unit.
    pub(super) unit: String,
    /// Who held the node's lock before and did not end by itself.
    pub(super) previous: Option<Owner>,
}

/// Waits until a helper that was told to end has ended and cleaned up behind itself, ten seconds at most: who
/// looks at the node after us finds it as it will stay. Without systemd there is no unit and nothing to wait for.
pub(super) async fn ended(inner: &Inner, unit: &str) -> Result<(), HostError> {
    let line = format!(
        "sh -c 'n=0; while [ $n -lt 100 ]; do case $(systemctl is-active {unit} 2>/dev/null) in \
         active|deactivating) n=$((n+1)); sleep 0.1;; *) exit 0;; esac; done'"
    );
    inner.links.exec(&line, tokio::io::empty(), "ending the helper").await.map(drop)
}

/// Starts a helper.
pub(super) async fn start(inner: &Inner) -> Result<Listening, HostError> {
    let name = inner.links.name();
    let root = inner.options.root.clone().unwrap_or_default();
    let dir = format!("{root}{}/{}", paths::HELPERS, inner.binary.digest.short());
    if !plain(&dir) || !plain(&inner.run) {
        return Err(HostError::refused(name, DOING, format!("'{dir}' or '{}' needs quoting", inner.run)));
    }
    let seen = look(inner, &dir).await?;
    let upload = seen.digest != inner.binary.digest.hex();
    let (token, id) = (random(32), format!("{}-{}", inner.run, random(4)));
    let config = Config {
        node: name.to_owned(),
        run: inner.run.clone(),
        id,
        mode: inner.mode,
        owner: inner.owner.clone(),
        token: token.clone(),
        peer_uid: seen.uid,
        starter: inner.options.starter,
        root: inner.options.root.clone(),
        remove_binary: (upload && inner.mode != Mode::Run).then(|| dir.clone()),
        idle_s: inner.options.idle_s.unwrap_or(60),
    };
    let script = script(inner, &dir, upload);
    let sudo = if seen.uid == 0 { "" } else { "sudo -n " };
    let json = serde_json::to_vec(&config).on(name, || DOING.to_owned())?;
    let line = format!("{sudo}sh -c '{script}'");
    let output = if upload {
        let file = tokio::fs::File::open(&inner.binary.path).await.on(name, || DOING.to_owned())?;
        inner.links.exec(&line, file.take(inner.binary.size).chain(Cursor::new(json)), DOING).await?
    } else {
        inner.links.exec(&line, Cursor::new(json), DOING).await?
    };
    match serde_json::from_str::<Started>(output.stdout.trim()) {
        Ok(Started::Listening { socket, previous }) => {
            let attach = inner.links.attach(&dir, &socket);
            let unit = format!("sealift-helper-{}.service", config.id);
            Ok(Listening { attach, token, unit, previous })
        }
        Ok(Started::Failed(error)) => Err(error),
        Err(_) if !sudo.is_empty() && sudo_refusal(&output.stderr).is_some() => {
            let why = sudo_refusal(&output.stderr).unwrap_or_default().to_owned();
            Err(inner.links.no_root(why))
        }
        Err(_) => {
            let why = format!("status {}: {}", output.status, output.stderr.trim());
            Err(HostError::refused(name, DOING, why))
        }
    }
}

struct Seen {
    uid: u32,
    digest: String,
}

/// Who we are there, and what binary is there already; unprivileged.
async fn look(inner: &Inner, dir: &str) -> Result<Seen, HostError> {
    let line = format!("sh -c 'id -u; sha256sum {dir}/sealift 2>/dev/null || :'");
    let output = inner.links.exec(&line, tokio::io::empty(), DOING).await?;
    let mut words = output.stdout.split_whitespace();
    let uid = words.next().and_then(|word| word.parse().ok());
    let uid = uid.ok_or_else(|| {
        let why = format!("a shell that runs `sh`, `id` and `sha256sum` is needed: {}", output.stderr.trim());
        HostError::refused(inner.links.name(), DOING, why)
    })?;
    Ok(Seen { uid, digest: words.next().unwrap_or_default().to_owned() })
}

/// What root does. The binary lands under a name of its own, is compared, made durable and only then gets
/// its name: a cut leaves nothing that could be started. No single quotes: the line is quoted with them.
fn script(inner: &Inner, dir: &str, upload: bool) -> String {
    let mut text = "set -e; umask 022; ".to_owned();
    if upload {
        let (size, hex) = (inner.binary.size, inner.binary.digest.hex());
        let part = format!("{dir}/sealift.part.$$");
        // writing to a String cannot fail
        let _ = write!(
            text,
            "mkdir -p {dir}; trap \"rm -f {part}\" EXIT; head -c {size} >{part}; \
             echo \"{hex}  {part}\" | sha256sum -c --status || {{ echo \"the upload arrived damaged\" >&2; exit 65; }}; \
             chmod 755 {part}; sync {part}; mv -f {part} {dir}/sealift; trap - EXIT; "
        );
    }
    let _ = write!(text, "exec {dir}/sealift helper start");
    text
}

/// What sudo itself said no with. That it cannot resolve the node's own name is a warning (which costs 20 s
/// where the nameserver does not answer), not a refusal.
fn sudo_refusal(stderr: &str) -> Option<&str> {
    let said = |line: &&str| line.contains("sudo:") && !line.contains("unable to resolve host");
    stderr.lines().map(str::trim).find(|line| said(line) || line.contains("sudoers"))
}

/// Whether a word means itself to every shell.
fn plain(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
}

/// So many random bytes, in hex.
fn random(bytes: usize) -> String {
    (0..bytes).fold(String::new(), |mut text, _| {
        // writing to a String cannot fail
        let _ = write!(text, "{:02x}", rand::random::<u8>());
        text
    })
}

#[cfg(test)]
mod tests {
    use super::{plain, sudo_refusal};

    #[test]
    fn tells_a_refusal_from_a_warning() {
        let warning = "sudo: unable to resolve host cp1: Temporary failure in name resolution\n";
        assert_eq!(sudo_refusal(warning), None);
        let refusal = "sudo: a password is required";
        assert_eq!(sudo_refusal(&format!("{warning}{refusal}\n")), Some(refusal));
        assert!(sudo_refusal("ops is not in the sudoers file.").is_some());
        assert_eq!(sudo_refusal("the upload arrived damaged\n"), None);
    }

    #[test]
    fn lets_no_word_through_that_a_shell_would_read() {
        for word in ["", "a b", "a;b", "$(x)", "a'b", "a`b", "a\nb"] {
            assert!(!plain(word), "{word:?}");
        }
        assert!(plain("/var/lib/sealift/helper/0a1b/x-1.2_3"));
    }
}
