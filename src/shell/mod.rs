//! The one place that prints. Standard output is data, standard error is talk.

mod difference;
mod error;
mod findings;
mod follow;
mod page;
mod plan;
mod progress;
mod report;
mod tables;
mod text;
mod waterfall;

use std::io::{BufRead as _, ErrorKind, IsTerminal as _, Write as _};
use std::sync::Mutex;

use serde::Serialize;

pub(crate) use error::usage;
pub(crate) use findings::{preflight_html, show_preflight};
pub(crate) use follow::follow;
pub(crate) use plan::{estimated, show_plan, summary};
pub(crate) use progress::{Progress, bytes_bar};
pub(crate) use report::report_html;
pub(crate) use tables::table;
pub(crate) use text::wrapped;
pub(crate) use waterfall::{Span, waterfall};

use crate::ops::{Exit, Failure};

/// How to talk to whoever started us.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "four facts about who listens, any mix of them possible")]
pub(crate) struct Shell {
    json: bool,
    yes: bool,
    terminal: bool,
    colour: bool,
    width: usize,
}

/// Why data was lost on its way out: a full disk, not a reader that had seen enough. The process has one standard
/// output, so it has one of these.
static LOST: Mutex<Option<std::io::Error>> = Mutex::new(None);

/// Columns where nobody says how many there are: a pipe, a file.
const COLUMNS: usize = 80;

impl Shell {
    /// Reads from the environment what the libraries may not: is there a terminal, how wide is it, can it move
    /// its cursor, does it want colours (<https://no-color.org>).
    pub(crate) fn new(json: bool, yes: bool) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let terminal = std::io::stderr().is_terminal() && !dumb;
        let width = columns().unwrap_or(COLUMNS).clamp(30, 120);
        Self { json, yes, terminal, colour: terminal && !plain, width }
    }

    /// Columns that a line may take.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Whether data goes out as JSON.
    pub(crate) fn json(&self) -> bool {
        self.json
    }

    /// Whether a person will be asked before a change.
    pub(crate) fn asks(&self) -> bool {
        !self.yes
    }

    /// Whether a person watches standard error, on something that can draw bars.
    pub(crate) fn terminal(&self) -> bool {
        self.terminal
    }

    /// Prints data. A reader that went away (`| head`) is not an error; a full disk is, and [`Self::lost`] has it.
    #[expect(clippy::unused_self, reason = "only who was handed the shell may print")]
    pub(crate) fn data(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let printed =
            out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
        if let Err(error) = printed
            && error.kind() != ErrorKind::BrokenPipe
            && let Ok(mut lost) = LOST.lock()
        {
            lost.get_or_insert(error);
        }
    }

    /// Whether data was lost on its way out, for whoever decides how the process ends.
    #[expect(clippy::unused_self, reason = "only who was handed the shell may print")]
    pub(crate) fn lost(&self) -> Option<anyhow::Error> {
        let error = LOST.lock().ok()?.take()?;
        let message = format!("writing standard output: {error}; what was printed is not whole");
        Some(Failure::new(Exit::Refused, message).next("make room, then run the same command again").into())
    }

    /// Prints data as one JSON document.
    pub(crate) fn data_json(&self, value: &impl Serialize) -> anyhow::Result<()> {
        self.data(&serde_json::to_string_pretty(value)?);
        Ok(())
    }

    /// Prints one event as a JSON line.
    pub(crate) fn event_json(&self, value: &impl Serialize) -> anyhow::Result<()> {
        self.data(&serde_json::to_string(value)?);
        Ok(())
    }

    /// Says something to a person.
    #[expect(clippy::unused_self, reason = "only who was handed the shell may print")]
    pub(crate) fn say(&self, text: &str) {
        let mut err = std::io::stderr().lock();
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.write_all(b"\n"));
    }

    /// Says that something deserves a look though it stopped nothing.
    pub(crate) fn warn(&self, text: &str) {
        self.say(&format!("{} {}", self.yellow("warning:"), text::plain_lines(text)));
    }

    /// Asks before a change. No terminal and no `--yes` is a refusal, never a guess.
    pub(crate) fn confirm(&self, question: &str) -> anyhow::Result<bool> {
        if self.yes {
            return Ok(true);
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::new(
                Exit::Usage,
                format!("{question} cannot be asked: standard input is not a terminal; nothing was changed"),
            )
            .next("run the same command with --yes if the plan above is what you want")
            .into());
        }
        let mut err = std::io::stderr().lock();
        write!(err, "{} [y/N] ", self.bold(question))?;
        err.flush()?;
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        Ok(matches!(line.trim(), "y" | "Y" | "yes"))
    }

    /// Whether a person is at standard input, who can mend an answer.
    #[expect(clippy::unused_self, reason = "only who was handed the shell may ask")]
    pub(crate) fn answers(&self) -> bool {
        std::io::stdin().is_terminal()
    }

    /// Asks for one line; `None` when there is none any more.
    pub(crate) fn ask(&self, question: &str) -> anyhow::Result<Option<String>> {
        let mut err = std::io::stderr().lock();
        write!(err, "{}", self.bold(question))?;
        err.flush()?;
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line)?;
        // the answer's own newline is on a terminal only when there was an answer
        if read == 0 {
            writeln!(err)?;
        }
        Ok((read > 0).then_some(line))
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Emphasis.
    pub(crate) fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    /// Something failed.
    pub(crate) fn red(&self, text: &str) -> String {
        self.paint("31;1", text)
    }

    /// Something succeeded, or a command to type.
    pub(crate) fn green(&self, text: &str) -> String {
        self.paint("32", text)
    }

    /// Something deserves a look.
    pub(crate) fn yellow(&self, text: &str) -> String {
        self.paint("33", text)
    }

    /// A path, a name, a next step.
    pub(crate) fn cyan(&self, text: &str) -> String {
        self.paint("36", text)
    }

    /// Less important.
    pub(crate) fn dim(&self, text: &str) -> String {
        self.paint("2", text)
    }
}

/// Sends diagnostics to standard error: warnings by default, more with `-v`; `SEALIFT_LOG` overrides.
pub(crate) fn start_tracing(verbose: u8) {
    let level = match verbose {
        0 => "error",
        1 => "warn,sealift=info,sealift_node=info,sealift_engine=info,sealift_fetch=info",
        _ => "info,sealift=debug,sealift_node=debug,sealift_engine=debug,sealift_fetch=debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("SEALIFT_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

/// What `COLUMNS` says, or else the terminal that standard output or standard error is.
fn columns() -> Option<usize> {
    let told = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let seen = || {
        let size = terminal_size::terminal_size_of(std::io::stdout());
        let (width, _) = size.or_else(|| terminal_size::terminal_size_of(std::io::stderr()))?;
        Some(usize::from(width.0))
    };
    told.or_else(seen)
}
