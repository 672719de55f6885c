//! What went wrong: for a person on standard error, with `--json` for a program on standard output too.

use serde_json::json;

use super::Shell;
use super::text::{plain, wrapped};
use crate::ops::{Exit, Failure};

impl Shell {
    /// Says what went wrong, from the outside in, and what to do next.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        let causes = causes(error);
        let next =
            error.chain().find_map(|cause| cause.downcast_ref::<Failure>()).and_then(|f| f.next.as_deref());
        for (depth, text) in causes.iter().enumerate() {
            let text = if depth == 0 {
                self.paragraph("error:", text, Self::red)
            } else {
                self.paragraph("  because:", text, |_, head| head.to_owned())
            };
            self.say(&text);
        }
        if let Some(next) = next {
            self.say(&self.paragraph("next:", next, Self::cyan));
        }
        if self.json() {
            self.data(&document(Exit::of(error), &causes, next).to_string());
        }
    }

    /// A text behind its head. A terminal gets lines that fit; a pipe keeps them whole for grep.
    fn paragraph(&self, head: &str, text: &str, paint: impl Fn(&Self, &str) -> String) -> String {
        let text = format!("{head} {}", text.trim_end());
        let lines = text.lines().map(plain);
        let laid = if self.terminal() {
            // commands and tables (indented lines) are not wrapped: they are there to be copied
            let lines = lines.map(|line| match line.strip_prefix(head) {
                None if line.starts_with(' ') => format!("    {line}"),
                _ => wrapped(&line, "    ", self.width()),
            });
            lines.collect::<Vec<_>>().join("\n")
        } else {
            lines.collect::<Vec<_>>().join("\n    ")
        };
        let laid = laid.trim_start();
        laid.replacen(head.trim_start(), &paint(self, head), 1)
    }
}

/// A refused command line: clap's own words, its exit code, and the document if `--json` stands on the line.
pub(crate) fn usage(error: &clap::Error) -> Exit {
    // nobody is left to be told when even this cannot be printed
    let _ = error.print();
    if !error.use_stderr() {
        return Exit::Done;
    }
    if std::env::args_os().any(|word| word == "--json") {
        let text = error.render().to_string();
        let what = text.trim_start_matches("error: ").split("\n\n").next().unwrap_or_default();
        let document = document(Exit::Usage, &[what.to_owned()], Some("sealift --help"));
        Shell::new(true, false).data(&document.to_string());
    }
    Exit::Usage
}

/// An error and its causes, each said once: a source is often repeated in its parent's text.
fn causes(error: &anyhow::Error) -> Vec<String> {
    let mut said: Vec<String> = vec![];
    for cause in error.chain() {
        let text = cause.to_string();
        if !said.last().is_some_and(|last| last.contains(&text)) {
            said.push(text);
        }
    }
    said
}

/// The last line that `--json` prints of a command that failed.
fn document(exit: Exit, causes: &[String], next: Option<&str>) -> serde_json::Value {
    json!({"error": {"exit": exit as u8, "causes": causes, "next": next}})
}

#[cfg(test)]
mod tests {
    use super::{Exit, Failure, causes, document};

    #[test]
    fn a_cause_that_its_parent_tells_is_not_told_again() {
        let error = anyhow::anyhow!("no space").context("writing x: no space").context("packing");
        assert_eq!(causes(&error), ["packing", "writing x: no space"]);
        let error: anyhow::Error = Failure::new(Exit::Integrity, "bad").next("copy it again").into();
        let document = document(Exit::of(&error), &causes(&error), Some("copy it again"));
        assert_eq!(document.to_string(), r#"{"error":{"exit":3,"causes":["bad"],"next":"copy it again"}}"#);
    }
}
