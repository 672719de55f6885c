//! Becoming root: without a password where that goes, with one where it must be, on a terminal only where sudo insists.

use std::future::Future;

use tokio::io::AsyncRead;

use super::Inner;
use super::install::{DOING, random};
use crate::ssh::{Script, Told};
use crate::{HostError, SudoRefusal};

/// Runs root's script. sudo is asked without a password first, which no lockout counts; the password is typed once.
///
/// `/bin/sh` by its whole path: `secure_path` may not have it. `-k`: a password that sudo remembers would leave ours
/// for the script to read.
pub(super) async fn by_sudo<F, I>(
    inner: &Inner,
    script: &str,
    ready: &str,
    input: impl Fn() -> F,
) -> Result<Told, HostError>
where
    F: Future<Output = Result<I, HostError>>,
    I: AsyncRead + Unpin,
{
    let asks = format!("sealift-asks-{}-", random(4));
    let (mut password, mut terminal) = (false, false);
    loop {
        let options = if password { format!("-k -S -p {asks}%p:") } else { "-n".to_owned() };
        let line = format!("env LC_ALL=C sudo {options} /bin/sh -c '{script}'");
        let prompt = password.then_some(asks.as_str());
        let told =
            inner.links.exec(Script { line: &line, ready, prompt, terminal }, input().await?, DOING).await?;
        if told.ready {
            return Ok(told);
        }
        let said = format!("{}\n{}", told.output.stderr, if terminal { &told.output.stdout } else { "" });
        let line = refusal(&said, &asks);
        let why = told.withheld.clone().or(line.clone()).unwrap_or_else(|| {
            let said: String = said.chars().filter(|c| !c.is_control()).take(200).collect();
            format!("status {}: {}", told.output.status, said.trim())
        });
        let kind = line.as_deref().map_or(SudoRefusal::Other, SudoRefusal::of);
        let kind = if told.withheld.is_some() {
            SudoRefusal::PasswordNeeded
        } else if told.again {
            SudoRefusal::WrongPassword
        } else {
            kind
        };
        match kind {
            SudoRefusal::PasswordNeeded if !password && inner.links.talks() => password = true,
            SudoRefusal::Terminal if !terminal && inner.links.talks() => terminal = true,
            kind => return Err(inner.links.no_root(kind, why)),
        }
    }
}

/// The line that says why sudo refused. That it cannot resolve the node's own name is a warning (which costs 20 s
/// where the nameserver does not answer), not a refusal; lecture, prompt and `Sorry, try again` tell nothing.
fn refusal(said: &str, asks: &str) -> Option<String> {
    let lines = said.lines().map(|line| match line.split_once(asks) {
        Some((_, rest)) => rest.split_once(':').map_or("", |(_, rest)| rest),
        None => line,
    });
    let lines = lines.map(str::trim).filter(|line| {
        let by_sudo = line.contains("sudo:") || line.contains("sudoers") || line.starts_with("Sorry, user");
        by_sudo && !line.contains("unable to resolve host")
    });
    let lines: Vec<&str> = lines.collect();
    // after a refusal sudo counts, or counts first and explains after: the line of a known kind is the one
    let known = lines.iter().find(|line| SudoRefusal::of(line) != SudoRefusal::Other);
    known.or(lines.first()).map(|line| (*line).to_owned())
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn tells_a_refusal_from_a_warning() {
        let warning = "sudo: unable to resolve host cp1: Temporary failure in name resolution\n";
        assert_eq!(refusal(warning, "asks-"), None);
        let line = "sudo: a password is required";
        assert_eq!(refusal(&format!("{warning}{line}\n"), "asks-").as_deref(), Some(line));
        assert_eq!(
            refusal("lecture\nasks-ops:ops is not in the sudoers file.\n", "asks-").as_deref(),
            Some("ops is not in the sudoers file.")
        );
        assert_eq!(refusal("the upload arrived damaged\n", "asks-"), None);
    }
}
