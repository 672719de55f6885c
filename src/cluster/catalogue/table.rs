//! The table of `docs/reference/cluster-file.md`.

use std::fmt::Write as _;

use super::{Absent, Effect, FieldDoc, Kind, Standing, fields};

/// Every field that has a value, as rows of a Markdown table.
pub fn table() -> String {
    let mut text = "| field | left out | what | once installed |\n|---|---|---|---|\n".to_owned();
    for field in fields().filter(|field| field.kind != Kind::Map) {
        let note = match field.standing {
            Standing::Honoured => String::new(),
            Standing::Limited(to) => format!(". **{to}**"),
        };
        let _ = writeln!(
            text,
            "| `{}` | {} | {}{note} | {} |",
            field.path,
            left_out(field),
            field.what,
            once_installed(field)
        );
    }
    text
}

fn left_out(field: &FieldDoc) -> String {
    match field.absent {
        Absent::Refused => "refused".to_owned(),
        Absent::Means(value) => format!("`{value}`"),
        Absent::Leaves(words) => words.to_owned(),
    }
}

fn once_installed(field: &FieldDoc) -> &'static str {
    match (field.changed, field.removed) {
        (Effect::Refused { .. }, _) => "fixed",
        (_, Effect::Refused { .. }) => "may be added to",
        (_, Effect::Partly { .. }) => "may change; what is taken away stays",
        (Effect::Partly { .. }, _) => "may change in part",
        (Effect::Applied, _) => "may change",
        (Effect::Free, _) => "may change; nodes do not notice",
    }
}

#[cfg(test)]
mod tests {
    /// `UPDATE=1 cargo test -p sealift-cluster reference` writes it.
    #[test]
    fn the_reference_has_the_table() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/cluster-file.md");
        let text = std::fs::read_to_string(page).unwrap();
        let (before, rest) = text.split_once("## Every field\n").unwrap();
        let (found, after) = rest.split_once("\n\n").unwrap();
        let wanted = super::table();
        if std::env::var_os("UPDATE").is_some() {
            let text = format!("{before}## Every field\n{wanted}\n{after}");
            std::fs::write(page, text).unwrap();
        } else {
            assert_eq!(found, wanted.trim_end(), "run UPDATE=1 cargo test -p sealift-cluster reference");
        }
    }
}
