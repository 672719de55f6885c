//! Characters that look like others, or like nothing: what a word processor, a chat or a PDF leaves in a text.

/// A text in quotes as a terminal may show it: nothing in it acts on the terminal, and long ones are cut.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown: String = text.chars().take(LONGEST).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// The text with plain characters in place of what only looks like them, and a note on the first one;
/// `None` when there is nothing to replace.
pub(crate) fn plain(text: &str) -> Option<(String, String)> {
    let mut note = None;
    let mut plain = String::new();
    for (index, c) in text.chars().enumerate() {
        let code = u32::from(c);
        let told = match looks(c) {
            Looks::LikeItself => {
                plain.push(c);
                continue;
            }
            Looks::Like(like) => {
                plain.push(like);
                format!("which only looks like {like:?}")
            }
            Looks::LikeNothing => "which nobody sees".to_owned(),
        };
        note.get_or_insert_with(|| format!("character {} is U+{code:04X}, {told}", index + 1));
    }
    note.map(|note| (plain, note))
}

/// What a character looks like.
enum Looks {
    LikeItself,
    Like(char),
    LikeNothing,
}

fn looks(c: char) -> Looks {
    Looks::Like(match c {
        'а' | 'α' => 'a',
        'с' => 'c',
        'е' => 'e',
        'і' | 'ι' | 'ı' => 'i',
        'ј' => 'j',
        'ο' | 'о' => 'o',
        'р' | 'ρ' => 'p',
        'ѕ' => 's',
        'υ' => 'u',
        'ν' => 'v',
        'х' | 'χ' => 'x',
        'у' => 'y',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' => '-',
        '\u{2018}'..='\u{201b}' => '\'',
        '\u{201c}'..='\u{201f}' | '«' | '»' => '"',
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{3000}' => ' ',
        '\u{ad}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}' => {
            return Looks::LikeNothing;
        }
        // the full-width forms of the printable ASCII characters
        '\u{ff01}'..='\u{ff5e}' => {
            let plain = u32::from(c) - 0xff01 + 0x21;
            return char::from_u32(plain).map_or(Looks::LikeItself, Looks::Like);
        }
        _ => return Looks::LikeItself,
    })
}

#[cfg(test)]
mod tests {
    use super::{plain, quoted};

    #[test]
    fn what_looks_like_something_else_is_named() {
        for (text, want, note) in [
            ("nоdes", "nodes", "character 2 is U+043E, which only looks like 'o'"),
            ("cp1\u{200b}", "cp1", "character 4 is U+200B, which nobody sees"),
            ("10.0.0.1–10.0.0.9", "10.0.0.1-10.0.0.9", "character 9 is U+2013, which only looks like '-'"),
            ("１０", "10", "character 1 is U+FF11, which only looks like '1'"),
        ] {
            assert_eq!(plain(text), Some((want.to_owned(), note.to_owned())));
        }
        assert_eq!(plain("é and 漢"), None, "letters of a language are what they look like");
    }

    #[test]
    fn nothing_reaches_the_terminal_as_it_is() {
        assert_eq!(quoted("a\u{1b}[2Jb"), "\"a\\u{1b}[2Jb\"");
        assert!(quoted(&"x".repeat(1 << 20)).len() < 80);
    }
}
