//! Control files: stanzas of fields (deb822(5)).

/// The fields of one stanza.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stanza<'a>(&'a str);

impl<'a> Stanza<'a> {
    /// A field's value on its first line; names are the same in capitals.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.lines().find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The lines below a field's first one, e.g. the files of a Release.
    pub fn lines(&self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let name = name.to_owned();
        let below = self.0.lines().skip_while(move |line| {
            line.split_once(':').is_none_or(|(field, _)| !field.eq_ignore_ascii_case(&name))
        });
        below.skip(1).take_while(|line| line.starts_with([' ', '\t'])).map(str::trim)
    }

    /// As it was written.
    pub fn text(&self) -> &'a str {
        self.0
    }
}

/// The stanzas of a file.
pub fn stanzas(text: &str) -> impl Iterator<Item = Stanza<'_>> {
    text.split("\n\n").map(|part| part.trim_matches('\n')).filter(|part| !part.is_empty()).map(Stanza)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_what_lies_below_them() {
        let text = "Package: a\nversion: 1\nDescription: one\n more: of it\n\n\nPackage: b\nSHA256:\n x 1 f\n y 2 g\nEnd: z\n";
        let found: Vec<Stanza<'_>> = stanzas(text).collect();
        assert_eq!(
            (found[0].get("package"), found[0].get("Version"), found[1].get("End")),
            (Some("a"), Some("1"), Some("z"))
        );
        assert_eq!(found[0].get("more"), None);
        assert_eq!(found[1].lines("SHA256").collect::<Vec<_>>(), ["x 1 f", "y 2 g"]);
        assert_eq!(found.len(), 2);
    }
}
