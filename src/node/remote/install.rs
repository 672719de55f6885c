//! From a login to a helper that listens: one look, then one command, through sudo where needed.

use std::fmt::Write as _;
use std::io::Cursor;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::Inner;
use super::sudo::by_sudo;
use crate::error::Context as _;
use crate::helper::{Config, Mode, Started};
use crate::ssh::Script;
use crate::{HostError, Obstacle, Owner, SudoRefusal, paths};

pub(super) const DOING: &str = "starting the helper";

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
    let script = Script { line: &line, ready: "", prompt: None, terminal: false };
    inner.links.exec(script, tokio::io::empty(), "ending the helper").await.map(drop)
}

/// Starts a helper.
pub(super) async fn start(inner: &Inner) -> Result<Listening, HostError> {
    let name = inner.links.name();
    let root = inner.options.root.clone().unwrap_or_default();
    let shared = format!("{root}{}/{}", paths::HELPERS, inner.binary.digest.short());
    if !plain(&shared) || !plain(&inner.run) {
        return Err(HostError::refused(name, DOING, format!("'{shared}' or '{}' needs quoting", inner.run)));
    }
    let seen = look(inner, &shared).await?;
    let upload = seen.digest != inner.binary.digest.hex();
    let (token, id) = (random(32), format!("{}-{}", inner.run, random(4)));
    // What is taken away again is nobody else's: a run that begins meanwhile must not count on it.
    let own = upload && inner.mode != Mode::Run;
    let dir = if own { format!("{shared}-{id}") } else { shared };
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
        remove_binary: own.then(|| dir.clone()),
        idle_s: inner.options.idle_s.unwrap_or(60),
    };
    let json = serde_json::to_vec(&config).on(name, || DOING.to_owned())?;
    let ready = format!("sealift-ready-{}", random(4));
    let script = script(inner, &dir, upload, &ready, json.len());
    let told = if seen.uid == 0 {
        let line = format!("/bin/sh -c '{script}'");
        let script = Script { line: &line, ready: &ready, prompt: None, terminal: false };
        inner.links.exec(script, input(inner, upload, json).await?, DOING).await?
    } else if seen.sudo {
        by_sudo(inner, &script, &ready, || input(inner, upload, json.clone())).await?
    } else {
        let why = "there is no program sudo in the PATH of this user".to_owned();
        return Err(inner.links.no_root(SudoRefusal::NoProgram, why));
    };
    let output = told.output;
    let answer = output.stdout.lines().find_map(|line| serde_json::from_str::<Started>(line.trim()).ok());
    match answer {
        Some(Started::Listening { socket, previous }) => {
            let attach = inner.links.attach(&dir, &socket);
            let unit = format!("sealift-helper-{}.service", config.id);
            Ok(Listening { attach, token, unit, previous })
        }
        Some(Started::Failed(HostError::Refused { host, what: _, why }))
            if Obstacle::of(0, &why).is_some() =>
        {
            let obstacle = Obstacle::of(0, &why).unwrap_or(Obstacle::NoSystemd);
            Err(HostError::NoHelper { host, obstacle, why })
        }
        Some(Started::Failed(error)) => Err(error),
        None => {
            let said = format!("{}\n{}", output.stderr, after(&output.stdout, &ready));
            let why = format!("status {}: {}", output.status, said.trim());
            Err(match Obstacle::of(output.status, &said) {
                Some(obstacle) => HostError::NoHelper { host: name.to_owned(), obstacle, why },
                None => HostError::refused(name, DOING, why),
            })
        }
    }
}

/// What root's script reads: the program where it is not there yet, then the configuration.
async fn input(
    inner: &Inner,
    upload: bool,
    json: Vec<u8>,
) -> Result<Box<dyn AsyncRead + Send + Unpin>, HostError> {
    if !upload {
        return Ok(Box::new(Cursor::new(json)));
    }
    let file = tokio::fs::File::open(&inner.binary.path).await.on(inner.links.name(), || DOING.to_owned())?;
    Ok(Box::new(file.take(inner.binary.size).chain(Cursor::new(json))))
}

