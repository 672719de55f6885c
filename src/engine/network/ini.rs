//! systemd's configuration files, as far as they must be read to keep what is not ours.

/// Sections with their lines, in order; comments and blank lines are left out.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Ini(pub(crate) Vec<(String, Vec<String>)>);

impl Ini {
    /// Reads a text; a line that continues another (`\` at its end) is one with it.
    pub(crate) fn parse(text: &str) -> Self {
        let joined = text.replace("\\\n", " ");
        let mut sections: Vec<(String, Vec<String>)> = vec![];
        for line in joined.lines().map(str::trim) {
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                sections.push((name.to_owned(), vec![]));
            } else if let Some((_, lines)) = sections.last_mut() {
                lines.push(line.to_owned());
            }
        }
        Self(sections)
    }

    /// The lines of one section, all its parts together, that `keep` takes by key and value.
    pub(crate) fn lines(&self, section: &str, keep: impl Fn(&str, &str) -> bool) -> Vec<String> {
        let lines = self.0.iter().filter(|(name, _)| name == section).flat_map(|(_, lines)| lines);
        lines
            .filter(|line| {
                let (key, value) = line.split_once('=').unwrap_or((line, ""));
                keep(key.trim(), value.trim())
            })
            .cloned()
            .collect()
    }

    /// The sections that are none of these.
    pub(crate) fn others(&self, known: &[&str]) -> Vec<&(String, Vec<String>)> {
        self.0.iter().filter(|(name, _)| !known.contains(&name.as_str())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Ini;

    #[test]
    fn sections_lines_and_continued_lines() {
        let ini = Ini::parse(
            "lost=1\n# c\n[Match]\nName=a \\\n b\n\n[Network]\nDHCP=yes\n; c\nDNS = 1.1.1.1\n[Network]\nLLMNR=no\n",
        );
        assert_eq!(ini.lines("Match", |_, _| true), ["Name=a   b"]);
        assert_eq!(ini.lines("Network", |key, _| key != "DHCP"), ["DNS = 1.1.1.1", "LLMNR=no"]);
        assert_eq!(ini.others(&["Network"]).len(), 1);
    }
}
