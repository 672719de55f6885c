//! A program on the node, to its end: only what comes before there is a helper.

use std::time::Duration;

use russh::{ChannelMsg, Pty, Sig};
use tokio::io::{AsyncRead, AsyncWriteExt as _};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::shared::{Trial, Use};
use super::{Links, Secret};
use crate::{HostError, Output};

/// Both outputs are short messages; more is thrown away.
const KEEP: usize = 64 * 1024;

/// No progress for this long, in either direction: the link is dead or the program hangs.
const STALL: Duration = Duration::from_mins(2);

/// For a program to end that was killed.
const KILLED: Duration = Duration::from_secs(5);

/// A line for the login shell, and how it is talked to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Script<'a> {
    pub(crate) line: &'a str,
    /// What the line prints once it reads its input: before that nothing is fed to it, so that nobody else reads it.
    pub(crate) ready: &'a str,
    /// What sudo prompts with: these characters, whose password it wants, and a colon. Answered once.
    pub(crate) prompt: Option<&'a str>,
    /// Whether it gets a terminal, which is raw: bytes pass as they are.
    pub(crate) terminal: bool,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) output: Output,
    /// Whether the line came as far as reading its input.
    pub(crate) ready: bool,
    /// Whether a password was asked for a second time, which is how sudo says that it was wrong.
    pub(crate) again: bool,
    /// Why none was given when it was asked for.
    pub(crate) withheld: Option<String>,
}

/// Runs a line for the login shell, feeding it `stdin` when it is ready.
pub(crate) async fn exec(
    links: &Links,
    script: Script<'_>,
    mut stdin: impl AsyncRead + Unpin,
    doing: &str,
) -> Result<Told, HostError> {
    let (channel, _permit, _session) = links.bare().await?;
    let lost = |error: russh::Error| links.lost(doing, error);
    if script.terminal {
        channel.request_pty(false, "dumb", 80, 24, 0, 0, RAW).await.map_err(lost)?;
    }
    channel.exec(true, script.line).await.map_err(lost)?;
    let (mut from, to) = channel.split();
    let go = Notify::new();
    let feed = async {
        go.notified().await;
        let mut writer = to.make_writer();
        // A program that ends before it has read everything says why by its status.
        let _ = tokio::io::copy(&mut stdin, &mut writer).await;
        let _ = writer.shutdown().await;
        std::future::pending::<()>().await;
    };
    let listen = async {
        let (mut status, mut heard) = (None, Heard::default());
        let (mut trial, mut withheld, mut given) = (None::<Trial>, None, false);
        let mut killed = false;
        loop {
            let message = match timeout(if killed { KILLED } else { STALL }, from.wait()).await {
                Ok(message) => message,
                // a server that sends no signals: it is left behind
                Err(_) if killed => break,
                Err(_) => return Err(links.lost(doing, "silence for 120 s")),
            };
            match message {
                Some(ChannelMsg::Data { data }) => Heard::keep(&mut heard.stdout, &data),
                Some(ChannelMsg::ExtendedData { data, .. }) => Heard::keep(&mut heard.stderr, &data),
                Some(ChannelMsg::ExitStatus { exit_status }) => status = i32::try_from(exit_status).ok(),
                Some(ChannelMsg::ExitSignal { .. }) => status = Some(128),
                Some(ChannelMsg::Failure) => {
                    return Err(HostError::refused(&links.target.name, doing, "exec refused"));
                }
                Some(_) => {}
                None => break,
            }
            if !heard.ready && (script.ready.is_empty() || heard.says(script.ready)) {
                heard.ready = true;
                go.notify_one();
                // the others need not wait until the helper runs
                trial.take().into_iter().for_each(Trial::right);
            }
            if heard.ready || killed {
                continue;
            }
            match heard.asked(script, &links.target.user) {
                // Not its input's end, which sudo takes for another attempt: it is killed where it waits.
                Asked::Again => {
                    to.signal(Sig::KILL).await.map_err(lost)?;
                    killed = true;
                }
                Asked::Once(whose) if !given && withheld.is_none() => {
                    let name = &links.target.name;
                    match links.target.shared.password(Use::Sudo, &whose, name).await {
                        Ok(trying) => {
                            type_in(&to, &trying.secret).await.map_err(|error| links.lost(doing, error))?;
                            (trial, given) = (Some(trying), true);
                        }
                        Err(why) => {
                            withheld = Some(why);
                            to.signal(Sig::KILL).await.map_err(lost)?;
                            killed = true;
                        }
                    }
                }
                _ => {}
            }
        }
        let again = matches!(heard.asked(script, &links.target.user), Asked::Again);
        if let Some(trial) = trial {
            // Who may not run sudo is told so when the password was right.
            if !again && !heard.talk(script).contains("incorrect password") {
                trial.right();
            } else {
                trial.wrong();
            }
        }
        let status = status.or(killed.then_some(128));
        let status = status.ok_or_else(|| links.lost(doing, "the connection ended"))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let output = Output { status, stdout: text(&heard.stdout), stderr: text(&heard.stderr) };
        Ok(Told { output, ready: heard.ready, again, withheld })
    };
    tokio::select! {
        () = feed => Err(links.lost(doing, "the input never ends")),
        told = listen => told,
    }
}

