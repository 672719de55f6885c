//! Tables for people: columns as wide as their content, the last one cut to what is left of the line.

/// Lays rows out under `header`, two spaces between columns, no line longer than `width` characters.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>], width: usize) -> String {
    let columns = header.len();
    let mut widths: Vec<usize> = header.iter().map(|h| h.chars().count()).collect();
    for row in rows {
        for (column, cell) in row.iter().enumerate().take(columns) {
            widths[column] = widths[column].max(cell.chars().count());
        }
    }
    let used: usize = widths.iter().take(columns.saturating_sub(1)).map(|w| w + 2).sum();
    if let Some(last) = widths.last_mut() {
        *last = (*last).min(width.saturating_sub(used).max(8));
    }
    let line = |cells: Vec<&str>| {
        let mut text = String::new();
        for (column, cell) in cells.iter().enumerate() {
            let cell = cut(cell, widths[column]);
            text.push_str(&cell);
            if column + 1 < cells.len() {
                let fill = widths[column].saturating_sub(cell.chars().count()) + 2;
                text.extend(std::iter::repeat_n(' ', fill));
            }
        }
        text.trim_end().to_owned()
    };
    let mut lines = vec![line(header.to_vec())];
    lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    lines.join("\n")
}

/// Cuts a text to `width` characters, with an ellipsis where something is missing.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
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
