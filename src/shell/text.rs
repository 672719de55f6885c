//! Texts in columns: how wide they are on a terminal, cut and wrapped to fit.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Columns that a text takes; an ideograph takes two.
pub(crate) fn width_of(text: &str) -> usize {
    text.width()
}

/// Cuts a text to `width` columns, with an ellipsis where something is missing.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if width_of(text) <= width {
        return text.to_owned();
    }
    let (mut kept, mut used) = (String::new(), 0);
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used >= width {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

/// A text with blanks behind it, so that it takes `width` columns; a longer one is cut.
pub(crate) fn fit(text: &str, width: usize) -> String {
    let text = cut(text, width);
    let blanks = width.saturating_sub(width_of(&text));
    text + &" ".repeat(blanks)
}

/// Control characters as their escapes: what comes from files and servers must not steer the terminal that shows it.
pub(crate) fn plain(text: &str) -> String {
    let shown =
        |c: char| if c.is_control() && c != '\t' { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

/// The same of a text of several lines, which stay lines.
pub(crate) fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// Breaks a text at spaces so that no line passes `width` columns, where the words allow it; every line begins
/// with `indent`. What is to be painted is painted afterwards: see [`plain`].
pub(crate) fn wrapped(text: &str, indent: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace().map(plain) {
        let word = word.as_str();
        let full = lines.last().is_some_and(|line| {
            !line.is_empty() && width_of(indent) + width_of(line) + 1 + width_of(word) > width
        });
        if full {
            lines.push(String::new());
        }
        if let Some(last) = lines.last_mut() {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines.iter().map(|line| format!("{indent}{line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::{cut, fit, plain, width_of, wrapped};

    #[test]
    fn wraps_at_words_and_keeps_them_all() {
        let text = "word ".repeat(60);
        for width in [40, 80] {
            let lines = wrapped(&text, "  ", width);
            assert!(lines.lines().all(|line| width_of(line) <= width));
            assert_eq!(lines.split_whitespace().count(), 60);
        }
    }

    #[test]
    fn nothing_steers_the_terminal() {
        let hostile = "x\u{1b}[1A\u{1b}[2K\ty\u{9b}2J\u{7}\r\n";
        for shown in [plain(hostile), wrapped(hostile, "", 80)] {
            assert!(!shown.chars().any(|c| c.is_control() && c != '\t'), "{shown:?}");
            assert!(shown.contains("[1A"), "what was there is still told: {shown:?}");
        }
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(cut("工厂七号", 8), "工厂七号");
        assert_eq!(cut("工厂七号", 7), "工厂七…");
        assert_eq!(width_of(&fit("工厂", 7)), 7);
        assert_eq!(wrapped("工厂 七号", "", 8), "工厂\n七号");
    }
}
