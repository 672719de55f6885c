//! Differences of texts and fields, as diff(1) shows them.

use sealift_engine::Difference;
use serde_json::Value;
use similar::TextDiff;

use super::Shell;
use super::text::plain;

/// Before every line: differences stand below the changes they explain.
const INDENT: &str = "      ";

/// Prints one difference. `-` and `+` carry the meaning, colours only help.
pub(crate) fn show_difference(shell: &Shell, difference: &Difference, print: impl Fn(&str)) {
    for line in lines(difference) {
        let painted = match line.chars().next() {
            Some('-') => shell.red(&line),
            Some('+') => shell.green(&line),
            Some('@') => shell.cyan(&line),
            _ => line,
        };
        print(&format!("{INDENT}{painted}"));
    }
}

fn lines(difference: &Difference) -> Vec<String> {
    match difference {
        Difference::Text { what, before, after } => text(what, before.as_deref(), after),
        Difference::Hidden { what, why } => vec![format!("{what}: not shown, {why}")],
        Difference::Fields { what, fields } => fields
            .iter()
            .flat_map(|field| self::field(what, &field.path, &field.before, &field.after))
            .collect(),
    }
}

fn text(what: &str, before: Option<&str>, after: &str) -> Vec<String> {
    let old = if before.is_some() { format!("{what} as it is") } else { "not there".to_owned() };
    let diff = TextDiff::from_lines(before.unwrap_or_default(), after);
    let unified =
        diff.unified_diff().context_radius(3).header(&old, &format!("{what} as it will be")).to_string();
    unified.lines().map(plain).collect()
}

/// A field of one line as two lines, a longer one as a text.
fn field(what: &str, path: &str, before: &Value, after: &Value) -> Vec<String> {
    if let (Value::String(before), Value::String(after)) = (before, after)
        && (before.contains('\n') || after.contains('\n'))
    {
        return text(&format!("{what} {path}"), Some(before), after);
    }
    let line = |sign: char, value: &Value| plain(&format!("{sign}{path}: {value}"));
    let old = (!before.is_null()).then(|| line('-', before));
    std::iter::once(format!("@@ {what} @@")).chain(old).chain([line('+', after)]).collect()
}

#[cfg(test)]
mod tests {
    use sealift_engine::Difference;
    use serde_json::json;

    use super::{field, lines};

    fn text(before: Option<&str>, after: &str) -> Vec<String> {
        lines(&Difference::Text {
            what: "/etc/x".into(),
            before: before.map(str::to_owned),
            after: after.into(),
        })
    }

    #[test]
    fn a_text_is_shown_as_diff_does() {
        let expected =
            ["--- /etc/x as it is", "+++ /etc/x as it will be", "@@ -1,2 +1,2 @@", " a", "-b", "+c"];
        assert_eq!(text(Some("a\nb\n"), "a\nc\n"), expected);
        assert_eq!(text(None, "a\n")[..2], ["--- not there", "+++ /etc/x as it will be"]);
    }

    #[test]
    fn a_file_does_not_steer_the_terminal() {
        let shown = text(Some("\u{1b}[2Jgone\u{7}\r\n"), "a\tb\n").join("\n");
        assert!(!shown.contains('\u{1b}') && !shown.contains('\u{7}') && !shown.contains('\r'), "{shown:?}");
        assert!(shown.contains("a\tb"), "{shown:?}");
    }

    #[test]
    fn fields_are_shown_with_both_values() {
        assert_eq!(
            field("Deployment a/b", "spec.replicas", &json!(1), &json!(2)),
            ["@@ Deployment a/b @@", "-spec.replicas: 1", "+spec.replicas: 2"]
        );
        assert_eq!(field("D", "a", &json!(null), &json!("x"))[1], "+a: \"x\"");
        assert!(field("C", "data.Corefile", &json!("a\nb"), &json!("a\nc")).contains(&"-b".to_owned()));
    }
}
