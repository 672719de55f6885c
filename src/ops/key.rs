//! `sealift key`: the keys that sign bundles.

use std::io::IsTerminal as _;
use std::path::Path;

use sealift_bundle::{KeyError, SecretKey, generate_key};

use super::{Exit, Failure};
use crate::cli::{KeyArgs, KeyCommand, KeyGenerateArgs};
use crate::shell::Shell;

/// Runs `sealift key`.
pub(crate) fn run(args: KeyArgs, shell: &Shell) -> anyhow::Result<Exit> {
    match args.command {
        KeyCommand::Generate(args) => generate(&args, shell),
    }
}

fn generate(args: &KeyGenerateArgs, shell: &Shell) -> anyhow::Result<Exit> {
    if let Some(parent) = args.output.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).map_err(|error| {
            Failure::new(
                Exit::Usage,
                format!("making directory {}: {error}; no key was made", parent.display()),
            )
            .next("name a folder that you may write to with --output")
        })?;
    }
    let password = if args.no_password { None } else { Some(new_password()?) };
    let id = generate_key(&args.output, password).map_err(|error| refused(&error))?;
    let (secret, public) = (ending(&args.output, "sec"), ending(&args.output, "pub"));
    if shell.json() {
        let data = serde_json::json!({"key": id.to_string(), "secret": secret, "public": public});
        shell.data(&data.to_string());
    } else {
        shell.say(&format!("key {id}"));
        shell.say(&format!("  {secret} signs; it stays where bundles are packed"));
        shell.say(&format!("  {public} travels; it is what --trust wants"));
    }
    Ok(Exit::Done)
}

/// Loads a signing key; the password comes from a file or a terminal, never from the command line.
pub(super) fn load(path: &Path, password_file: Option<&Path>) -> anyhow::Result<SecretKey> {
    let password = if !SecretKey::needs_password(path).map_err(|error| refused(&error))? {
        None
    } else if let Some(file) = password_file {
        let text = std::fs::read_to_string(file).map_err(|error| {
            Failure::new(
                Exit::Usage,
                format!("reading password file {}: {error}; nothing was done", file.display()),
            )
            .next("its first line is the password; without --password-file a terminal is asked")
        })?;
        Some(text.lines().next().unwrap_or_default().to_owned())
    } else {
        Some(ask(&format!("Password of {}: ", path.display()))?)
    };
    SecretKey::load(path, password).map_err(|error| refused(&error).into())
}

fn new_password() -> anyhow::Result<String> {
    let password = ask("Password for the new key: ")?;
    if password.is_empty() {
        let text = "an empty password protects nothing; no key was made";
        return Err(Failure::new(Exit::Usage, text)
            .next("use --no-password if that is what you want")
            .into());
    }
    if ask("The same again: ")? != password {
        return Err(Failure::new(Exit::Usage, "the two passwords differ; no key was made").into());
    }
    Ok(password)
}

fn ask(prompt: &str) -> anyhow::Result<String> {
    if !std::io::stdin().is_terminal() {
        let text = "a password is needed, and there is no terminal to ask for it; nothing was changed";
        return Err(Failure::new(Exit::Usage, text)
            .next("run it on a terminal; scripts use --no-password (generate) or --password-file (pack, install)")
            .into());
    }
    Ok(rpassword::prompt_password(prompt)?)
}

fn refused(error: &KeyError) -> Failure {
    let next = match error {
        KeyError::Exists { .. } => "name another with --output; bundles signed by the old one need its .pub",
        KeyError::Io { .. } => "look at the path: it is as you typed it",
        KeyError::PasswordNeeded { .. } => "give the password on a terminal, or with --password-file",
        KeyError::Unusable { .. } => {
            "a signing key is the .sec file of `sealift key generate`, with its own password"
        }
    };
    Failure::new(Exit::Usage, format!("{error}; nothing was done")).next(next)
}

fn ending(stem: &Path, ending: &str) -> String {
    format!("{}.{ending}", stem.display())
}
