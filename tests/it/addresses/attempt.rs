//! An `install` that changes a node's address, while it does.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::super::kit::Ran;

/// `sealift install --json` on its way.
pub(in crate::it) struct Install {
    child: Child,
    lines: Receiver<String>,
    said: String,
}

impl Install {
    pub(in crate::it) fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        let streams: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for stream in streams {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        Self { child, lines, said: String::new() }
    }

    /// Waits until it has said so.
    #[track_caller]
    pub(in crate::it) fn wait_for(&mut self, words: &str) {
        let until = Instant::now() + Duration::from_mins(6);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("it never said {words}:\n{}", self.said)
            };
            self.said.push_str(&line);
            self.said.push('\n');
            if line.contains(words) {
                return;
            }
        }
    }

    pub(in crate::it) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    pub(in crate::it) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(in crate::it) fn end(mut self) -> Ran {
        while let Ok(line) = self.lines.recv_timeout(Duration::from_mins(5)) {
            self.said.push_str(&line);
            self.said.push('\n');
        }
        let status = self.child.wait().unwrap().code().unwrap_or(-1);
        Ran { status, stdout: std::mem::take(&mut self.said), stderr: String::new() }
    }
}

impl Drop for Install {
    fn drop(&mut self) {
        // one that has ended cannot be killed, which is as well
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