/// What stands behind the mark: before it, others may have talked.
fn after<'a>(text: &'a str, mark: &str) -> &'a str {
    text.split_once(mark).map_or(text, |(_, after)| after)
}

struct Seen {
    uid: u32,
    /// Whether there is a sudo.
    sudo: bool,
    digest: String,
}

/// Who we are there, and what binary is there already; unprivileged. What the start files of a login shell print
/// stands before the mark.
async fn look(inner: &Inner, dir: &str) -> Result<Seen, HostError> {
    let mark = format!("sealift-look-{}", random(4));
    let line = format!(
        "/bin/sh -c 'echo; echo {mark} $(id -u) $(command -v sudo >/dev/null 2>&1 && echo yes || echo no) \
         $(sha256sum {dir}/sealift 2>/dev/null || :)'"
    );
    let script = Script { line: &line, ready: "", prompt: None, terminal: false };
    let output = inner.links.exec(script, tokio::io::empty(), DOING).await?.output;
    // a shell that traces its commands shows the line itself, too
    let lines = output.stdout.lines().filter_map(|line| line.trim().strip_prefix(&mark));
    let mut seen = lines.filter_map(|rest| {
        let mut words = rest.split_whitespace();
        let uid = words.next()?.parse().ok()?;
        let sudo = words.next()? == "yes";
        Some(Seen { uid, sudo, digest: words.next().unwrap_or_default().to_owned() })
    });
    seen.next_back().ok_or_else(|| {
        let said: String = format!("{} {}", output.stdout.trim(), output.stderr.trim());
        let obstacle = Obstacle::of(output.status, &said).filter(|it| *it == Obstacle::Expired);
        let said: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
        let why = match obstacle {
            Some(_) => said.trim().to_owned(),
            None => format!(
                "`/bin/sh`, `id` and `sha256sum` cannot be run there, something else answers (status {}): {}",
                output.status,
                said.trim()
            ),
        };
        let host = inner.links.name().to_owned();
        HostError::NoHelper { host, obstacle: obstacle.unwrap_or(Obstacle::NoShell), why }
    })
}

/// What root does. The binary lands under a name of its own, is compared, made durable and only then gets
/// its name: a cut leaves nothing that could be started. No single quotes: the line is quoted with them. Inputs are
/// counted, not read to their end: on a terminal there is none.
fn script(inner: &Inner, dir: &str, upload: bool, ready: &str, json: usize) -> String {
    let mut text = format!(
        "export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH; set -e; umask 022; echo; echo {ready}; "
    );
    if upload {
        let (size, hex) = (inner.binary.size, inner.binary.digest.hex());
        let part = format!("{dir}/sealift.part.$$");
        let undone = if inner.mode == Mode::Run { format!("rm -f {part}") } else { format!("rm -rf {dir}") };
        // writing to a String cannot fail
        let _ = write!(
            text,
            "mkdir -p {dir}; trap \"{undone}\" EXIT; head -c {size} >{part}; \
             echo \"{hex}  {part}\" | sha256sum -c --status || {{ echo \"the upload arrived damaged\" >&2; exit 65; }}; \
             chmod 755 {part}; sync {part}; mv -f {part} {dir}/sealift; trap - EXIT; "
        );
    }
    let _ = write!(text, "head -c {json} | {dir}/sealift helper start");
    text
}

/// Whether a word means itself to every shell.
fn plain(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
}

/// So many random bytes, in hex.
pub(super) fn random(bytes: usize) -> String {
    (0..bytes).fold(String::new(), |mut text, _| {
        // writing to a String cannot fail
        let _ = write!(text, "{:02x}", rand::random::<u8>());
        text
    })
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn lets_no_word_through_that_a_shell_would_read() {
        for word in ["", "a b", "a;b", "$(x)", "a'b", "a`b", "a\nb"] {
            assert!(!plain(word), "{word:?}");
        }
        assert!(plain("/var/lib/sealift/helper/0a1b/x-1.2_3"));
    }
}
