//! Progress: bars with bytes, rate and time left on a terminal; a plain line now and then in a pipe.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use sealift_stream::Meter;

use super::Shell;

/// How often a pipe gets a line.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// One thing that takes long, measured in bytes.
pub(crate) struct Progress {
    label: String,
    total: u64,
    done: AtomicU64,
    started: Instant,
    how: How,
}

enum How {
    Silent,
    Bar(ProgressBar),
    Plain(Mutex<Instant>),
}

impl Progress {
    /// Starts measuring `total` bytes of `label`.
    pub(crate) fn bytes(shell: &Shell, label: &str, total: u64) -> Self {
        let how = if shell.json() {
            How::Silent
        } else if shell.terminal() {
            How::Bar(bytes_bar(&MultiProgress::with_draw_target(ProgressDrawTarget::stderr()), label, total))
        } else {
            How::Plain(Mutex::new(Instant::now()))
        };
        Self { label: label.to_owned(), total, done: AtomicU64::new(0), started: Instant::now(), how }
    }

    /// Ends it and says how much in how long.
    pub(crate) fn finish(&self, shell: &Shell) {
        if let How::Bar(bar) = &self.how {
            bar.finish_and_clear();
        }
        if !matches!(self.how, How::Silent) {
            shell.say(&format!("{}: {}", self.label, self.summary()));
        }
    }

    fn summary(&self) -> String {
        let done = self.done.load(Ordering::Relaxed);
        let seconds = self.started.elapsed().as_secs_f64();
        format!("{} in {seconds:.1} s ({}/s)", size(done), size(per_second(done, seconds)))
    }
}

impl Meter for Progress {
    fn add(&self, bytes: u64) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        match &self.how {
            How::Silent => {}
            How::Bar(bar) => bar.set_position(done),
            How::Plain(last) => {
                if let Ok(mut last) = last.lock()
                    && last.elapsed() >= PLAIN_EVERY
                {
                    *last = Instant::now();
                    let mut err = std::io::stderr().lock();
                    let _ = std::io::Write::write_all(
                        &mut err,
                        format!("{}\n", line(&self.label, done, self.total, self.started)).as_bytes(),
                    );
                }
            }
        }
    }
}

/// A bar with bytes, rate and time left, that fits 80 columns.
pub(crate) fn bytes_bar(bars: &MultiProgress, label: &str, total: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{prefix:<16!} [{bar:14}] {bytes:>10}/{total_bytes:<10} {bytes_per_sec:>12} {eta:>4}",
    )
    .unwrap_or_else(|_| ProgressStyle::default_bar())
    .progress_chars("=> ");
    bars.add(ProgressBar::new(total).with_style(style).with_prefix(label.to_owned()))
}

/// One plain line: how far, how fast, how long still.
pub(crate) fn line(label: &str, done: u64, total: u64, since: Instant) -> String {
    let rate = per_second(done, since.elapsed().as_secs_f64());
    let left = total.saturating_sub(done).checked_div(rate).unwrap_or(0);
    format!("{label}: {} of {}, {}/s, {left} s left", size(done), size(total), size(rate))
}

fn size(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a rate for people"
)]
fn per_second(bytes: u64, seconds: f64) -> u64 {
    if seconds > 0.0 { (bytes as f64 / seconds) as u64 } else { 0 }
}
