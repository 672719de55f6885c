//! Permission bits in a playbook, as people write them: `"0644"`.

use serde::{Deserialize, Serialize};

/// Permission bits; only `0000` to `0777` (no set-id bits: nothing here needs them).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Mode(u32);

impl Mode {
    pub(crate) const FILE: Self = Self(0o644);
    pub(crate) const SECRET: Self = Self(0o600);
    pub(crate) const PROGRAM: Self = Self(0o755);

    /// The permission bits of something that is there.
    pub(crate) fn of(bits: u32) -> Self {
        Self(bits & 0o7777)
    }

    pub(crate) fn bits(self) -> u32 {
        self.0
    }

    /// 0755, for serde.
    pub(crate) fn program() -> Self {
        Self::PROGRAM
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl TryFrom<String> for Mode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bad = || format!("'{text}' is no mode: want four octal digits in quotes, e.g. \"0644\"");
        if text.len() != 4 || !text.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(bad());
        }
        u32::from_str_radix(&text, 8).ok().filter(|bits| *bits <= 0o777).map(Self).ok_or_else(bad)
    }
}

impl From<Mode> for String {
    fn from(mode: Mode) -> Self {
        mode.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::Mode;

    #[test]
    fn reads_four_octal_digits_only() {
        assert_eq!(Mode::try_from("0640".to_owned()).map(Mode::bits), Ok(0o640));
        for text in ["644", "0o644", "+644", "4755", "0888", ""] {
            assert!(Mode::try_from(text.to_owned()).is_err(), "{text} was taken");
        }
    }
}
