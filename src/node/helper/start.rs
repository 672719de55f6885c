//! The one thing done through sudo: making the helper a unit of its own.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Config, Mode, Started, Starter, lock, unit};
use crate::HostError;
use crate::local::file::{present, write_whole};

/// Longer than the longest wait for the node's lock.
const PATIENCE: Duration = Duration::from_secs(100);

/// Reads the configuration from `input`, starts the helper, waits until it listens, tells on `output`.
pub fn start(mut input: impl Read, mut output: impl Write) -> io::Result<()> {
    let mut text = vec![];
    input.by_ref().take(64 * 1024).read_to_end(&mut text)?;
    let config: Config = serde_json::from_slice(&text)?;
    let started = match launch(&config) {
        Ok(started) => started,
        Err(error) => Started::Failed(HostError::refused(&config.node, "starting the helper", error)),
    };
    writeln!(output, "{}", serde_json::to_string(&started)?)?;
    output.flush()
}

fn launch(config: &Config) -> io::Result<Started> {
    let exe = std::env::current_exe()?;
    fs::create_dir_all(config.place(crate::paths::RUN))?;
    write_whole(&config.file(), &serde_json::to_vec(config)?, 0o600)?;
    let launched = match config.starter {
        Starter::SystemdRun => by_systemd(config, &exe),
        Starter::Direct => directly(config, &exe),
    };
    if let Err(error) = launched {
        present(fs::remove_file(config.file()))?;
        // no unit was made that would take it away
        if let Some(dir) = &config.remove_binary {
            present(fs::remove_dir_all(dir))?;
        }
        return Err(error);
    }
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        if let Some(text) = present(fs::read(config.failed()))? {
            fs::remove_file(config.failed())?;
            return Ok(Started::Failed(serde_json::from_slice(&text)?));
        }
        if config.socket().exists() {
            let socket = config.socket().to_string_lossy().into_owned();
            let previous = (config.mode == Mode::Run).then(|| lock::previous(config)).flatten();
            return Ok(Started::Listening { socket, previous });
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err(io::Error::new(
        io::ErrorKind::TimedOut,
        "the helper does not listen; see `journalctl -u 'sealift-helper-*'`",
    ))
}

fn by_systemd(config: &Config, exe: &Path) -> io::Result<()> {
    if !Path::new("/run/systemd/system").is_dir() {
        return Err(io::Error::other("this machine is not run by systemd (there is no /run/systemd/system)"));
    }
    let argv = unit::argv(config, exe);
    let output =
        Command::new(&argv[0]).args(&argv[1..]).env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("systemd-run: {}", String::from_utf8_lossy(&output.stderr).trim())))
}

fn directly(config: &Config, exe: &Path) -> io::Result<()> {
    let mut command = Command::new(exe);
    command.args(["helper", "serve", "--config"]).arg(config.file()).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map(|_| ())
}
