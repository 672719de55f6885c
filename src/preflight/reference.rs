//! The table of checks as the reference has it.

use std::fmt::Write as _;

use crate::check::{Class, checks};

/// A Markdown table of all checks.
pub fn table() -> String {
    let mut text =
        "| check | severity | about | why | what to do | decided by |\n|---|---|---|---|---|---|\n"
            .to_owned();
    for check in checks() {
        let on = match check.class {
            Class::All => "",
            Class::ControlPlanes => ", control planes",
            Class::Gpus => ", with `gpu: auto`",
            Class::Untouched => ", new to sealift",
        };
        let measured = if check.measured { "; measured" } else { "" };
        let field = check.field.map(|field| format!("`{field}`")).unwrap_or_default();
        let cell = |text: &str| text.replace('|', "\\|");
        // writing to a String cannot fail
        let _ = writeln!(
            text,
            "| `{}` | {} | {}{on}{measured} | {} | {} | {field} |",
            check.id,
            check.severity.word(),
            check.scope.word(),
            cell(check.cause),
            cell(check.remedy),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn the_reference_has_this_table() {
        let page = include_str!("../../docs/reference/checks.md");
        assert!(page.contains(&table()), "docs/reference/checks.md lacks this table:\n{}", table());
    }
}
