//! os-release(5).

/// A key's value, unquoted; empty when it is not there.
pub(super) fn value(text: &str, key: &str) -> String {
    let found = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='));
    found.unwrap_or_default().trim_matches(['"', '\'']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn reads_quoted_and_plain_values() {
        let text = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID='12'\nID=debian\nID_LIKE=x\n";
        assert_eq!(value(text, "PRETTY_NAME"), "Debian GNU/Linux 12 (bookworm)");
        assert_eq!(value(text, "VERSION_ID"), "12");
        assert_eq!(value(text, "ID"), "debian");
        assert_eq!(value(text, "VARIANT"), "");
    }
}
