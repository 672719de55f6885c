//! Running programs: their words are shown only when they fail.

use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

/// Runs a program to its end; an error carries the last lines it wrote.
pub fn run(command: &mut Command) -> Result<()> {
    finish(command).map(|_| ())
}

/// Runs a program and gives its standard output as text.
pub fn output(command: &mut Command) -> Result<String> {
    let out = finish(command)?;
    String::from_utf8(out.stdout).context("reading a program's output as UTF-8")
}

fn finish(command: &mut Command) -> Result<Output> {
    let name = format!("{command:?}");
    let out = command.stdin(Stdio::null()).output().with_context(|| format!("starting {name}"))?;
    if !out.status.success() {
        let text = String::from_utf8_lossy(&out.stderr);
        let lines: Vec<&str> = text.lines().collect();
        bail!("{name}: {}\n{}", out.status, lines[lines.len().saturating_sub(20)..].join("\n"));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_carries_the_programs_last_words() {
        let error = run(Command::new("sh").args(["-c", "echo no such disk >&2; exit 3"])).unwrap_err();
        assert!(error.to_string().contains("no such disk"), "{error}");
        assert!(run(&mut Command::new("/nonexistent/program")).is_err());
    }
}