/// A password, as sudo reads it: up to the end of the line, byte by byte.
async fn type_in(to: &russh::ChannelWriteHalf<russh::client::Msg>, secret: &Secret) -> std::io::Result<()> {
    let mut writer = to.make_writer();
    writer.write_all(format!("{}\n", secret.expose()).as_bytes()).await?;
    writer.flush().await
}

/// What has been heard so far.
#[derive(Default)]
struct Heard {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    ready: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Asked {
    No,
    Once(String),
    Again,
}

impl Heard {
    fn keep(to: &mut Vec<u8>, data: &[u8]) {
        to.extend_from_slice(&data[..data.len().min(KEEP.saturating_sub(to.len()))]);
    }

    /// Whether a line begins so. A shell that traces its commands shows the word inside of one.
    fn says(&self, word: &str) -> bool {
        let line = format!("\n{word}");
        self.stdout.windows(line.len()).any(|window| window == line.as_bytes())
    }

    /// Where sudo talks: with a terminal there is but one output.
    fn talk(&self, script: Script<'_>) -> String {
        String::from_utf8_lossy(if script.terminal { &self.stdout } else { &self.stderr }).into_owned()
    }

    fn asked(&self, script: Script<'_>, user: &str) -> Asked {
        let Some(prompt) = script.prompt else { return Asked::No };
        let talk = self.talk(script);
        // A shell that traces its commands (`set -x`) shows the prompt as it was written: with `%p`.
        let asked: Vec<&str> = talk.split(prompt).skip(1).filter(|rest| !rest.starts_with("%p")).collect();
        match asked[..] {
            [] if foreign(&talk) && talk.contains("try again") => Asked::Again,
            [] if foreign(&talk) => Asked::Once(user.to_owned()),
            [] => Asked::No,
            [rest] => rest.split_once(':').map_or(Asked::No, |(whose, _)| Asked::Once(whose.to_owned())),
            _ => Asked::Again,
        }
    }
}

/// Whether somebody waits behind a prompt in words of its own: sudo leaves those of some PAM modules as they are.
fn foreign(talk: &str) -> bool {
    let last = talk.rsplit('\n').next().unwrap_or_default().trim();
    last.ends_with(':') && last.to_lowercase().contains("password")
}

/// A terminal that changes no byte and takes none for a signal (RFC 4254, section 8).
const RAW: &[(Pty, u32)] = &[
    (Pty::ICRNL, 0),
    (Pty::INLCR, 0),
    (Pty::IGNCR, 0),
    (Pty::ISTRIP, 0),
    (Pty::IXON, 0),
    (Pty::IXOFF, 0),
    (Pty::IXANY, 0),
    (Pty::ISIG, 0),
    (Pty::ICANON, 0),
    (Pty::IEXTEN, 0),
    (Pty::ECHO, 0),
    (Pty::ECHOE, 0),
    (Pty::ECHOK, 0),
    (Pty::ECHONL, 0),
    (Pty::OPOST, 0),
    (Pty::ONLCR, 0),
];

#[cfg(test)]
mod tests {
    use super::{Asked, Heard, Script};

    fn asked(stderr: &str) -> Asked {
        let script = Script { line: "", ready: "", prompt: Some("asks-1-"), terminal: false };
        Heard { stderr: stderr.as_bytes().to_vec(), ..Heard::default() }.asked(script, "ops")
    }

    #[test]
    fn a_prompt_is_told_from_what_stands_around_it() {
        let once = |user: &str| Asked::Once(user.to_owned());
        for (stderr, expected) in [
            ("", Asked::No),
            ("sudo: unable to resolve host cp1\n", Asked::No),
            ("asks-1-o", Asked::No),
            ("asks-1-ops:", once("ops")),
            ("We trust you have received the usual lecture.\n\nasks-1-root:", once("root")),
            ("+ sudo -S -p asks-1-%p: /bin/sh\n", Asked::No),
            ("+ sudo -S -p asks-1-%p: /bin/sh\nasks-1-ops:", once("ops")),
            ("asks-1-ops:Sorry, try again.\nasks-1-ops:", Asked::Again),
            ("Enter LDAP Password:", once("ops")),
            ("Enter LDAP Password:\nSorry, try again.\nEnter LDAP Password:", Asked::Again),
        ] {
            assert_eq!(asked(stderr), expected, "{stderr:?}");
        }
    }
}
