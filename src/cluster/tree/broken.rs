//! What to say of a text that is not YAML: the parser knows the rule, the person wants to know the slip.

use serde_saphyr::Error;

use crate::plain::plain;
use crate::problem::{Place, Problem};
use crate::wrong::Wrong;

/// A problem of the file as a whole.
pub(super) fn whole(origin: &str, wrong: Wrong) -> Problem {
    Problem { place: Place::whole(origin), also: None, message: wrong.message, hint: wrong.hint }
}

/// The parser's error as a problem.
pub(super) fn problem(error: &Error, text: &str, origin: &str) -> Problem {
    let error = error.without_snippet();
    let (line, column) = error.location().map_or((0, 0), |at| (at.line(), at.column()));
    let place = Place { line, column, ..Place::whole(origin) };
    let line = usize::try_from(line).unwrap_or(0);
    let wrong = known(error).unwrap_or_else(|| {
        let said = without_position(&error.to_string()).to_owned();
        Wrong::new(format!("not valid YAML: {said}")).hint(slip(text, line))
    });
    Problem { place, also: None, message: wrong.message, hint: wrong.hint }
}

/// Errors with one cause, which has a name.
fn known(error: &Error) -> Option<Wrong> {
    Some(match error {
        Error::MultipleDocuments { .. } => Wrong::new("a second document begins here")
            .hint("a cluster file is one document: take the `---` and the other one out"),
        Error::UnknownAnchor { .. } => Wrong::new("an alias (`*name`) of nothing that was named before")
            .hint("write the value out, or put a text with a star in quotes"),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::RecursiveReferencesRequireWeakTypes { .. } => {
            Wrong::new("aliases that name each other become too large").hint("write the values out")
        }
        Error::Budget { .. } => Wrong::new("more values, or deeper ones, than a cluster file can have")
            .hint("is this another file?"),
        Error::NonFiniteFloat { .. } => {
            Wrong::new("not a number that can be counted with").hint("put a text in quotes")
        }
        _ => return None,
    })
}

/// The parser ends its messages with a position of its own, which ours already gives.
fn without_position(message: &str) -> &str {
    message.split(" at line ").next().unwrap_or(message).trim_end_matches([',', ':', ' '])
}

/// What is most likely the matter on a line that the parser stopped at, or on one shortly before it.
fn slip(text: &str, line: usize) -> String {
    let lines: Vec<(usize, &str)> = text.lines().take(line).enumerate().collect();
    for (index, line) in lines.iter().rev().take(3) {
        let number = index + 1;
        if line.trim_start_matches(' ').starts_with('\t') {
            return format!("line {number} is indented with a tab: YAML takes spaces only");
        }
        if line.contains('\0') {
            return format!("line {number} has a NUL in it: is this a text file?");
        }
        if let Some((_, note)) = plain(line) {
            return format!("line {number}: {note}");
        }
        if line.matches('"').count() % 2 == 1 {
            return format!("line {number} has a quotation mark too few or too many");
        }
    }
    "look at the indentation, the brackets and the quotes of this line and the one above".to_owned()
}
