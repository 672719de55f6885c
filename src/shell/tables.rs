//! Tables for people: columns as wide as their content, the last one cut to what is left of the line.

use super::text::{fit, width_of};

/// Lays rows out under `header`, two spaces between columns, no line longer than `width` columns.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>], width: usize) -> String {
    let columns = header.len();
    let mut widths: Vec<usize> = header.iter().map(|head| width_of(head)).collect();
    for row in rows {
        for (column, cell) in row.iter().enumerate().take(columns) {
            widths[column] = widths[column].max(width_of(cell));
        }
    }
    let used: usize = widths.iter().take(columns.saturating_sub(1)).map(|w| w + 2).sum();
    if let Some(last) = widths.last_mut() {
        *last = (*last).min(width.saturating_sub(used).max(8));
    }
    let line = |cells: Vec<&str>| {
        let mut text = String::new();
        for (column, cell) in cells.iter().enumerate() {
            text.push_str(&fit(cell, widths[column]));
            text.push_str("  ");
        }
        text.trim_end().to_owned()
    };
    let mut lines = vec![line(header.to_vec())];
    lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn no_line_passes_the_width() {
        let rows = vec![vec!["image".to_owned(), "x".repeat(200)], vec!["a".to_owned(), "b".to_owned()]];
        let text = table(&["KIND", "NAME"], &rows, 80);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert_eq!(text.lines().next(), Some("KIND   NAME"));
        assert!(text.contains('…'));
    }
}
