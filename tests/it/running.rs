//! A program on its way: what it says so far, signals to it, its end.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::kit::Ran;

/// Longer than anything a test waits for, on a machine that does much besides.
const PATIENCE: Duration = Duration::from_mins(6);

/// A program whose output is read while it runs. It is killed when the value is dropped.
pub(super) struct Running {
    child: Child,
    stdout: Arc<Said>,
    stderr: Arc<Said>,
}

/// What came out of one stream.
#[derive(Default)]
struct Said {
    text: Mutex<(String, bool)>,
    more: Condvar,
}

impl Running {
    pub(super) fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = Said::of(child.stdout.take().unwrap());
        let stderr = Said::of(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    /// Its process id; nsenter replaces itself by the program.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has said so on standard error.
    #[track_caller]
    pub(super) fn wait_for(&self, words: &str) {
        let until = Instant::now() + PATIENCE;
        let mut text = self.stderr.text.lock().unwrap();
        while !text.0.contains(words) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!text.1 && !left.is_zero(), "it never said '{words}':\n{}", text.0);
            text = self.stderr.more.wait_timeout(text, left).unwrap().0;
        }
    }

    pub(super) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.pid()).unwrap()), signal).unwrap();
    }

    pub(super) fn lives(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// kill -9.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub(super) fn end(mut self) -> Ran {
        let status = self.child.wait().unwrap().code().unwrap_or(-1);
        Ran { status, stdout: self.stdout.all(), stderr: self.stderr.all() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // one that has ended cannot be killed, which is as well
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Said {
    fn of(stream: impl Read + Send + 'static) -> Arc<Self> {
        let said = Arc::<Self>::default();
        let writer = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let mut text = writer.text.lock().unwrap();
                text.0.push_str(&line);
                text.0.push('\n');
                writer.more.notify_all();
            }
            writer.text.lock().unwrap().1 = true;
            writer.more.notify_all();
        });
        said
    }

    /// Everything, when the stream has ended.
    fn all(&self) -> String {
        let mut text = self.text.lock().unwrap();
        while !text.1 {
            text = self.more.wait(text).unwrap();
        }
        text.0.clone()
    }
}
