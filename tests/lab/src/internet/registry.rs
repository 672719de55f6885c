//! Debian's docker-registry as a child that ends with us.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::process::Process;
use crate::program;

/// Whether pushing is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// While the storage is filled.
    Writable,
    /// Afterwards: nothing changes what is in the cache.
    ReadOnly,
}

/// A running registry; dropping it ends it.
pub struct Registry {
    child: Child,
    port: u16,
    _settings: TempDir,
}

impl Registry {
    /// Starts a registry over a storage folder and waits until it answers. Port 0 is a free one.
    pub fn start(storage: &Path, port: u16, access: Access) -> Result<Self> {
        // A free port may be taken by somebody else before the registry binds it: then another one is tried.
        let tries = if port == 0 { 5 } else { 1 };
        let mut last = None;
        for _ in 0..tries {
            let port = if port == 0 { free_port()? } else { port };
            match Self::at(storage, port, access) {
                Ok(registry) => return Ok(registry),
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("starting a registry")?)
    }

    /// The port it listens on, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process.
    pub fn process(&self) -> Result<Process> {
        Process::of(i32::try_from(self.child.id()).context("holding a pid in an i32")?)
    }

    fn at(storage: &Path, port: u16, access: Access) -> Result<Self> {
        let settings = tempfile::tempdir().context("creating a folder for the registry's settings")?;
        let config = settings.path().join("config.json");
        // Another registry may sit on this port: only one that says our word is ours.
        let word = settings
            .path()
            .file_name()
            .context("naming the settings' folder")?
            .to_string_lossy()
            .into_owned();
        fs::write(&config, config_text(storage, port, access, &word)?)
            .context("writing the registry's settings")?;
        let log = settings.path().join("registry.log");
        // setpriv: the kernel kills the registry when the thread that starts it is gone, however it went.
        let mut command = program::command(&["setpriv", "--pdeathsig", "KILL", "docker-registry", "serve"]);
        command.arg(&config).stdout(Stdio::null()).stderr(File::create(&log)?);
        let child = command.spawn().context("starting docker-registry")?;
        let mut registry = Self { child, port, _settings: settings };
        registry.wait_ready(&log, &word)?;
        Ok(registry)
    }

    fn wait_ready(&mut self, log: &Path, word: &str) -> Result<()> {
        let start = Instant::now();
        loop {
            let answered = answers(self.port, word);
            if let Some(status) = self.child.try_wait()? {
                let words = fs::read_to_string(log).unwrap_or_default();
                let last: Vec<&str> = words.lines().rev().take(5).collect();
                bail!("the registry on port {} ended with {status}: {}", self.port, last.join(" | "));
            }
            if answered {
                return Ok(());
            }
            ensure!(
                start.elapsed() < Duration::from_secs(20),
                "the registry on port {} does not answer",
                self.port
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// JSON is YAML too, and needs no quoting rules.
fn config_text(storage: &Path, port: u16, access: Access, word: &str) -> Result<String> {
    let config = serde_json::json!({
        "version": 0.1,
        "log": { "level": "warn", "accesslog": { "disabled": true } },
        "storage": {
            "filesystem": { "rootdirectory": storage },
            "maintenance": {
                "uploadpurging": { "enabled": false },
                "readonly": { "enabled": access == Access::ReadOnly },
            },
        },
        "http": { "addr": format!("127.0.0.1:{port}"), "headers": { "X-Lab": [word] } },
    });
    Ok(serde_json::to_string(&config)?)
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0)).context("looking for a free port")?.local_addr()?.port())
}

/// Whether `GET /v2/` is answered with 200 and our word.
fn answers(port: u16, word: &str) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /v2/ HTTP/1.0\r\nHost: lab\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(8192).read_to_string(&mut answer)?;
        Ok(answer.split_once(' ').is_some_and(|(_, rest)| rest.starts_with("200")) && answer.contains(word))
    };
    ask().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_answers_ends_when_dropped_and_a_taken_port_is_an_error() {
        let storage = tempfile::tempdir().unwrap();
        let registry = Registry::start(storage.path(), 0, Access::ReadOnly).unwrap();
        let (port, process) = (registry.port(), registry.process().unwrap());
        assert!(answers(port, "") && !answers(port, "another word"));
        let error = Registry::start(storage.path(), port, Access::ReadOnly).err().unwrap();
        assert!(format!("{error:#}").contains("address already in use"), "{error:#}");
        drop(registry);
        assert!(!process.alive());
        assert!(!answers(port, ""));
    }
}
