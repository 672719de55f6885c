//! `/etc/network/interfaces` as pieces that together are the text again (interfaces(5)).

/// A line that begins something, with all that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// As it stands in the file, comments and blank lines after it included.
    pub(super) raw: String,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Iface {
        device: String,
        /// `inet`, `inet6`, ...
        family: String,
        /// What follows: the method, and `inherits TEMPLATE`.
        rest: Vec<String>,
        /// Its lines without blanks around them.
        options: Vec<String>,
    },
    /// `auto`, `allow-hotplug` and the like: devices that are brought up by themselves.
    Up(Vec<String>),
    /// `source` or `source-directory`, and the pattern.
    Source(String),
    /// Of these devices something that we do not understand.
    Mapping(Vec<String>),
    Other,
}

/// The text in pieces.
pub(super) fn parse(text: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = vec![];
    for (raw, line) in lines(text) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let silent = words.first().is_none_or(|word| word.starts_with('#'));
        match pieces.last_mut() {
            Some(last) if silent || !begins(words[0]) => {
                last.raw.push_str(&raw);
                if let (Kind::Iface { options, .. }, false) = (&mut last.kind, silent) {
                    options.push(words.join(" "));
                }
            }
            _ => pieces.push(Piece { raw, kind: kind(&words, silent) }),
        }
    }
    pieces
}

/// Lines as they stand in the text, and as they are meant: one that ends with `\` goes on, unless it is a comment.
fn lines(text: &str) -> Vec<(String, String)> {
    let mut lines: Vec<(String, String)> = vec![];
    let mut goes_on = false;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\n', '\r']);
        let part = bare.strip_suffix('\\').unwrap_or(bare);
        match lines.last_mut() {
            Some((raw, meant)) if goes_on => {
                raw.push_str(line);
                meant.push(' ');
                meant.push_str(part);
            }
            _ => lines.push((line.to_owned(), part.to_owned())),
        }
        let comment = lines.last().is_some_and(|(_, meant)| meant.trim_start().starts_with('#'));
        goes_on = bare.ends_with('\\') && !comment;
    }
    lines
}

/// Whether a line with this first word belongs to nothing before it.
fn begins(word: &str) -> bool {
    let known = [
        "iface",
        "mapping",
        "auto",
        "source",
        "source-directory",
        "template",
        "no-auto-down",
        "no-scripts",
        "rename",
    ];
    known.contains(&word) || word.starts_with("allow-")
}

fn kind(words: &[&str], silent: bool) -> Kind {
    let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    match words {
        _ if silent => Kind::Other,
        ["iface", device, family, rest @ ..] => Kind::Iface {
            device: (*device).to_owned(),
            family: (*family).to_owned(),
            rest: owned(rest),
            options: vec![],
        },
        ["auto", devices @ ..] => Kind::Up(owned(devices)),
        [allow, devices @ ..] if allow.starts_with("allow-") => Kind::Up(owned(devices)),
        ["mapping" | "rename", devices @ ..] => Kind::Mapping(owned(devices)),
        ["source" | "source-directory", pattern, ..] => Kind::Source((*pattern).to_owned()),
        _ => Kind::Other,
    }
}

/// What of a piece stays when it goes: the comments and blank lines after its last own line, which stand before what
/// follows it.
pub(super) fn tail(raw: &str) -> &str {
    let mut kept = raw.len();
    for line in raw.split_inclusive('\n').rev() {
        let line_is_silent = line.trim().is_empty() || line.trim_start().starts_with('#');
        if !line_is_silent {
            break;
        }
        kept -= line.len();
    }
    &raw[kept..]
}

#[cfg(test)]
mod tests {
    use super::{Kind, parse, tail};

    const TEXT: &str = "# the loopback\nauto lo\niface lo inet loopback\n\n# the plant\nallow-hotplug eno1\niface eno1 inet static\n\taddress 10.77.0.11/24\n  # the old one\n\
        \tgateway \\\n 10.77.0.1\n\n# more\nsource interfaces.d/*\nmapping eth*\n  script x\n";

    #[test]
    fn the_pieces_are_the_text() {
        let pieces = parse(TEXT);
        assert_eq!(pieces.iter().map(|piece| piece.raw.as_str()).collect::<String>(), TEXT);
        let kinds: Vec<&Kind> = pieces.iter().map(|piece| &piece.kind).collect();
        let Kind::Iface { device, family, rest, options } = kinds[4] else { panic!("{kinds:?}") };
        assert_eq!((device.as_str(), family.as_str(), rest.join(" ").as_str()), ("eno1", "inet", "static"));
        assert_eq!(options, &["address 10.77.0.11/24", "gateway 10.77.0.1"]);
        assert_eq!(kinds[3], &Kind::Up(vec!["eno1".to_owned()]));
        assert_eq!(kinds[5], &Kind::Source("interfaces.d/*".to_owned()));
        assert_eq!(kinds[6], &Kind::Mapping(vec!["eth*".to_owned()]));
        assert_eq!(tail(&pieces[4].raw), "\n# more\n");
        assert_eq!(tail("a\n"), "");
    }
}
